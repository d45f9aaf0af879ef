#!/usr/bin/env python3
"""Hold a running server against its own openapi.yaml with schemathesis, a tool that knows nothing of inkling.

  run_contract.py --binary FILE --venv DIR [--long]

It makes up requests that the contract allows and requests that it forbids, and checks that every answer is one that the contract
names: status, content type, schema, no 5xx, nothing forbidden accepted. The number of examples is bounded and the seed fixed.
At the end the server must stop cleanly: a sanitizer's finding is a failure as well.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import service  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES, LONG_EXAMPLES = 50, 400
# Not what a tool should do at random: a retraining a request is a test of its own (tests/fault). What a picture is, the contract cannot say in a way that
# one could be made up from: cases (tests/http) and mutated ones (tests/fault) are put instead.
LEFT_OUT = ["--exclude-path", "/v1/retrain", "--exclude-operation-id", "putItemPicture", "--exclude-operation-id", "classifyImage"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--venv", required=True, type=pathlib.Path)
    parser.add_argument("--long", action="store_true")
    args = parser.parse_args()
    began = time.monotonic()
    with service.scratch() as folder:
        service.run_ok(args.binary, "import", "--data", folder / "data", service.ROOT / "tests/http/catalogue.ndjson")
        with service.Service(args.binary, folder / "data") as server:
            command = [str(args.venv.resolve() / "bin/st"), "run", f"{server.url}/openapi.json", "--seed", "20151201", "--max-examples", str(LONG_EXAMPLES if args.long else EXAMPLES),
                       "--phases", "examples,coverage,fuzzing", "--checks", "all", "--exclude-checks", "ignored_auth", "--generation-database", "none",
                       "--suppress-health-check", "all", "--request-timeout", "30", "--no-color", *LEFT_OUT]
            done = subprocess.run(command, cwd=folder, env=dict(os.environ, SCHEMATHESIS_HOOKS=str(HERE / "hooks.py")), capture_output=True, text=True, timeout=3000)
            print(done.stdout)
            print(done.stderr, file=sys.stderr)
            if server.process.poll() is not None:
                print(f"FAIL  the server ended with {server.process.returncode}:\n{server.tail()}")
                print("SUITE 0 passed, 1 failed: the server died under schemathesis")
                return 1
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (generated|passed|found|failed|failures|unique failures|errors)", done.stdout)}
    operations = re.search(r"Operations:\s+(\d+) selected|Tested:\s+(\d+)", done.stdout)
    n_cases = counts.get("generated", 0)
    failures = len(re.findall(r"^_{3,} .* _{3,}$", done.stdout, re.M))
    failed = failures or (1 if done.returncode or n_cases == 0 else 0)
    n_operations = int(next(filter(None, operations.groups()))) if operations else 0
    print(f"SUITE {max(0, n_operations - failed)} passed, {failed} failed: operations of openapi.yaml, {n_cases} requests made up, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except service.Trouble as trouble:
        sys.exit(f"run_contract.py: {trouble}")
