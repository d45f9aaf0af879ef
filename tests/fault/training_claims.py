"""Training beside serving, swaps of the live model, and that training is a pure function of its inputs."""
import hashlib
import os
import signal
import threading

import service


def live_version(server):
    rows = server.ask("GET", "/v1/models").json()["models"]
    live = [row["version"] for row in rows if row["state"] == "live"]
    assert len(live) <= 1, rows
    return live[0] if live else None


def versions(server):
    return [row["version"] for row in server.ask("GET", "/v1/models").json()["models"]]


def start_job(server, **settings):
    """As short a training as there is, whose model goes live in any case, unless settings say otherwise."""
    answer = server.ask("POST", "/v1/retrain", {"budget_seconds": 0, "refit": False, "fresh": True, "force": True} | settings)
    assert answer.status == 202, answer
    return answer.json()["job_id"]


def job_ended(server, job):
    def ended():
        page = server.ask("GET", f"/v1/jobs/{job}").json()
        return page if page["state"] != "running" else None
    return service.wait_until(ended, f"the end of job {job}", 300)


def training_process(server):
    return service.wait_until(lambda: server.children(), "the child process of the training")[0]


def training_is_at_work(server, job):
    """Wait until the job reports progress of its own: then the child is past its start."""
    def at_work():
        page = server.ask("GET", f"/v1/jobs/{job}").json()
        assert page["state"] == "running", page
        return page.get("phase") or (page.get("progress") or {}).get("phase")
    service.wait_until(at_work, "progress of the training")


class Load:
    """Clients that ask for recommendations without a pause, each over one connection, and note every answer that is not 200."""

    def __init__(self, server, n_clients=4):
        self.server, self.ending, self.problems, self.n_answers, self.versions = server, threading.Event(), [], 0, set()
        self.lock = threading.Lock()
        self.clients = [threading.Thread(target=self.ask, args=(number,)) for number in range(n_clients)]

    def ask(self, number):
        try:
            with self.server.link() as link:
                while not self.ending.is_set():
                    answer = link.ask("GET", f"/v1/recommendations?user_id=user-{number + 1}")
                    with self.lock:
                        self.n_answers += 1
                        if answer.status != 200 or len(answer.json()["items"]) != 10:
                            self.problems.append(repr(answer))
                        else:
                            self.versions.add(answer.json()["model_version"])
        except Exception as problem:
            self.problems.append(repr(problem))

    def wait_for(self, n):
        goal = self.n_answers + n
        service.wait_until(lambda: self.n_answers >= goal or self.problems, f"{n} more answers")

    def __enter__(self):
        [client.start() for client in self.clients]
        return self

    def __exit__(self, *_):
        self.ending.set()
        [client.join() for client in self.clients]


def claim_a_killed_training_fails_its_job_only(lab):
    """kill -9 of the training process fails its job with a reason; the server serves on with the model that it had"""
    data = lab.trained_data()
    with lab.service(data) as server:
        before = live_version(server)
        for _ in range(lab.rounds(2, 10)):
            job = start_job(server, epochs=50)
            child = training_process(server)
            training_is_at_work(server, job)
            os.kill(child, signal.SIGKILL)
            page = job_ended(server, job)
            assert page["state"] == "failed" and page["detail"], page
            answer = server.ask("GET", "/v1/recommendations?user_id=user-1")
            assert answer.status == 200 and answer.json()["model_version"] == before, answer
    lab.integrity(data)


def claim_a_cancelled_training_ends(lab):
    """DELETE of a running job ends its process and marks it cancelled; another training may start"""
    data = lab.trained_data()
    with lab.service(data) as server:
        job = start_job(server, epochs=50)
        training_process(server)
        second = server.ask("POST", "/v1/retrain", {})
        assert second.status == 409, second
        assert server.ask("DELETE", f"/v1/jobs/{job}").status in (200, 202, 204)
        assert job_ended(server, job)["state"] == "cancelled"
        service.wait_until(lambda: not server.children(), "the end of the training process")
        page = job_ended(server, start_job(server, epochs=1, seed=3))
        assert page["state"] == "succeeded", page


