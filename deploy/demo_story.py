#!/usr/bin/env python3
"""The demo's story, told over a real server: import, train, judge, ask, send three events, ask again. Called by deploy/demo.

Everything that is shown comes out of the program or over HTTP; nothing is made up here. What must hold is checked on the way (`must`), and the
last line says what passed. Standard library only.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "deploy/sample"
HOME = ROOT / "build/demo"
N_FILMS, N_RATINGS = 9066, 100_004
PERSON = "user-73"  # a person of the sample with a long history
TASTES = ("Animation", "Horror", "Western", "Documentary", "Musical", "War")  # one of them, which the person's list has least of, is tried
PRETTY = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
WIDTH = min(100, shutil.get_terminal_size((96, 24)).columns)


class Wrong(Exception):
    """The demo did not go as it must; the text is for people."""


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if PRETTY else text


def heading(text):
    print(f"\n{paint('1', text)}\n{paint('2', '─' * min(len(text), WIDTH))}")


def say(text):
    print(textwrap.fill(" ".join(text.split()), WIDTH))


held = []


def must(holds, what):
    """Note what held; stop where something did not."""
    if not holds:
        raise Wrong(f"this should have held, and did not: {what}")
    held.append(what)


def shorten(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def inkling(binary, *arguments, quiet=False):
    """Run a verb; its bars and lines go straight to the terminal. Returns standard output if quiet."""
    done = subprocess.run([binary, *map(str, arguments)], stdout=subprocess.PIPE if quiet else None, text=True,
                          stderr=subprocess.DEVNULL if quiet and not PRETTY else None)
    if done.returncode:
        raise Wrong(f"`inkling {arguments[0]}` ended with exit code {done.returncode}; its message stands above")
    return done.stdout


class Server:
    def __init__(self, binary, data, port):
        port_file = HOME / "port"
        port_file.unlink(missing_ok=True)
        self.log = open(HOME / "server.log", "wb")
        self.process = subprocess.Popen([binary, "serve", "--data", str(data), "--port", str(port), "--port-file", str(port_file)],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while True:
            if self.process.poll() is not None:
                said = (HOME / "server.log").read_text(errors="replace").strip()
                advice = f" Is something else on port {port}? Try `deploy/demo --port N`." if port else ""
                raise Wrong(f"the server did not start (exit code {self.process.returncode}).{advice}\nIt said:\n{said[-1500:]}")
            with contextlib.suppress(FileNotFoundError, ValueError, OSError, http.client.HTTPException):
                self.port = int(port_file.read_text())
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            if time.monotonic() > deadline:
                self.process.kill()
                raise Wrong(f"the server was not ready within 30 s; {HOME / 'server.log'} has what it said")
            time.sleep(0.02)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method, path, body=None):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(link):
            link.request(method, path, body=None if body is None else json.dumps(body), headers={} if body is None else {"Content-Type": "application/json"})
            answer = link.getresponse()
            text = answer.read().decode()
        return answer.status, (json.loads(text) if text and answer.headers.get_content_type().endswith("json") else text)

    def get(self, path):
        status, page = self.ask("GET", path)
        if status != 200:
            raise Wrong(f"GET {path} answered {status}: {page}")
        return page

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.log.close()
        return code


class Films:
    """Titles, asked for one by one and remembered."""

    def __init__(self, server):
        self.server, self.known = server, {}

    def __getitem__(self, item_id):
        if item_id not in self.known:
            self.known[item_id] = self.server.get(f"/v1/items/{urllib.parse.quote(item_id)}")
        return self.known[item_id]

    def line(self, item_id, width):
        film = self[item_id]
        year = (film.get("attributes") or {}).get("year")
        return shorten(f"{film['title']}{f' ({year})' if year else ''}", width)

    def genres(self, item_id):
        return self[item_id].get("categories") or []


def recommendations(server, n=10):
    return server.get(f"/v1/recommendations?user_id={PERSON}&limit={n}")


def prepare(binary, data, fresh):
    """Import and train, unless a finished data directory is there. Returns seconds."""
    finished = HOME / "finished"
    stamp = str(os.stat(binary).st_mtime_ns)
    if not fresh and finished.exists() and finished.read_text() == stamp:
        heading("1, 2 · The data directory of the last run")
        say(f"{data.relative_to(ROOT)} holds the imported sample and a trained model (--fresh starts over).")
        return
    shutil.rmtree(HOME, ignore_errors=True)
    data.mkdir(parents=True)
    heading("1 · Import: 9 066 films and what 671 people thought of them")
    say("MovieLens small, GroupLens' data, shipped as two compressed files (for non-commercial use, see deploy/sample/TERMS.md). A rating of 4 and more "
        "came in as a `like`, under 3 as a `dislike`, anything between as a `view`.")
    print(flush=True)
    began = time.monotonic()
    inkling(binary, "import", "--data", data, SAMPLE / "items.ndjson.zst", SAMPLE / "events.ndjson.zst")
    print(f"  imported in {time.monotonic() - began:.1f} s into {data.relative_to(ROOT)}")
    heading("2 · Training: a convolutional network learns what follows what")
    say("The newest tenth of the events is held out: the network never trains on it, and after every epoch it is asked to guess it.")
    print(flush=True)
    began = time.monotonic()
    inkling(binary, "retrain", "--data", data, "--budget", "60s")
    print(f"  trained in {time.monotonic() - began:.0f} s")
    finished.write_text(stamp)


METHODS = {"popular": "what everybody watches", "neighbours": "films that went with the last ones", "encoder": "the network, over the whole behaviour",
           "blend": "network and neighbours: what is served"}


def judge(binary, data):
    heading("3 · How good is it? Ranking all 9 066 films for events that were held out")
    judged = json.loads(inkling(binary, "evaluate", "--data", data, "--json", quiet=True))
    rows = judged["evaluation"]["groups"]["all"]["methods"]
    say(f"{judged['evaluation']['cases']} events were held out.")
    print(f"\n  {'':12} {'HR@10':>7} {'NDCG@10':>9}")
    best = max(row["ndcg10"] for row in rows.values())
    for method, words in METHODS.items():
        hits, gain = rows[method]["hr10"], rows[method]["ndcg10"]
        line = f"  {method:12} {hits:7.4f} {gain:9.4f}   {'#' * round(24 * gain / best):24} {words}"
        print(paint("1", line.rstrip()) if method == "blend" else line.rstrip())
    print()
    say("HR@10: how often the film that came next was among the ten best. NDCG@10: the same, but a place further up counts more. One film out of 9 066 is "
        "right, so these figures are small; they compare the methods.")
    must(rows["blend"]["ndcg10"] > rows["popular"]["ndcg10"], "the blend ranks better than popularity")


def show_person(server, films):
    heading(f"4 · One person: {PERSON}")
    events = server.get(f"/v1/users/{PERSON}/events?limit=6")["events"]
    print("  the last films, newest first")
    for event in events:
        mark = {"like": paint("32", "♥ like   "), "dislike": paint("31", "✗ dislike")}.get(event["type"], "· " + f"{event['type']:7}")
        print(f"    {mark}  {films.line(event['item_id'], 46):46}  {shorten(', '.join(films.genres(event['item_id'])), WIDTH - 66)}")
    before = recommendations(server)
    print(f"\n  recommended now (model {before['model_version']}, {before['seen_seq']} events seen)")
    for place, entry in enumerate(before["items"], 1):
        print(f"    {place:2}  {films.line(entry['item_id'], 50):50}  {shorten(', '.join(films.genres(entry['item_id'])), WIDTH - 60)}")
    must(len(before["items"]) == 10 and before["model_version"], "ten recommendations by the trained model")
    return before


def choose_events(server, films, before):
    """Three well-known films of the taste that the list has least of, none of them seen or listed."""
    listed = {entry["item_id"] for entry in before["items"]}
    counts = {taste: sum(taste in films.genres(item) for item in listed) for taste in TASTES}
    taste = min(TASTES, key=lambda one: counts[one])
    seen = {event["item_id"] for event in server.get(f"/v1/users/{PERSON}/events?limit=100")["events"]}
    popular = server.get(f"/v1/popular?categories={taste}&window=all&limit=50")["items"]
    return taste, [entry["item_id"] for entry in popular if entry["item_id"] not in seen | listed][:3]


def send_events(server, films, taste, chosen):
    heading("5 · Three new events, over HTTP")
    say(f"{PERSON} now likes three films of a kind that is hardly in the list: {taste}.")
    body = {"events": [{"user_id": PERSON, "item_id": item, "type": "like"} for item in chosen]}
    for item in chosen:
        print(f"    {paint('32', '♥ like')}  {films.line(item, 60)}")
    print(f"\n  curl -X POST {server.url}/v1/events -H 'Content-Type: application/json' \\\n       -d '{json.dumps(body)}'")
    began = time.perf_counter()
    status, page = server.ask("POST", "/v1/events", body)
    stored = time.perf_counter()
    must(status == 200 and page["accepted"] == 3, "three events accepted")
    after = recommendations(server)
    asked = time.perf_counter()
    print(f"  → {json.dumps(page)}")
    print(f"\n  on the disk after {1000 * (stored - began):.1f} ms; the next answer took {1000 * (asked - stored):.1f} ms and has seen them (seq {page['seq']} ≤ seen_seq {after['seen_seq']})")
    must(after["seen_seq"] >= page["seq"], "the next answer has seen them")
    must(not set(chosen) & {entry["item_id"] for entry in after["items"]}, "what was just liked is not recommended again")
    return after


def compare(films, taste, before, after):
    heading("6 · The recommendations before and after, nothing retrained in between")
    half = (WIDTH - 10) // 2
    old = [entry["item_id"] for entry in before["items"]]
    new = [entry["item_id"] for entry in after["items"]]
    print(f"      {'before':{half}}  after")
    for place, (left, right) in enumerate(zip(old, new), 1):
        text = f"{films.line(right, half - 6)}"
        text = paint("1;32", f"{text}  ← new") if right not in old else text
        print(f"  {place:2}  {films.line(left, half):{half}}  {text}")
    fresh = [item for item in new if item not in old]

    def share(items):
        return sum(taste in films.genres(item) for item in items)

    print()
    say(f"{len(fresh)} of 10 are new; {taste}: {share(old)} before, {share(new)} after.")
    must(fresh, "the three events changed the recommendations")


def keep_serving(server):
    heading(f"Serving on {server.url} — Ctrl-C stops it")
    for line in (f"curl '{server.url}/v1/recommendations?user_id=user-1&limit=5'",
                 f"curl '{server.url}/v1/recommendations?user_id=somebody-new&categories=Comedy&limit=5'",
                 f"curl -X POST {server.url}/v1/events -H 'Content-Type: application/json' -d '{{\"user_id\":\"somebody-new\",\"item_id\":\"film-260\",\"type\":\"like\"}}'",
                 f"curl {server.url}/v1/items/film-260/similar?limit=5",
                 f"curl '{server.url}/v1/popular?categories=Horror&window=all&limit=5'",
                 f"curl -X POST {server.url}/v1/retrain -H 'Content-Type: application/json' -d '{{\"epochs\":5}}'; curl {server.url}/v1/jobs",
                 f"curl {server.url}/openapi.yaml"):
        print(f"  {line}")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.process.wait()
    print()


def main():
    parser = argparse.ArgumentParser(prog="deploy/demo", description="inkling from nothing to recommendations")
    parser.add_argument("binary")
    parser.add_argument("--once", action="store_true", help="stop after the show")
    parser.add_argument("--port", type=int, help="8080, or with --once any free port")
    parser.add_argument("--fresh", action="store_true", help="import and train again")
    args = parser.parse_args()
    port = args.port if args.port is not None else 0 if args.once else 8080
    binary = str(pathlib.Path(args.binary).resolve())
    began = time.monotonic()
    data = HOME / "data"
    sys.stdout.reconfigure(line_buffering=True)
    prepare(binary, data, args.fresh or args.once)
    server = None
    try:
        judge(binary, data)
        server = Server(binary, data, port)
        films = Films(server)
        before = show_person(server, films)
        taste, chosen = choose_events(server, films, before)
        must(len(chosen) == 3, "three films to like were found")
        after = send_events(server, films, taste, chosen)
        compare(films, taste, before, after)
        took = time.monotonic() - began
        if not args.once:
            keep_serving(server)
    finally:
        if server and server.process.poll() is None:
            code = server.stop()
            must(code == 0, "the server stopped cleanly")
    print(f"\n{paint('1;32', 'passed')}: {', '.join(held)} ({took:.0f} s)")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.stdout.flush()
        print(f"\n{paint('1;31', 'failed')}: {wrong}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
