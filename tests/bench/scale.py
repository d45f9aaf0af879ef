"""tests/bench/run scale: wall time and peak memory of import, retrain, evaluate and serving as users, items and events grow, on behaviour
made up by make_behaviour.c. Prints a table and what the peaks say a user, an item and an event cost, and draws charts/scale.svg.

A cell is users:items:events. What is done stands in build/scale/results.json and is not done again. Peak memory is the kernel's count for
the process (ru_maxrss of wait4, VmHWM of a server); it is never less than what this program itself has, about 20 MB, and it counts file
pages that are mapped.
"""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

import plot
from measuring import HERE, ROOT, Build, inkling, load, machine, measured, service

PROGRAMS = ("tests/bench/make_behaviour",)
CELLS = "100k:10k:1M,100k:100k:1M,100k:1M:1M,100k:10k:10M,1M:10k:10M,1M:100k:10M,1M:1M:10M"
STEPS = {"import": "import", "retrain": "retrain, one epoch", "evaluate": "evaluate", "serve": "serve, start to ready"}
REQUESTS = 200  # to a server that is ready, for the time of an answer and for what answering takes in memory


def size(text):
    match = re.fullmatch(r"(\d+)([kM]?)", text)
    if not match:
        raise ValueError(text)
    return int(match.group(1)) * {"": 1, "k": 1000, "M": 1_000_000}[match.group(2)]


def cells(text):
    return [tuple(size(part) for part in cell.split(":")) for cell in text.split(",")]


def short(number):
    for unit, letter in ((1_000_000, "M"), (1000, "k")):
        if number >= unit and number % unit == 0:
            return f"{number // unit}{letter}"
    return str(number)


def watched(*command):
    """Run it; seconds and the peak of memory in bytes."""
    began = time.monotonic()
    with open(os.devnull, "rb") as nothing, subprocess.Popen(
        list(map(str, command)), stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=service.environment()
    ) as process:
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if process.returncode != 0:
        raise service.Trouble(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{said[-2000:]}")
    return {
        "seconds": round(seconds, 2),
        "bytes": usage.ru_maxrss * 1024,
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "said": said[-1500:],
    }


def make(folder, users, items, events):
    paths = folder / "items.ndjson", folder / "events.ndjson"
    for path, words in zip(paths, (("items", items), ("events", users, items, events))):
        with open(path, "wb") as sink:
            subprocess.run([str(Build.program("tests/bench/make_behaviour")), *map(str, words)], stdout=sink, check=True)
    return paths


def serve(data, users):
    began = time.monotonic()
    with service.Service(inkling(), data) as server:
        ready, times = time.monotonic() - began, []

        def peak():
            return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{server.process.pid}/status").read_text()).group(1)) * 1024

        at_ready = peak()
        with server.link() as link:
            for number in range(REQUESTS):
                asked = time.monotonic()
                answer = link.ask("GET", f"/v1/recommendations?user_id=u{number * 7919 % users}&limit=10")
                times.append(time.monotonic() - asked)
                if answer.status != 200:
                    raise service.Trouble(f"recommendations: {answer!r}")
        return {
            "seconds": round(ready, 2),
            "bytes": at_ready,
            "bytes_answering": peak(),
            "answer_ms": round(1000 * statistics.median(times), 2),
        }


def run_cell(cell, args):
    users, items, events = cell
    folder = args.work / "-".join(map(short, cell))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        paths, data = make(folder, *cell), folder / "data"
        found = {"where": machine(), "load": load(), "input_bytes": sum(path.stat().st_size for path in paths)}
        found["import"] = watched(inkling(), "import", "--data", data, *paths)
        found["store_bytes"] = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
        for path in paths:
            path.unlink()
        found["retrain"] = watched(
            inkling(), "retrain", "--data", data, "--budget", 0, "--epochs", args.epochs, "--no-refit", "--force", "--fresh"
        )
        found["evaluate"] = watched(inkling(), "evaluate", "--data", data)
        found["serve"] = serve(data, users)
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def name_of(cell):
    return ":".join(map(short, cell))


# --- what the peaks say ---


def least_squares(rows, values):
    """x that makes |rows x - values| least, by the normal equations; None if the rows do not settle it."""
    n = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(n)] + [sum(row[i] * value for row, value in zip(rows, values))]
        for i in range(n)
    ]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(system[r][i]))
        if abs(system[pivot][i]) < 1e-9:
            return None
        system[i], system[pivot] = system[pivot], system[i]
        for r in range(n):
            if r != i:
                factor = system[r][i] / system[i][i]
                system[r] = [a - factor * b for a, b in zip(system[r], system[i])]
    return [system[i][n] / system[i][i] for i in range(n)]


