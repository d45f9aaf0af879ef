"""tests/bench/run quality: next-item quality over HTTP on the five sets of ../shared/data, in two readings that are never mixed.

For each set: prepare and import everything before the test, one search for settings (with the refit, so that its whole time is known),
then for every other seed one training with the settings that the search chose (`--settings VERSION --fresh`), and all measured twice:

  like   like for like, as papers report: the selected model, which never saw the held-out events (what --no-refit leaves), neighbours'
         weight 0
  runs   as it runs: the refit on everything before the test, neighbours that have counted every event, their weight as the model says

The selected model of a run with refit is the same file as that of a run without, so a seed is trained once for both and each reading
activates its own.
What is done stands in build/quality/results.json and is not done again (delete the file, or a member of it, to repeat).
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from measuring import ROOT, SHARED, header, inkling, load, machine, measured, numbers, retrain, service

DATA, REFEREE = SHARED / "data", SHARED / "referee"


class Dataset:
    def __init__(self, train, budget, must, test=None):
        self.train, self.budget, self.must, self.test = DATA / train, budget, must, DATA / (test or train)
        is_sessions = test is not None
        self.referee = REFEREE / ("sessions.py" if is_sessions else "next_item.py")
        self.split = "time" if is_sessions else "last"
        self.measures = ("p@20", "mrr@20") if is_sessions else ("hr@10", "ndcg@10")
        self.sample_option = "--pairs" if is_sessions else "--users"
        self.form = "{:.2f}" if is_sessions else "{:.4f}"

    def is_there(self):
        return self.train.exists() and self.test.exists() and self.referee.exists()


# must: what the reading has to reach, first and second measure (None: nothing is asked)
SETS = {
    "Beauty": Dataset("s3rec/Beauty.txt.gz", "20min", {"like": (None, 0.0620), "runs": (None, 0.0700)}),
    "Toys": Dataset("s3rec/Toys_and_Games.txt.gz", "20min", {"like": (None, 0.0680), "runs": (None, 0.0770)}),
    "Yelp": Dataset("s3rec/Yelp.txt.gz", "20min", {"like": (None, 0.0250), "runs": (None, 0.0270)}),
    "ML-1M": Dataset("ml1m/ml-1m.txt.gz", "45min", {"like": (None, 0.1920), "runs": (None, 0.1980)}),
    "Diginetica": Dataset(
        "diginetica/train_sessions.txt.gz", "45min", {"like": (53.3, 18.4), "runs": (54.2, 19.0)}, "diginetica/test_prefix_target.txt.gz"
    ),
}
READINGS = {"like": "Like for like (selected model, neighbours' weight 0)", "runs": "As it runs (refit, live neighbours)"}


class Results:
    """A JSON file of what was measured: set → step → figures. Written whole after every step, under another name first."""

    def __init__(self, path):
        self.path = path
        self.sets = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name, step):
        return self.sets.get(name, {}).get(step)

    def put(self, name, step, figures):
        self.sets.setdefault(name, {})[step] = figures
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.sets, indent=1, sort_keys=True) + "\n")
        os.replace(fresh, self.path)


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Runner:
    """Runs the commands, or with --dry-run only shows them."""

    def __init__(self, args):
        self.is_dry, self.results, self.args = args.dry_run, Results(args.work / "results.json"), args

    def show(self, command):
        if self.is_dry:
            print("   ", " ".join(shorten(word) for word in command))

    def run(self, *command, good_codes=(0,)):
        command = list(map(str, command))
        self.show(command)
        if self.is_dry:
            return ""
        done = subprocess.run(command, capture_output=True, text=True, env=service.environment())
        if done.returncode not in good_codes or not done.stdout.strip():
            raise service.Trouble(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-3000:]}")
        if done.stderr:
            say(done.stderr[-2000:])
        return done.stdout

    def retrain(self, data, dataset, *options):
        """Returns the version that came out, its selected version, and the seconds up to the selected model and up to the end."""
        options = ("--split", dataset.split, "--fresh", "--force", *options)
        options += ("--epochs", self.args.epochs) if self.args.epochs else ()
        self.show([str(inkling()), "retrain", "--data", str(data), "--json", *map(str, options)])
        if self.is_dry:
            return {"version": "VERSION", "selected": "SELECTED", "seconds": 0, "selected_seconds": 0, "notes": {}}
        done = retrain(data, *options)
        return {
            "version": done["version"],
            "selected": done["header"]["facts"].get("selected_version") or done["version"],
            "seconds": done["seconds"],
            "selected_seconds": done["selected_seconds"],
            "notes": done["notes"],
            "state": done["state"],
        }


def shorten(word):
    for long, short in ((ROOT, "."), (SHARED, "../shared")):
        word = word.replace(str(long) + "/", short + "/")
    return word


def describe(data, version):
    """What of it belongs into the results."""
    known = header(data, version)
    settings = {name: value for name, value in known["settings"].items() if name != "type_weights"}
    figures = {method: values.get("ndcg10") for method, values in known["facts"]["figures"].items()}
    return {
        "settings": settings,
        "shape": known["facts"]["shape"],
        "held_out_ndcg10": figures,
        "neighbours_weight": known["facts"]["neighbours_weight"],
        "epochs": known["facts"]["epochs"],
        "search": known["report"].get("search"),
    }


def prepare(runner, name, dataset, folder):
    data = folder / "data"
    if (data / "inkling.db").exists() and runner.results.get(name, "import"):
        return data
    if not runner.is_dry:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    events = folder / "events.jsonl"
    runner.run(sys.executable, dataset.referee, dataset.train, "prepare", events)
    began = time.monotonic()
    runner.run(inkling(), "import", "--data", data, events)
    if not runner.is_dry:
        runner.results.put(name, "import", {"seconds": round(time.monotonic() - began, 1)})
        events.unlink()
    return data


def search(runner, name, dataset, data):
    found = runner.results.get(name, "search")
    if found and (data / "models" / f"{found['version']}.safetensors").exists():
        return found
    say(f"{name}: search, training and refit, {runner.args.budget or dataset.budget}")
    found = runner.retrain(data, dataset, "--budget", runner.args.budget or dataset.budget, "--seed", runner.args.search_seed)
    if not runner.is_dry:
        found |= describe(data, found["selected"]) | {"budget": runner.args.budget or dataset.budget, "where": machine(), "load": load()}
        runner.results.put(name, "search", found)
    return found


def measure(runner, name, dataset, data, version, reading):
    """The referee's figures with this version live. Serving must say that it answers with it."""
    options = ["--set", "neighbours.weight=0"] if reading == "like" else []
    sample = [dataset.sample_option, runner.args.sample] if runner.args.sample else []
    command = [sys.executable, dataset.referee, dataset.test, "measure"]
    if runner.is_dry:
        runner.show([str(inkling()), "serve", "--data", str(data), "--port", "0", *options])
        runner.show(["curl", "-X", "POST", f"URL/v1/models/{version}/activate"])
        runner.show([*map(str, command), "URL", *map(str, sample)])
        return {}
    with service.Service(inkling(), data, *options) as server:
        answer = server.ask("POST", f"/v1/models/{version}/activate")
        if answer.status != 200:
            raise service.Trouble(f"{name}: activating {version}: {answer!r}")
        said = server.ask("GET", "/v1/recommendations?user_id=nobody&limit=1").json().get("model_version")
        if said != version:
            raise service.Trouble(f"{name}: the server answers with {said}, not {version}")
        said = runner.run(*command, server.url, *sample, good_codes=(0, 1))  # 1: there were faults; they are in the figures
        return json.loads(said.strip().splitlines()[-1])


