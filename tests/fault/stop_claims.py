"""Stopping as asked, and not starting where another is at work."""
import threading

import service
from crash_claims import stored_events


def claim_sigterm_under_load_answers_what_was_accepted(lab):
    """SIGTERM under load: exit code 0, nothing acknowledged is lost, no request that was read is dropped without an answer"""
    data = lab.small_data()
    for round_number in range(lab.rounds(2, 10)):
        server = lab.service(data).start()
        enough, cut, acknowledged, lock = threading.Event(), [], [], threading.Lock()

        def post(number):
            try:
                with server.link() as link:
                    for step in range(100_000):
                        event_id = f"stop-{round_number}-{number}-{step}"
                        answer = link.ask("POST", "/v1/events", {"event_id": event_id, "user_id": f"stop-{round_number}-{number}", "item_id": "film-1", "type": "view"})
                        with lock:
                            if answer.status == 200:
                                acknowledged.append((f"stop-{round_number}-{number}", event_id))
                            elif answer.status != 503:
                                cut.append(repr(answer))
                            if len(acknowledged) >= 100:
                                enough.set()
                        if answer.status == 503 or answer.headers.get("Connection", "").lower() == "close":
                            return
            except (OSError, service.http.client.HTTPException):
                pass  # the connection was closed between two requests, or the listener is gone

        clients = [threading.Thread(target=post, args=(number,)) for number in range(4)]
        [client.start() for client in clients]
        assert enough.wait(120), "too few acknowledgements"
        code = server.stop()
        [client.join() for client in clients]
        assert code == 0, f"exit code {code}\n{server.tail()}"
        assert not cut, cut[:3]
        with lab.service(data) as server:
            for user in {user for user, _ in acknowledged}:
                stored = set(stored_events(server, user))
                lost = {event for owner, event in acknowledged if owner == user} - stored
                assert not lost, f"{user}: lost {sorted(lost)[:3]}"
    lab.integrity(data)


def claim_a_second_server_is_refused(lab):
    """A second server, an import and nothing else on a directory in use is refused with exit code 4 and a sentence that names it"""
    data = lab.small_data()
    with lab.service(data) as server:
        for arguments in (["serve", "--data", data, "--port", 0], ["import", "--data", data, service.SAMPLE / "items.ndjson.zst"]):
            done = service.run(lab.binary, *arguments, seconds=60)
            assert done.returncode == 4, f"{arguments[0]}: exit code {done.returncode}\n{done.stderr}"
            assert str(data) in done.stderr, f"{arguments[0]}: the message does not name the directory: {done.stderr}"
        assert server.ask("GET", "/readyz").status == 200


def claim_the_directory_is_free_after_a_kill(lab):
    """After kill -9 the directory is not left locked"""
    data = lab.small_data()
    lab.service(data).start().kill()
    with lab.service(data) as server:
        assert server.ask("GET", "/readyz").status == 200


def claim_a_stop_during_training_ends_both(lab):
    """SIGTERM during a training ends the training process too, and the server with exit code 0"""
    from training_claims import start_job, training_process
    data = lab.trained_data()
    server = lab.service(data).start()
    start_job(server, epochs=50)
    child = training_process(server)
    assert server.stop() == 0, server.tail()
    assert not service.os.path.exists(f"/proc/{child}") or open(f"/proc/{child}/stat").read().rpartition(")")[2].split()[0] == "Z", "the training goes on"
