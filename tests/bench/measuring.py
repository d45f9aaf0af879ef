"""What everything in tests/bench shares: building, where the figures come from, the median and its spread. Standard library only."""

import os
import pathlib
import re
import statistics
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


def inkling():
    return Build.program("server/inkling")


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


def add_common(parser):
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR", help="release build to use (default: build/release)")