def run_seed(runner, name, dataset, data, found, seed):
    wanted = [reading for reading in runner.args.readings if runner.results.get(name, f"seed {seed} {reading}") is None]
    if not wanted:
        return
    say(f"{name}: seed {seed}, {' and '.join(wanted)}")
    if seed == runner.args.search_seed:
        trained = found  # the search's winner was trained with this seed and these settings: it would come out the same
    else:
        trained = runner.retrain(
            data, dataset, "--settings", found["version"], "--seed", seed, *([] if "runs" in wanted else ["--no-refit"])
        )
    for reading in wanted:
        version = trained["selected"] if reading == "like" else trained["version"]
        figures = measure(runner, name, dataset, data, version, reading)
        if runner.is_dry:
            continue
        say(f"    {reading}: {figures}")
        refit = trained["seconds"] - trained["selected_seconds"] if reading == "runs" else None
        runner.results.put(
            name,
            f"seed {seed} {reading}",
            describe(data, version)
            | {
                "version": version,
                "figures": figures,
                "train_seconds": trained["selected_seconds"],
                "refit_seconds": refit and round(refit, 1),
                "notes": trained["notes"],
                "where": machine(),
                "load": load(),
            },
        )


# --- the tables ---


def brief(settings, shape):
    """The settings that a search chooses among, in a few words."""
    loss = f"unit vectors, τ {shape['temperature']:.3g}" if shape.get("temperature") else "dot product"
    words = [loss, f"width {shape['width']}", f"{shape['taps']} taps", f"history {shape['history']}"]
    words += [f"{name.replace('_', ' ')} {settings[name]:.3g}" for name in ("dropout", "reach", "recency", "learning_rate", "averaging") if settings.get(name)]
    return ", ".join(words)


