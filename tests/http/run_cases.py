#!/usr/bin/env python3
"""Run the HTTP cases: folders that say what is sent and what must come back, against one real server.

  run_cases.py [--binary FILE] [--url URL] [--verbose] [PART…]     PART: only cases whose path contains it

A case is tests/http/cases/<area>/<claim>/ with
  request, response                what is sent, what must come back; a longer story is 1.request, 1.response, 2.request, …
  request.raw                      sent byte for byte (in place of request), for what no client would send
request: HTTP text. Lines end in \\n here and in CRLF on the wire; Host and Content-Length are added unless given. All requests of a case go
over one connection as long as it stays open.
response: a status line, headers that must match (others are free; a value may be <any>), an empty line, a body. JSON is compared by value:
"<any>" matches any value, "<int>" an integer, "<number>" a number, "<id>" a text that is not empty, "<time>" RFC 3339, a last element
"<more>" of a list any further elements, a member "<more>": "<any>" of an object any further members. Any other body is compared as text; a body
"<any>" matches all. No body in the file: the body is not looked at. `Connection: close` says that the server must close the connection.
{1.a.b} in a later request stands for the member b of a of the first answer's JSON.
"""
import argparse
import json
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import service  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


class Mismatch(Exception):
    pass


def to_wire(text, port):
    """The bytes of a request file."""
    head, _, body = text.partition("\n\n")
    if not body and head.endswith("\n"):
        head = head[:-1]
    body = body[:-1] if body.endswith("\n") else body  # the file's last newline is the file's, not the body's
    payload = body.encode()
    lines = head.split("\n")
    names = {line.partition(":")[0].strip().lower() for line in lines[1:]}
    if "host" not in names:
        lines.append(f"Host: 127.0.0.1:{port}")
    if "content-length" not in names and "transfer-encoding" not in names and (payload or not lines[0].startswith(("GET", "HEAD", "DELETE"))):
        lines.append(f"Content-Length: {len(payload)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


class Wire:
    """A socket that reads one HTTP answer after the other."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.waiting = b""
        self.closed = False

    def send(self, request):
        try:
            self.socket.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early: the answer may be there all the same

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except socket.timeout:
            raise Mismatch(f"no answer within 20 s; so far {self.waiting[:200]!r}") from None
        except ConnectionResetError:
            piece = b""
        self.closed = not piece
        self.waiting += piece
        return bool(piece)

    def read(self, bodiless):
        while b"\r\n\r\n" not in self.waiting:
            if not self.more():
                raise Mismatch(f"the connection was closed without an answer; so far {self.waiting[:200]!r}")
        head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        headers = {}
        for line in rest:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if status // 100 == 1:
            return self.read(bodiless)
        if bodiless or status in (204, 304):
            return status, headers, b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, headers, self.read_chunks()
        if "content-length" in headers:
            length = int(headers["content-length"])
            while len(self.waiting) < length:
                if not self.more():
                    raise Mismatch(f"the body ends after {len(self.waiting)} of {length} bytes")
            body, self.waiting = self.waiting[:length], self.waiting[length:]
            return status, headers, body
        while self.more():
            pass
        body, self.waiting = self.waiting, b""
        return status, headers, body

    def read_chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.waiting:
                if not self.more():
                    raise Mismatch("the chunked body was cut")
            size, _, self.waiting = self.waiting.partition(b"\r\n")
            length = int(size.split(b";")[0], 16)
            while len(self.waiting) < length + 2:
                if not self.more():
                    raise Mismatch("the chunked body was cut")
            body += self.waiting[:length]
            self.waiting = self.waiting[length + 2:]
            if length == 0:
                return body

    def is_closed(self):
        """True if the server has closed or closes now; what else it sends is a mismatch."""
        if self.waiting:
            raise Mismatch(f"more than one answer came: {self.waiting[:200]!r}")
        if self.closed:
            return True
        self.socket.settimeout(5)
        try:
            rest = self.socket.recv(65536)
        except socket.timeout:
            return False
        except ConnectionResetError:
            return True
        if rest:
            raise Mismatch(f"more than one answer came: {rest[:200]!r}")
        return True

    def close(self):
        self.socket.close()


MARKS = {
    "<any>": lambda value: True,
    "<int>": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "<number>": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "<id>": lambda value: isinstance(value, str) and value != "",
    "<time>": lambda value: isinstance(value, str) and bool(TIME.match(value)),
}


def compare(wanted, got, where=""):
    """Raise Mismatch at the first difference; where is a JSON pointer."""
    if isinstance(wanted, str) and wanted in MARKS:
        if not MARKS[wanted](got):
            raise Mismatch(f"{where or '/'}: wanted {wanted}, got {json.dumps(got)}")
    elif isinstance(wanted, dict) and isinstance(got, dict):
        free = "<more>" in wanted
        for name in wanted:
            if name != "<more>" and name not in got:
                raise Mismatch(f"{where}/{name}: is not there")
        for name in got:
            if name in wanted:
                compare(wanted[name], got[name], f"{where}/{name}")
            elif not free:
                raise Mismatch(f"{where}/{name}: was not expected, got {json.dumps(got[name])[:200]}")
    elif isinstance(wanted, list) and isinstance(got, list):
        free = bool(wanted) and wanted[-1] == "<more>"
        wanted = wanted[:-1] if free else wanted
        if len(got) < len(wanted) or (len(got) > len(wanted) and not free):
            raise Mismatch(f"{where or '/'}: wanted {len(wanted)} elements, got {len(got)}: {json.dumps(got)[:300]}")
        for index, element in enumerate(wanted):
            compare(element, got[index], f"{where}/{index}")
    elif isinstance(wanted, (int, float)) and isinstance(got, (int, float)) and not isinstance(wanted, bool) and not isinstance(got, bool):
        if wanted != got:
            raise Mismatch(f"{where or '/'}: wanted {wanted}, got {got}")
    elif type(wanted) is not type(got) or wanted != got:
        raise Mismatch(f"{where or '/'}: wanted {json.dumps(wanted)}, got {json.dumps(got)}")


def check(response_text, status, headers, body):
    """Compare an answer with a response file. Returns whether the connection must be closed."""
    head, separator, wanted_body = response_text.partition("\n\n")
    lines = [line for line in head.split("\n") if line]
    wanted_status = int(re.search(r"\b(\d{3})\b", lines[0]).group(1))
    if status != wanted_status:
        raise Mismatch(f"wanted status {wanted_status}, got {status} {body[:400]!r}")
    must_close = False
    for line in lines[1:]:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if name == "connection" and value.lower() == "close":
            must_close = True
        elif value == "<none>":
            if name in headers:
                raise Mismatch(f"header {name} was not expected, got '{headers[name]}'")
        elif name not in headers:
            raise Mismatch(f"header {name} is not there")
        elif value != "<any>" and headers[name] != value:
            raise Mismatch(f"header {name}: wanted '{value}', got '{headers[name]}'")
    wanted_body = wanted_body.strip("\n")
    if not separator or not wanted_body or wanted_body == "<any>":
        return must_close
    text = body.decode("utf-8", errors="replace")
    try:
        wanted = json.loads(wanted_body)
    except ValueError:
        if text.strip("\n") != wanted_body:
            raise Mismatch(f"wanted the text {wanted_body!r}, got {text[:400]!r}") from None
        return must_close
    try:
        got = json.loads(text)
    except ValueError:
        raise Mismatch(f"the body is no JSON: {text[:400]!r}") from None
    try:
        compare(wanted, got)
    except Mismatch as problem:
        raise Mismatch(f"{problem}\n      body: {text[:600]}") from None
    return must_close


def fill_in(text, answers):
    """Replace {1.a.0.b} by what the first answer holds there."""
    def value(match):
        step, *path = match.group(1).split(".")
        got = answers[step]
        for part in path:
            got = got[int(part)] if isinstance(got, list) else got[part]
        return str(got)
    return re.sub(r"\{(\d+(?:\.\w+)+)\}", value, text)


def steps(case):
    """(number, request file, response file) of a case, in order."""
    requests = [*case.glob("*request"), *case.glob("*request.raw")]
    def number(path):
        head = path.name.split(".")[0]
        return int(head) if head.isdigit() else 0
    for request in sorted(requests, key=number):
        prefix = f"{number(request)}." if request.name[0].isdigit() else ""
        yield str(number(request) or 1), request, case / f"{prefix}response"


def run_case(case, port):
    answers, wire = {}, None
    n_steps = 0
    try:
        for number, request_file, response_file in steps(case):
            n_steps += 1
            if not response_file.exists():
                raise Mismatch(f"there is no {response_file.name} for {request_file.name}")
            if request_file.suffix == ".raw":
                request = request_file.read_bytes()
            else:
                request = to_wire(fill_in(request_file.read_text(), answers), port)
            if wire is None or wire.closed:
                wire = Wire(port)
            wire.send(request)
            try:
                status, headers, body = wire.read(bodiless=request.startswith(b"HEAD "))
                must_close = check(fill_in(response_file.read_text(), answers), status, headers, body)
                if must_close and not wire.is_closed():
                    raise Mismatch("the connection stayed open, it must be closed")
                if must_close or headers.get("connection", "").lower() == "close":
                    wire.closed = True
            except Mismatch as problem:
                raise Mismatch(f"{request_file.name}: {problem}") from None
            try:
                answers[number] = json.loads(body)
            except ValueError:
                answers[number] = None
        if n_steps == 0:
            raise Mismatch("there is no request in this folder")
    finally:
        if wire:
            wire.close()


def find_cases(parts):
    cases = sorted({path.parent for path in (HERE / "cases").rglob("*request*")})
    return [case for case in cases if not parts or any(part in str(case.relative_to(HERE / "cases")) for part in parts)]


def run_all(cases, port, verbose):
    failed = 0
    for case in cases:
        name = case.relative_to(HERE / "cases")
        try:
            run_case(case, port)
            if verbose:
                print(f"ok    {name}")
        except (Mismatch, OSError, KeyError, IndexError, TypeError) as problem:
            failed += 1
            print(f"FAIL  {name}\n      {type(problem).__name__ + ': ' if not isinstance(problem, Mismatch) else ''}{problem}")
    return failed


# (response file, status, headers, body, does it match)
SELF_TEST = [
    ("HTTP/1.1 200\n", 200, {}, b"x", True),
    ("HTTP/1.1 200 OK\n", 404, {}, b"", False),
    ("HTTP/1.1 200\nX-A: b\n", 200, {"x-a": "b"}, b"", True),
    ("HTTP/1.1 200\nX-A: b\n", 200, {"x-a": "c"}, b"", False),
    ("HTTP/1.1 200\nX-A: <any>\n", 200, {}, b"", False),
    ("HTTP/1.1 200\nX-A: <none>\n", 200, {"x-a": "c"}, b"", False),
    ('HTTP/1.1 200\n\n{"a": 1, "b": "<int>"}\n', 200, {}, b'{"b": 7, "a": 1.0}', True),
    ('HTTP/1.1 200\n\n{"a": 1}\n', 200, {}, b'{"a": true}', False),
    ('HTTP/1.1 200\n\n{"a": 1}\n', 200, {}, b'{"a": 1, "b": 2}', False),
    ('HTTP/1.1 200\n\n{"a": 1, "<more>": "<any>"}\n', 200, {}, b'{"a": 1, "b": 2}', True),
    ('HTTP/1.1 200\n\n{"a": "<int>"}\n', 200, {}, b'{"a": true}', False),
    ('HTTP/1.1 200\n\n{"a": "<id>"}\n', 200, {}, b'{"a": ""}', False),
    ('HTTP/1.1 200\n\n{"a": "<time>"}\n', 200, {}, b'{"a": "yesterday"}', False),
    ('HTTP/1.1 200\n\n{"a": "<time>"}\n', 200, {}, b'{"a": "2024-01-01T00:00:00.000Z"}', True),
    ('HTTP/1.1 200\n\n[1, "<more>"]\n', 200, {}, b"[1, 2, 3]", True),
    ("HTTP/1.1 200\n\n[1, 2]\n", 200, {}, b"[1, 2, 3]", False),
    ("HTTP/1.1 200\n\n[1, 2]\n", 200, {}, b"[2, 1]", False),
    ("HTTP/1.1 200\n\nplain\n", 200, {}, b"plain\n", True),
    ("HTTP/1.1 200\n\nplain\n", 200, {}, b"plainer\n", False),
    ('HTTP/1.1 200\n\n{"a": 1}\n', 200, {}, b"no JSON", False),
]


def self_test():
    """How many of the comparisons above come out as they should not."""
    failed = 0
    for response, status, headers, body, matches in SELF_TEST:
        try:
            check(response, status, headers, body)
            matched = True
        except Mismatch:
            matched = False
        if matched != matches:
            failed += 1
            print(f"FAIL  the runner itself: {response!r} and {body!r}: {'matched' if matched else 'did not match'}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=service.ROOT / "build/debug/server/inkling", help="the program (default: the debug build's)")
    parser.add_argument("--url", help="a server that runs already, with the case catalogue, in place of one started here")
    parser.add_argument("--verbose", action="store_true", help="name every case")
    parser.add_argument("parts", nargs="*", metavar="PART")
    args = parser.parse_args()
    cases = find_cases(args.parts)
    began = time.monotonic()
    wrong = self_test()
    if args.url:
        failed = run_all(cases, int(args.url.rstrip("/").rpartition(":")[2]), args.verbose)
    else:
        with service.scratch() as data:
            service.run_ok(args.binary, "import", "--data", data / "data", HERE / "catalogue.ndjson")
            with service.Service(args.binary, data / "data") as server:
                failed = run_all(cases, server.port, args.verbose)
                if server.process.poll() is not None:
                    failed += 1
                    print(f"FAIL  the server ended with {server.process.returncode} during the cases:\n{server.tail()}")
    print(f"SUITE {len(SELF_TEST) - wrong} passed, {wrong} failed: comparisons of the runner itself")
    areas = len({case.relative_to(HERE / 'cases').parts[0] for case in cases})
    print(f"SUITE {len(cases) - failed} passed, {failed} failed: {len(cases)} cases in {areas} areas, {time.monotonic() - began:.1f} s")
    return 1 if failed or wrong or not cases else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except service.Trouble as trouble:
        sys.exit(f"run_cases.py: {trouble}")
