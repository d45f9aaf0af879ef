"""tests/bench/run warm: what going on from the live model saves. A model is trained on every user's events without the last two, the
second-last of a share of the users comes in (new items with it), and then the same data is trained on twice with the same settings: from nothing
(`--settings live --fresh`) and from the live model (no options). Compared are the seconds up to the selected model, and the NDCG@10 of the
network on the held-out events.
"""

import gzip
import json
import pathlib
import shutil
import statistics

from measuring import ROOT, SHARED, inkling, machine, retrain, service, spread

START_MS, STEP_MS = 1_400_000_000_000, 3_600_000
TIMES, KEPT = 0.25, 0.005  # at most this share of the time, within this share of the NDCG@10


def histories(path):
    with gzip.open(path, "rt") as source:
        for line in source:
            user, *items = line.split()
            if len(items) >= 3:
                yield user, items


def write_events(path, data, first_from_end, last_from_end, share=1.0):
    """Of this share of the users, evenly spread, the items [first_from_end, last_from_end), counted from the end; first None: from the beginning."""
    with open(path, "w") as sink:
        for number, (user, items) in enumerate(histories(data)):
            if int(share * (number + 1)) == int(share * number):
                continue
            end = len(items) - last_from_end
            for step in range(0 if first_from_end is None else len(items) - first_from_end, end):
                event = {"user_id": f"u{user}", "item_id": f"i{items[step]}", "type": "purchase", "timestamp": START_MS + step * STEP_MS}
                sink.write(json.dumps(event | {"event_id": f"{user}-{step}"}) + "\n")


def load_events(folder, name, data, *span):
    write_events(folder / name, data, *span)
    service.run_ok(inkling(), "import", "--data", folder / "data", folder / name)


def one_seed(folder, seed):
    """The two trainings, each on a copy of the directory, so that both meet the same live model."""
    runs = {}
    for name, options in (("cold", ("--settings", "live", "--fresh")), ("warm", ())):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(folder / "data", folder / name)
        run = retrain(folder / name, "--split", "last", "--no-refit", "--force", "--seed", seed, *options)
        runs[name] = {"seconds": run["selected_seconds"], "ndcg10": run["header"]["facts"]["figures"]["encoder"]["ndcg10"], "note": run["notes"]["trained"]}
    return runs


def warm(args):
    if not args.set.exists():
        print(f"skipped: {args.set} is not there")
        return False
    with service.scratch() as folder:
        load_events(folder, "before.ndjson", args.set, None, 2)
        first = retrain(folder / "data", "--split", "last", "--no-refit", "--budget", args.budget)
        print(f"before: {first['notes']['trained']}, {first['selected_seconds']:.0f} s with --budget {args.budget}\n", flush=True)
        load_events(folder, "after.ndjson", args.set, 2, 1, args.share)
        runs = {seed: one_seed(folder, seed) for seed in args.seeds}
    print(f"{args.set.name}, the second-last event of {args.share:.0%} of the users came in, seeds {', '.join(map(str, args.seeds))} ({machine()})\n")
    print("| seed | anew: s, NDCG@10 | from the live model: s, NDCG@10 | time | NDCG@10 |\n|---|---|---|---|---|")
    for seed, run in runs.items():
        cold, warmed = run["cold"], run["warm"]
        print(f"| {seed} | {cold['seconds']:.0f}, {cold['ndcg10']:.4f} ({cold['note']}) | {warmed['seconds']:.0f}, {warmed['ndcg10']:.4f} ({warmed['note']}) "
              f"| {warmed['seconds'] / cold['seconds']:.2f} | {100 * (warmed['ndcg10'] / cold['ndcg10'] - 1):+.2f} % |")
    times = [run["warm"]["seconds"] / run["cold"]["seconds"] for run in runs.values()]
    kept = statistics.mean(run["warm"]["ndcg10"] for run in runs.values()) / statistics.mean(run["cold"]["ndcg10"] for run in runs.values())
    print(f"\nratio of times {spread(times, '{:.2f}')} (at most {TIMES}), of means of NDCG@10 {kept:.4f} (at least {1 - KEPT})")
    return statistics.mean(times) > TIMES or kept < 1 - KEPT


def add_options(parser):
    parser.add_argument("--set", type=pathlib.Path, default=SHARED / "data/s3rec/Beauty.txt.gz", metavar="FILE", help="lines of `user item item …` (default: Beauty)")
    parser.add_argument("--share", type=float, default=0.2, help="of the users who have one more event since the live model was trained (default: .2)")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[1], metavar="LIST", help="default: 1")
    parser.add_argument("--budget", default="15min", help="of the search for the first model (default: 15min; 0: none)")