def print_reading(results, reading, names, sample):
    print(f"\n{READINGS[reading]}{f'; a sample of {sample} cases' if sample else ''}:\n")
    print(
        "| data | measures | mean | each seed | must | training s | refit s | epochs | held out: encoder, blend NDCG@10 |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name in names:
        dataset, runs = SETS[name], [
            (step.split()[1], run) for step, run in sorted(results.sets.get(name, {}).items()) if step.endswith(f" {reading}")
        ]
        if not runs:
            continue
        rows = [[run["figures"][measure] for measure in dataset.measures] for _, run in runs]
        means = [statistics.mean(column) for column in zip(*rows)]
        pairs = [" / ".join(dataset.form.format(value) for value in row) for row in [means, *rows]]
        asked = [
            f"{'met' if mean >= must else 'MISSED'} {dataset.form.format(must)}"
            for mean, must in zip(means, dataset.must[reading])
            if must is not None
        ]
        faults = sum(run["figures"]["faults"] for _, run in runs)

        def span(key):
            values = [run[key] for _, run in runs if run.get(key) is not None]
            return f"{min(values):.0f}–{max(values):.0f}" if values else "–"

        held = [", ".join(f"{statistics.mean(run['held_out_ndcg10'][method] for _, run in runs):.4f}" for method in ("encoder", "blend"))]
        print(
            f"| {name} | {' / '.join(measure.upper() for measure in dataset.measures)} | **{pairs[0]}** "
            f"| {', '.join(f'{seed}: {pair}' for (seed, _), pair in zip(runs, pairs[1:]))} | {', '.join(asked)}{f', {faults} FAULTS' if faults else ''} "
            f"| {span('train_seconds')} | {span('refit_seconds')} | {span('epochs')} | {held[0]} |"
        )


def print_searches(results, names):
    print(
        "\nThe searches:\n\n| data | budget | search and training s | refit s | all s | chosen | held out: encoder, blend NDCG@10 | neighbours' weight | import s |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for name in names:
        found = results.get(name, "search")
        if found:
            held = found["held_out_ndcg10"]
            print(
                f"| {name} | {found['budget']} | {found['selected_seconds']:.0f} | {found['seconds'] - found['selected_seconds']:.0f} | {found['seconds']:.0f} "
                f"| {brief(found['settings'], found['shape'])} | {held['encoder']:.4f}, {held['blend']:.4f} | {found['neighbours_weight']:g} "
                f"| {results.get(name, 'import')['seconds']:g} |"
            )
    print("\nMeasured: " + measured([step for name in names for step in results.sets.get(name, {}).values() if "where" in step]))


def is_short(results, name, readings):
    """Does a mean miss what is asked, or was an answer at fault?"""
    dataset = SETS[name]
    for reading in readings:
        runs = [run["figures"] for step, run in results.sets.get(name, {}).items() if step.endswith(f" {reading}")]
        means = [statistics.mean(run[measure] for run in runs) for measure in dataset.measures] if runs else []
        if any(run["faults"] for run in runs) or any(must is not None and mean < must for mean, must in zip(means, dataset.must[reading])):
            return True
    return False


def quality(args):
    args.readings = [args.only] if args.only else list(READINGS)
    args.work = args.work / f"sample-{args.sample}" if args.sample else args.work
    runner, names = Runner(args), []
    for name in args.set:
        dataset = SETS[name]
        if not dataset.is_there():
            print(f"skipped: {name}: {shorten(str(dataset.train))} or {shorten(str(dataset.referee))} is not there")
            continue
        names.append(name)
        if args.dry_run:
            print(f"{name}:")
        if args.print:
            continue
        data = prepare(runner, name, dataset, args.work / name)
        found = search(runner, name, dataset, data)
        for seed in args.seeds:
            run_seed(runner, name, dataset, data, found, seed)
    if args.dry_run:
        return False
    for reading in args.readings:
        print_reading(runner.results, reading, names, args.sample)
    print_searches(runner.results, names)
    return any(is_short(runner.results, name, args.readings) for name in names)


def set_names(text):
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in SETS:
            raise ValueError(name)
    return names


def add_options(parser):
    parser.add_argument("--set", type=set_names, default=list(SETS), metavar="NAMES", help=f"some of {','.join(SETS)} (default: all)")
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3], metavar="LIST", help="default: 1,2,3")
    parser.add_argument("--only", choices=READINGS, help="one reading; default: both, each in a table of its own")
    parser.add_argument("--budget", help="of a search in place of the set's own (20min; ML-1M and Diginetica 45min)")
    parser.add_argument("--search-seed", type=int, default=1)
    parser.add_argument(
        "--epochs", type=int, metavar="N", help="of every training at most; only to try this script: use a --work of its own"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="measure N cases only, with results of its own")
    parser.add_argument(
        "--work", type=pathlib.Path, default=ROOT / "build/quality", metavar="DIR", help="where results and data directories are kept"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the commands, run nothing")
    parser.add_argument("--print", action="store_true", help="print the tables of what was measured already, run nothing")