def claim_a_new_model_is_swapped_in_under_load(lab):
    """A model trained beside a server under load becomes live without a failed request"""
    data = lab.trained_data()
    with lab.service(data, "--set", "retrain.content=false") as server: # with a tower it takes minutes under the sanitizers
        before = live_version(server)
        with Load(server) as load:
            load.wait_for(50)
            page = job_ended(server, start_job(server, epochs=1, seed=4))
            assert page["state"] == "succeeded", page
            service.wait_until(lambda: live_version(server) == page["model_version"], "the new model to be live")
            load.wait_for(50)
        assert not load.problems, load.problems[:3]
        assert load.versions == {before, page["model_version"]}, load.versions
        assert live_version(server) != before


def claim_models_change_back_and_forth_under_load(lab):
    """Activating two models in turn, many times, under load: no request fails and each answer names one of the two"""
    data = lab.trained_data()
    with lab.service(data) as server:
        both = versions(server)
        assert len(both) == 2, both
        with Load(server) as load:
            for number in range(lab.rounds(20, 300)):
                answer = server.ask("POST", f"/v1/models/{both[number % 2]}/activate")
                assert answer.status == 200, answer
                assert live_version(server) == both[number % 2]
            load.wait_for(20)
        assert not load.problems, load.problems[:3]
        assert load.versions <= set(both), load.versions


def claim_the_live_model_is_live_again_after_a_restart(lab):
    """After a stop, and after kill -9, the model that was live is live again"""
    data = lab.trained_data()
    with lab.service(data) as server:
        older = versions(server)[-1]
        assert live_version(server) != older
        assert server.ask("POST", f"/v1/models/{older}/activate").status == 200
    server = lab.service(data).start()
    assert live_version(server) == older
    server.kill()
    with lab.service(data) as server:
        assert live_version(server) == older
        assert server.ask("GET", "/v1/recommendations?user_id=user-1").json()["model_version"] == older


def claim_a_kill_during_a_swap_leaves_a_whole_service(lab):
    """kill -9 of the server while a swap is under way: afterwards one of the two models is live and the database is whole"""
    data = lab.trained_data()
    for number in range(lab.rounds(5, 40)):
        server = lab.service(data).start()
        both = versions(server)
        for step in range(lab.random.randrange(0, 4)):
            assert server.ask("POST", f"/v1/models/{both[step % 2]}/activate").status == 200
        with server.link() as link: # asked, not answered
            link.http.request("POST", f"/v1/models/{both[number % 2]}/activate", body=b"")
            server.kill()
        lab.integrity(data)
        with lab.service(data) as server:
            assert live_version(server) in both
            answer = server.ask("GET", "/v1/recommendations?user_id=user-1")
            assert answer.status == 200 and answer.json()["model_version"] in both, answer


def claim_the_server_killed_during_training_starts_again(lab):
    """kill -9 of the server during a training: nothing half-written is taken for a model, and a new training works"""
    data = lab.trained_data()
    server = lab.service(data).start()
    before = live_version(server)
    job = start_job(server, epochs=50)
    child = training_process(server)
    training_is_at_work(server, job)
    server.kill()
    service.wait_until(lambda: not os.path.exists(f"/proc/{child}") or "Z" in open(f"/proc/{child}/stat").read().rpartition(")")[2].split()[0],
                       "the orphaned training to end")
    with lab.service(data) as server:
        assert live_version(server) == before
        page = job_ended(server, start_job(server, epochs=1, seed=5))
        assert page["state"] == "succeeded", page


def claim_same_inputs_make_the_same_model_file(lab):
    """The same data, seed and settings make the same bytes twice, and with 1 and 2 threads; another seed makes others"""
    def train(name, seed, threads):
        data = lab.copy_of("small", lambda data: lab.import_sample(data, 60))
        service.run_ok(lab.release, "retrain", "--data", data, "--budget", 0, "--no-refit", "--epochs", 2, "--seed", seed, "--threads", threads)
        files = list((data / "models").glob("*.safetensors"))
        assert len(files) == 1, files
        return files[0].name, hashlib.sha256(files[0].read_bytes()).hexdigest()

    first = train("first", 7, 2)
    assert train("again", 7, 2) == first, "the same training made another file"
    assert train("alone", 7, 1) == first, "one thread made another file than two"
    assert train("other", 8, 2) != first, "another seed made the same file"
