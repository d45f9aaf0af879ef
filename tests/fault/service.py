"""Starting, asking and ending an inkling server: the helper of every test that needs a real one.

The only place in the tests that waits by looking again: a server is up when its port file is there and /readyz answers.
Nothing here knows what a test claims. Standard library only.
"""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "deploy" / "sample"
PATIENCE_S = 60.0  # how long anything may take before it counts as never


class Trouble(Exception):
    """The service did not do what every test takes for granted: start, answer, stop."""


def wait_until(condition, what, seconds=PATIENCE_S):
    """Call condition until it returns something true, and return that. Raises Trouble after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Trouble(f"waited {seconds:.0f} s in vain for: {what}")
        time.sleep(0.01)


def environment(**more):
    """The environment of a program under test: sanitizers stop at the first finding, no setting comes from outside."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INKLING_")}
    clean.setdefault("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=1")
    clean.setdefault("UBSAN_OPTIONS", "halt_on_error=1:abort_on_error=1:print_stacktrace=1")
    clean.update(more)
    return clean


def run(binary, *arguments, input=None, seconds=600, **more):
    """Run `inkling …` to its end. Returns the finished process with .returncode, .stdout and .stderr as text."""
    return subprocess.run([str(binary), *map(str, arguments)], input=input, capture_output=True, text=True, timeout=seconds,
                          env=environment(**more), stdin=subprocess.DEVNULL if input is None else None)


def run_ok(binary, *arguments, **more):
    """The same, and anything but exit code 0 is Trouble with what it printed."""
    done = run(binary, *arguments, **more)
    if done.returncode != 0:
        raise Trouble(f"inkling {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    return done


class Answer:
    """One HTTP answer, read whole."""

    def __init__(self, reply):
        self.status = reply.status
        self.headers = reply.headers
        self.bytes = reply.read()

    def json(self):
        return json.loads(self.bytes)

    def __repr__(self):
        return f"{self.status} {self.bytes[:400]!r}"


class Link:
    """One keep-alive connection."""

    def __init__(self, port, timeout=PATIENCE_S):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method, path, body=None, **headers):
        """body: bytes or text as it is, anything else as JSON. Headers by keyword, '_' standing for '-'."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        self.http.request(method, path, body=body, headers=headers)
        return Answer(self.http.getresponse())

    def close(self):
        self.http.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Service:
    """`inkling serve` on a directory and a free port. As a context manager it is started and, if it still runs, stopped at the end."""

    def __init__(self, binary, data, *arguments, **more):
        self.binary, self.data, self.arguments, self.more = str(binary), pathlib.Path(data), arguments, more
        self.process = self.port = None
        self.log = pathlib.Path(tempfile.mkstemp(prefix="inkling-log-")[1])

    def start(self, ready=True):
        port_file = pathlib.Path(tempfile.mktemp(prefix="inkling-port-"))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--data", str(self.data), "--port", "0", "--port-file", str(port_file), *map(str, self.arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(**self.more))

        def port():
            if self.process.poll() is not None:
                raise Trouble(f"the server ended with {self.process.returncode} before it listened:\n{self.tail()}")
            with contextlib.suppress(FileNotFoundError, ValueError):
                return int(port_file.read_text())
            return None

        try:
            self.port = wait_until(port, "the port file")
        finally:
            with contextlib.suppress(FileNotFoundError):
                port_file.unlink()
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, status=200):
        def asked():
            if self.process.poll() is not None:
                raise Trouble(f"the server ended with {self.process.returncode}:\n{self.tail()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.ask("GET", "/readyz").status == status
        wait_until(asked, f"/readyz answering {status}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def link(self):
        return Link(self.port)

    def ask(self, method, path, body=None, **headers):
        with self.link() as link:
            return link.ask(method, path, body, **headers)

    def children(self):
        """Process ids of its child processes, e.g. a training."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.process.pid and fields[0] != "Z":
                    found.append(int(stat.parent.name))
        return found

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        """As a power cut would: kill -9."""
        self.process.kill()
        return self.wait()

    def wait(self):
        try:
            return self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Trouble(f"the server did not end within {PATIENCE_S:.0f} s:\n{self.tail()}") from None

    def tail(self, n_bytes=3000):
        return self.log.read_bytes()[-n_bytes:].decode(errors="replace")

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *problem):
        if self.process and self.process.poll() is None:
            code = self.stop()
            if code != 0 and problem[0] is None:
                raise Trouble(f"the server ended with {code} after SIGTERM:\n{self.tail()}")
        with contextlib.suppress(FileNotFoundError):
            self.log.unlink()


@contextlib.contextmanager
def scratch(prefix="inkling-test-"):
    """A directory that is gone afterwards."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sample_lines(name, most_users=None):
    """The lines of a file of the sample, events perhaps only of the first so many users (user-1, user-2, …)."""
    plain = subprocess.run(["zstd", "-dcq", str(SAMPLE / name)], check=True, capture_output=True, text=True).stdout
    for line in plain.splitlines(keepends=True):
        if most_users is None or int(json.loads(line)["user_id"].partition("-")[2]) <= most_users:
            yield line
