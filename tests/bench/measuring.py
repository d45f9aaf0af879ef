"""What everything in tests/bench shares: building, where the figures come from, the median and its spread. Standard library only."""

import json
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import service  # noqa: E402

HERE, ROOT = pathlib.Path(__file__).resolve().parent, service.ROOT
SHARED = ROOT.parent / "shared"  # data sets that may not be passed on; tests and measurements use them if they are there


class Build:
    """A release build: build/release unless --build says otherwise."""

    directory = ROOT / "build/release"

    @classmethod
    def program(cls, name):
        return cls.directory / name

    @classmethod
    def make(cls, *programs):
        subprocess.run([str(ROOT / "deploy/install"), "--tests", "--bench"], check=True)
        verb = "configure" if (cls.directory / "build.ninja").exists() else "setup"  # the demo may have made it without tests
        subprocess.run(
            ["meson", verb, str(cls.directory), "--buildtype=release", "-Dtests=true"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        subprocess.run(["ninja", "-C", str(cls.directory), *programs], check=True, stdout=subprocess.DEVNULL)


def make_venv(name, *packages):
    """build/NAME with packages from PyPI, pinned ("torch==2.15.0"), made or added to when something is missing; its Python. Measurements share
    an environment: what another one has put there stays, unless it is another version of the same."""
    folder = ROOT / "build" / name
    made_from = folder / "made-from.txt"
    there = set(made_from.read_text().split()) if made_from.exists() else set()
    missing = [package for package in packages if package not in there]
    if not missing:
        return folder / "bin/python"
    print(f"installing {' '.join(missing)} into {folder.relative_to(ROOT)} …", file=sys.stderr)
    if not there or {package.split("==")[0] for package in missing} & {package.split("==")[0] for package in there}:
        shutil.rmtree(folder, ignore_errors=True)
        there, missing = set(), list(packages)
        subprocess.run(["/usr/bin/python3", "-m", "venv", str(folder)], check=True)
    command = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *sorted(there), *missing], check=True)  # all of them, so that none is replaced by another version
    made_from.write_text("\n".join(sorted(there | set(missing))))
    return folder / "bin/python"


def inkling():
    return Build.program("server/inkling")


def header(data, version):
    """What a model's file says about itself: facts, settings, report."""
    with open(pathlib.Path(data) / "models" / f"{version}.safetensors", "rb") as source:
        (size,) = struct.unpack("<Q", source.read(8))
        texts = json.loads(source.read(size))["__metadata__"]
    return {name: json.loads(texts.get(name, "{}")) for name in ("facts", "settings", "report")}


def retrain(data, *options):
    """`inkling retrain`: the version that came out, its header and state, what was said of the speed, the seconds up to the selected model
    and up to the end. How far it is goes to the standard error, a line a minute."""
    command = [str(inkling()), "retrain", "--data", str(data), "--json", *map(str, options)]
    began, last, notes, selected_at = time.monotonic(), {}, {}, None
    said_at = began
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=service.environment()) as process:
        for line in process.stdout:
            last = json.loads(line)
            if last.get("phase") in ("trained", "refit"):
                notes[last["phase"]] = last["note"]
            if last.get("phase") in notes or time.monotonic() - said_at > 60:
                print(f"    {last.get('phase')}: {(last.get('note') or '').strip()}", file=sys.stderr, flush=True)
                said_at = time.monotonic()
            if last.get("phase") == "trained":
                selected_at = time.monotonic() - began
    seconds = time.monotonic() - began
    if process.returncode != 0 or "model_version" not in last:
        raise service.Trouble(f"{' '.join(command)}: exit code {process.returncode}: {last}")
    return {
        "version": last["model_version"],
        "header": header(data, last["model_version"]),
        "state": last.get("state"),
        "notes": notes,
        "seconds": round(seconds, 1),
        "selected_seconds": round(selected_at or seconds, 1),
    }


def machine():
    """One line about where the figures come from."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty=+"], capture_output=True, text=True).stdout.strip()
    return (
        f"{time.strftime('%Y-%m-%d')}, commit {commit or 'unknown'}, {len(os.sched_getaffinity(0))} cores of "
        f"{model.group(1) if model else 'an unknown processor'}"
    )


def load():
    """How busy the machine is with other things: a figure taken above about .5 is worth little."""
    return round(os.getloadavg()[0], 1)


def measured(steps):
    """Where and under which load the steps of a results file were measured."""
    loads = [step["load"] for step in steps]
    return "; ".join(sorted({step["where"] for step in steps})) + (
        f"; load at the start of a step {min(loads):g}–{max(loads):g}" if loads else ""
    )


def spread(values, form="{:,.0f}"):
    """The median and, behind it, the least and the most."""
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}–{form.format(max(values))})".replace(",", " ")


def numbers(text):
    """The type of an option like --seeds 1,2,3."""
    return [int(number) for number in text.split(",") if number]


def add_common(parser):
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR", help="release build to use (default: build/release)")
