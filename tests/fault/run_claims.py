#!/usr/bin/env python3
"""Make failures happen and check what must hold all the same. Every function `claim_…` of the *_claims.py files here is one claim, its docstring the sentence.

  run_claims.py --binary FILE [--release FILE] [--long] [--list] [PART…]

--binary is the build under test (the suite's: with sanitizers), --release a build for what only makes sense at speed. PART: only claims whose name contains it.
"""
import argparse
import importlib
import pathlib
import random
import sys
import time
import traceback

import service

HERE = pathlib.Path(__file__).resolve().parent


class Skip(Exception):
    """The claim cannot be tried on this machine; the text says why."""


class Lab:
    """What a claim gets: the programs, a directory of its own, data to start from, and randomness from a printed seed."""

    def __init__(self, binary, release, long, seed, folder, shared):
        self.binary, self.release, self.long, self.seed = binary, release, long, seed
        self.random = random.Random(seed)
        self.folder = folder
        self.shared = shared  # prepared once for all claims

    def rounds(self, few, many):
        return many if self.long else few

    def skip(self, why):
        raise Skip(why)

    def service(self, data, *arguments, **more):
        return service.Service(self.binary, data, *arguments, **more)

    def small_data(self):
        """A fresh data directory: the films, and what the first 60 people of the sample thought of them."""
        return self.copy_of("small", lambda data: self.import_sample(data, 60))

    def trained_data(self):
        """The same with two trained models, the second one live."""
        def make(data):
            self.import_sample(data, 60)
            for seed in (1, 2):
                service.run_ok(self.binary, "retrain", "--data", data, "--budget", 0, "--no-refit", "--fresh", "--force", "--epochs", 1, "--seed", seed, "--threads", 2, "--set", "retrain.content=false")
        return self.copy_of("trained", make)

    def import_sample(self, data, most_users):
        events = self.shared / f"events-{most_users}.ndjson"
        if not events.exists():
            events.write_text("".join(service.sample_lines("events.ndjson.zst", most_users)))
        service.run_ok(self.binary, "import", "--data", data, service.SAMPLE / "items.ndjson.zst", events)

    def copy_of(self, name, make):
        ready = self.shared / name
        if not ready.exists():
            make(ready)
        target = self.folder / f"data-{len(list(self.folder.iterdir()))}"
        service.shutil.copytree(ready, target)
        return target

    def integrity(self, data):
        """The database as SQLite itself sees it, from outside."""
        done = service.subprocess.run(["sqlite3", str(data / "inkling.db"), "pragma integrity_check"], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.strip() == "ok", f"integrity_check: {done.stdout}{done.stderr}"


def claims(parts):
    for file in sorted(HERE.glob("*_claims.py")):
        if file.stem != "run_claims":
            module = importlib.import_module(file.stem)
            for name, claim in list(vars(module).items()):
                if name.startswith("claim_") and (not parts or any(part in f"{file.stem}.{name}" for part in parts)):
                    yield file.stem.removesuffix("_claims"), claim


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=service.ROOT / "build/debug/server/inkling")
    parser.add_argument("--release")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--seed", type=int, default=20151201)
    parser.add_argument("parts", nargs="*", metavar="PART")
    args = parser.parse_args()
    if args.list:
        for area, claim in claims(args.parts):
            print(f"{area:12} {claim.__doc__.strip().splitlines()[0]}")
        return 0
    passed = failed = skipped = 0
    began = time.monotonic()
    print(f"seed {args.seed}")
    with service.scratch() as shared:
        for area, claim in claims(args.parts):
            sentence = claim.__doc__.strip().splitlines()[0]
            start = time.monotonic()
            with service.scratch() as folder:
                try:
                    claim(Lab(str(args.binary), str(args.release or args.binary), args.long, args.seed, folder, shared))
                    word, why = "ok  ", ""
                    passed += 1
                except Skip as reason:
                    word, why = "SKIP", f" ({reason})"
                    skipped += 1
                except Exception as problem:
                    word = "FAIL"
                    where = traceback.extract_tb(problem.__traceback__)
                    place = next((frame for frame in reversed(where) if frame.filename.endswith("_claims.py")), where[-1])
                    why = f"\n      {type(problem).__name__}: {problem}\n      at {pathlib.Path(place.filename).name}:{place.lineno}: {place.line}"
                    failed += 1
            print(f"{word}  {area}: {sentence}{why}  [{time.monotonic() - start:.1f} s]", flush=True)
    print(f"SUITE {passed} passed, {failed} failed, {skipped} skipped: failures made to happen, {time.monotonic() - began:.0f} s")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