def costs(results, names):
    """Of each step: bytes at no data, and bytes a user, an item and an event, from all cells; small cells weigh as much as large ones."""
    lines = []
    for step, words in STEPS.items():
        rows, values = [], []
        for name in names:
            users, items, events = map(size, name.split(":"))
            peak = results[name][step]["bytes"]
            rows.append([entry / peak for entry in (1e6, users, items, events)])
            values.append(1.0)
        solved = least_squares(rows, values) if len(rows) >= 4 else None
        if solved:
            worst = max(abs(sum(a * b for a, b in zip(row, solved)) - 1) for row in rows)
            lines.append(f"| {words} | {solved[0]:.0f} MB | {solved[1]:.0f} | {solved[2]:.0f} | {solved[3]:.1f} | {100 * worst:.0f} % |")
    return lines


def print_tables(results, names, epochs):
    print(
        "| users | items | events | import s | MB | store MB | retrain s | MB | evaluate s | MB | serve: ready s | MB | answer ms | MB |\n"
        + "|---" * 14
        + "|"
    )
    for name in names:
        found = results[name]
        words = [f"{found[step]['seconds']:.1f} | {found[step]['bytes'] / 1e6:.0f}" for step in STEPS]
        words.insert(1, f"{found['store_bytes'] / 1e6:.0f}")
        print(
            f"| {' | '.join(name.split(':'))} | {' | '.join(words)} | {found['serve']['answer_ms']:.2f} | {found['serve']['bytes_answering'] / 1e6:.0f} |"
        )
    print(
        f"\nRetrain: `--budget 0 --epochs {epochs} --no-refit`, with the look at the held-out events and "
        "the judging of all methods. MB are peaks (10^6 bytes)."
    )
    fitted = costs(results, names)
    if fitted:
        print(
            "\nPeak memory as a sum, fitted to all cells (the last column: the farthest a cell is from it):\n\n"
            "| | at no data | bytes a user | an item | an event | off by |\n|---|---|---|---|---|---|\n" + "\n".join(fitted)
        )
    print("\nMeasured: " + measured([results[name] for name in names]))


# --- the picture ---


def series(results, names, axis, fixed):
    """Of each step the points (x, seconds), (x, bytes) of the cells that agree in what is fixed; axis 1: items, 2: events."""
    chosen = sorted((tuple(map(size, name.split(":"))), name) for name in names)
    chosen = [(cell, name) for cell, name in chosen if all(cell[place] == value for place, value in fixed.items())]
    return {
        words: [(cell[axis], results[name][step]["seconds"], results[name][step]["bytes"]) for cell, name in chosen]
        for step, words in STEPS.items()
    }


def longest(names, axis, others):
    """What to hold fixed so that most cells differ in the axis alone; among equals the largest."""
    every = [tuple(map(size, name.split(":"))) for name in names]
    groups = {}
    for cell in every:
        groups.setdefault(tuple(cell[other] for other in others), set()).add(cell[axis])
    best = max(groups, key=lambda key: (len(groups[key]), key))
    return dict(zip(others, best))


def draw(results, names, path):
    panels = []
    for axis, others, what in ((1, (0, 2), "items"), (2, (1,), "events")):
        fixed = longest(names, axis, others)
        lines = series(results, names, axis, fixed)
        held = " and ".join(f"{short(value)} {('users', 'items', 'events')[place]}" for place, value in fixed.items())
        if axis == 2:  # users grow with the events: of several cells with as many events, the one with the most users
            lines = {step: list({point[0]: point for point in points}.values()) for step, points in lines.items()}
            held += ", users grow along"
        panels.append(
            plot.Panel(f"Seconds, {held}", what, "seconds", {step: [(x, s) for x, s, _ in points] for step, points in lines.items()})
        )
        panels.append(
            plot.Panel(f"Peak memory, {held}", what, "bytes", {step: [(x, b) for x, _, b in points] for step, points in lines.items()})
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plot.picture(panels, columns=2))


def scale(args):
    path = args.work / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    names = [name_of(cell) for cell in args.cells]
    for cell, name in zip(args.cells, names):
        if name in results:
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = run_cell(cell, args)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        os.replace(fresh, path)
    print("Memory and time as data grow, made-up behaviour (`tests/bench/run scale`)\n")
    print_tables(results, names, args.epochs)
    draw(results, names, args.picture)
    print(f"\nPicture: {os.path.relpath(args.picture, ROOT)}")
    return False


def add_options(parser):
    parser.add_argument("--cells", type=cells, default=CELLS, metavar="LIST", help=f"users:items:events, … (default: {CELLS})")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/scale", metavar="DIR", help="where results and data are kept")
    parser.add_argument("--picture", type=pathlib.Path, default=HERE / "charts/scale.svg", metavar="FILE")
