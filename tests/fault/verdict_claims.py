"""Verdicts beside model files: a training killed anywhere, a verdict that is damaged, one that judges a model that never came."""
import os
import signal
import subprocess

import service
from training_claims import job_ended, live_version, start_job, training_is_at_work, training_process

EVENTS_ALONE = ("--set", "retrain.content=false")  # a tower has no part in a verdict, and takes time
QUICK = ("--budget", "0", "--split", "last", "--epochs", "1", "--threads", "2", *EVENTS_ALONE)


def rows(server):
    return {row["version"]: row for row in server.ask("GET", "/v1/models").json()["models"]}


def retrain(lab, data, *options):
    service.run_ok(lab.binary, "retrain", "--data", data, *QUICK, "--no-refit", "--fresh", "--force", *options)


def fresh_model(lab, data):
    """Train beside the data, so that the registry of data does not know the model yet; gives its file, still outside."""
    aside = lab.trained_data()
    before = set((aside / "models").glob("*.safetensors"))
    retrain(lab, aside, "--seed", "77")
    file, = set((aside / "models").glob("*.safetensors")) - before
    return file


def put(file, data, verdict):
    if verdict is not None:
        (data / "models" / f"{file.stem}.verdict").write_bytes(verdict)
    partial = data / "models" / f".{file.name}.partial" # whole at once, as trainings write them: a server may be looking
    partial.write_bytes(file.read_bytes())
    os.replace(partial, data / "models" / file.name)


def claim_a_rejected_file_does_not_go_live(lab):
    """A model file whose verdict says rejected is registered with the reason while the server runs; the live model stays, also after kill -9"""
    data = lab.trained_data()
    file = fresh_model(lab, data)
    server = lab.service(data).start()
    live = live_version(server)
    put(file, data, b'{"state": "rejected", "reason": "worse than before"}')
    row = service.wait_until(lambda: rows(server).get(file.stem), "the file to be registered")
    assert (row["state"], row["reason"]) == ("rejected", "worse than before"), row
    assert live_version(server) == live
    server.kill()
    with lab.service(data) as server:
        assert live_version(server) == live and rows(server)[file.stem]["state"] == "rejected"
    lab.integrity(data)


def claim_a_damaged_verdict_counts_for_nothing(lab):
    """A verdict that is cut, of the wrong kind or very long is ignored: the server starts, and its model goes live as without one"""
    file = fresh_model(lab, lab.trained_data())
    good = b'{"state": "rejected", "reason": "worse"}'
    for what, verdict in (("cut", good[:-5]), ("empty", b""), ("noise", bytes(range(256)) * 4), ("a list", b"[1]"), ("long", good + b" " * 100_000),
                          ("an unknown state", b'{"state": "perfect"}'), ("deep", b"[" * 5000)):
        data = lab.trained_data()
        put(file, data, verdict)
        with lab.service(data) as server:
            assert live_version(server) == file.stem, what


def claim_a_verdict_without_its_model_changes_nothing(lab):
    """A training killed between its verdict and its model leaves a verdict only: the server starts, and the same training works again"""
    data = lab.trained_data()
    file = fresh_model(lab, data)
    (data / "models" / f"{file.stem}.verdict").write_bytes(b'{"state": "rejected", "reason": "of the killed training"}')
    with lab.service(data) as server:
        assert file.stem not in rows(server) and live_version(server) in rows(server)
    retrain(lab, data, "--seed", "77")
    with lab.service(data) as server:
        assert live_version(server) == file.stem, "the new verdict counts, not the one that was left behind"


def kill_a_training(lab, data, number, n_lines):
    """Start one and kill it after so many lines of progress (0: as soon as it has written a verdict)."""
    known = set((data / "models").glob("*.verdict"))
    child = subprocess.Popen([lab.binary, "retrain", "--data", str(data), *QUICK, "--json", "--fresh", "--force", "--seed", str(100 + number)], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, env=service.environment())
    if n_lines:
        for _ in range(n_lines):
            child.stdout.readline()
    else:
        service.wait_until(lambda: set((data / "models").glob("*.verdict")) != known or child.poll() is not None, "a verdict", 300)
    child.kill()
    child.communicate()


def claim_a_training_killed_anywhere_leaves_a_whole_directory(lab):
    """kill -9 of `inkling retrain` at any moment: every model file is whole and has its verdict, and the next start clears what is left"""
    data = lab.trained_data()
    for number in range(lab.rounds(4, 40)):
        known = set((data / "models").glob("*.safetensors"))
        kill_a_training(lab, data, number, 0 if number % 2 else lab.random.randrange(1, 30))
        for file in set((data / "models").glob("*.safetensors")) - known:
            assert (data / "models" / f"{file.stem}.verdict").exists(), f"{file.name} has no verdict"
        with lab.service(data) as server:
            assert live_version(server), rows(server)
            assert not [row for row in rows(server).values() if row["state"] == "damaged"], rows(server)
        assert not list((data / "models").glob(".*.partial")), list((data / "models").iterdir())
    lab.integrity(data)


def claim_a_rejected_model_ends_its_job_well(lab):
    """A training through the API whose model is worse ends as succeeded, says that the model is rejected and why, and the live model stays"""
    data = lab.small_data()
    service.run_ok(lab.release, "retrain", "--data", data, "--budget", "0", "--split", "last", "--epochs", "30", # minutes under the sanitizers
                   "--no-refit", "--threads", "2", *EVENTS_ALONE)
    with lab.service(data, "--set", "gate.margin=0", "--set", "gate.metric=ndcg20", *EVENTS_ALONE) as server:
        live = live_version(server)
        job = start_job(server, epochs=1, seed=2, split="last", force=False)
        page = job_ended(server, job)
        assert (page["state"], page["model_state"]) == ("succeeded", "rejected") and "NDCG@20" in page["detail"], page
        assert rows(server)[page["model_version"]]["state"] == "rejected" and live_version(server) == live
        page = job_ended(server, start_job(server, epochs=1, seed=2, split="last"))
        assert (page["state"], page["model_state"]) == ("succeeded", "live"), page
        assert live_version(server) == page["model_version"] != live


def claim_a_killed_training_job_leaves_no_verdict_that_counts(lab):
    """kill -9 of the training process of a job: the models are what they were, and nothing half-written is left after the next start"""
    data = lab.trained_data()
    with lab.service(data) as server:
        before = {version: row["state"] for version, row in rows(server).items()}
        job = start_job(server, epochs=50)
        child = training_process(server)
        training_is_at_work(server, job)
        os.kill(child, signal.SIGKILL)
        assert job_ended(server, job)["state"] == "failed"
        assert {version: row["state"] for version, row in rows(server).items()} == before
    with lab.service(data):
        assert not list((data / "models").glob(".*.partial"))
