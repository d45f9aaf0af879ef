#!/usr/bin/env python3
"""GET /metrics through promtool, Prometheus' own judge of what it can read: once fresh, once after some traffic.

  check_metrics.py --binary FILE --promtool FILE
"""
import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import service  # noqa: E402


def judge(promtool, text):
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    said = (done.stdout + done.stderr).strip()
    for line in said.splitlines():
        print("promtool:", line)
    return done.returncode == 0 and not said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--promtool", required=True)
    args = parser.parse_args()
    passed = failed = 0
    with service.scratch() as folder:
        service.run_ok(args.binary, "import", "--data", folder / "data", service.ROOT / "tests/http/catalogue.ndjson")
        with service.Service(args.binary, folder / "data") as server:
            for moment in ("fresh", "after traffic"):
                answer = server.ask("GET", "/metrics")
                text = answer.bytes.decode()
                good = answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain") and judge(args.promtool, text)
                passed, failed = passed + good, failed + (not good)
                if not good:
                    print(f"FAIL  metrics {moment}: status {answer.status}, {answer.headers['Content-Type']}\n{text[:2000]}")
                for number in range(20):
                    server.ask("POST", "/v1/events", {"user_id": f"user-{number}", "item_id": "film-1", "type": "click"})
                    server.ask("GET", f"/v1/recommendations?user_id=user-{number}")
                    server.ask("GET", "/v1/nothing-here")
    families = text.count("# TYPE ")
    print(f"SUITE {passed} passed, {failed} failed: readings of {families} metrics judged by promtool")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except service.Trouble as trouble:
        sys.exit(f"check_metrics.py: {trouble}")
