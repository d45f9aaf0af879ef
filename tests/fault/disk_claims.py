"""A disk that is full: a small tmpfs of the test's own, filled up and emptied again. Needs the right to mount."""
import contextlib
import os
import subprocess

import service
from crash_claims import stored_events


@contextlib.contextmanager
def small_disk(lab, megabytes):
    where = lab.folder / "disk"
    where.mkdir()
    if os.geteuid() != 0:
        lab.skip("mounting a tmpfs needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(where)], capture_output=True, text=True)
    if done.returncode:
        lab.skip(f"no tmpfs may be mounted here: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def fill(disk, leave_bytes):
    """Take all room but leave_bytes."""
    facts = os.statvfs(disk)
    n_bytes = max(0, facts.f_bavail * facts.f_frsize - leave_bytes)
    with open(disk / "filler", "wb") as filler:
        with contextlib.suppress(OSError):
            os.posix_fallocate(filler.fileno(), 0, max(1, n_bytes))


def post(link, number):
    return link.ask("POST", "/v1/events", {"events": [{"event_id": f"full-{number}-{step}", "user_id": "full-user", "item_id": f"film-{step + 1}", "type": "view",
                                                        "context": {"padding": "x" * 1000}} for step in range(20)]})


def claim_a_full_disk_loses_nothing_acknowledged(lab):
    """A full disk: events are refused with a 5xx, readyz says why, nothing acknowledged is lost; with room again it goes on"""
    with small_disk(lab, 24) as disk:
        data = disk / "data"
        service.run_ok(lab.binary, "import", "--data", data, service.ROOT / "tests/http/catalogue.ndjson")
        acknowledged = 0
        with lab.service(data) as server, server.link() as link:
            assert post(link, 0).status == 200
            acknowledged = 1
            fill(disk, 300_000)
            for number in range(1, 400):
                answer = post(link, number)
                if answer.status != 200:
                    break
                acknowledged = number + 1
            assert answer.status in (500, 503, 507), answer
            assert answer.headers["Content-Type"].startswith("application/problem+json"), answer
            refused = acknowledged
            ready = server.ask("GET", "/readyz")
            assert ready.status == 503, ready
            assert server.ask("GET", "/healthz").status == 200
            answer = server.ask("GET", "/v1/recommendations?user_id=full-user")
            assert answer.status == 200, f"reading goes on: {answer}"
            stored = stored_events(server, "full-user")
            assert len(stored) == 20 * acknowledged, f"{len(stored)} events are shown, {20 * acknowledged} were acknowledged"
            os.unlink(disk / "filler")
            service.wait_until(lambda: post(link, refused).status == 200, "events to be accepted again")
            server.wait_ready()
            stored = stored_events(server, "full-user")
            assert len(stored) == len(set(stored)) == 20 * (acknowledged + 1), f"{len(stored)} events"
        lab.integrity(data)
        with lab.service(data) as server:
            assert sorted(stored_events(server, "full-user")) == sorted(stored)


def claim_a_kill_on_a_full_disk_loses_nothing_acknowledged(lab):
    """kill -9 on a full disk: with room again the server starts, and every acknowledged event is there"""
    with small_disk(lab, 24) as disk:
        data = disk / "data"
        service.run_ok(lab.binary, "import", "--data", data, service.ROOT / "tests/http/catalogue.ndjson")
        server = lab.service(data).start()
        with server.link() as link:
            fill(disk, 300_000)
            acknowledged = []
            for number in range(400):
                if post(link, number).status != 200:
                    break
                acknowledged += [f"full-{number}-{step}" for step in range(20)]
            server.kill()
        os.unlink(disk / "filler")
        lab.integrity(data)
        with lab.service(data) as server:
            stored = stored_events(server, "full-user")
            assert len(stored) == len(set(stored)), "an event is there twice"
            assert set(acknowledged) <= set(stored), f"lost: {sorted(set(acknowledged) - set(stored))[:3]}"


def claim_a_training_on_a_full_disk_fails_cleanly(lab):
    """A training that cannot write its model fails with a reason and leaves no file behind; the live model serves on"""
    from training_claims import job_ended, live_version, start_job
    with small_disk(lab, 64) as disk:
        data = disk / "data"
        service.shutil.copytree(lab.trained_data(), data)
        with lab.service(data) as server:
            before, files = live_version(server), sorted(os.listdir(data / "models"))
            fill(disk, 200_000)
            page = job_ended(server, start_job(server, epochs=1, seed=9))
            assert page["state"] == "failed" and page["detail"], page
            assert live_version(server) == before
            assert sorted(os.listdir(data / "models")) == files
            os.unlink(disk / "filler")
            assert server.ask("GET", "/v1/recommendations?user_id=user-1").status == 200
