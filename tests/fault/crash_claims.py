"""kill -9 of the server, and what must still be there. A kill comes after a counted number of acknowledgements, never after a time."""
import threading


class Client(threading.Thread):
    """Posts events of one user, one request after the other, until the connection breaks. Remembers what was acknowledged."""

    def __init__(self, server, user, per_request, after_each):
        super().__init__()
        self.server, self.user, self.per_request, self.after_each = server, user, per_request, after_each
        self.acknowledged, self.sent, self.problem = [], [], None

    def run(self):
        number = 0
        try:
            with self.server.link() as link:
                while True:
                    ids = [f"{self.user}-{self.server.port}-{number + step}" for step in range(self.per_request)]
                    number += self.per_request
                    events = [{"event_id": one, "user_id": self.user, "item_id": f"film-{number % 50 + 1}", "type": "view"} for one in ids]
                    self.sent += ids
                    answer = link.ask("POST", "/v1/events", {"events": events} if self.per_request > 1 else events[0])
                    if answer.status == 503:
                        continue
                    assert answer.status in (200, 201, 202), answer
                    assert answer.json()["accepted"] == self.per_request, answer
                    self.acknowledged += ids
                    self.after_each()
        except OSError:
            pass  # killed: what is open now was not acknowledged
        except Exception as problem:
            if type(problem).__module__ != "http.client":
                self.problem = problem


def stored_events(server, user):
    """The event ids of a user, newest first, page by page."""
    found, path = [], f"/v1/users/{user}/events?limit=100"
    with server.link() as link:
        while path:
            answer = link.ask("GET", path)
            if answer.status == 404:
                return found
            assert answer.status == 200, answer
            page = answer.json()
            found += [event["event_id"] for event in page["events"]]
            cursor = page.get("next_cursor")
            path = f"/v1/users/{user}/events?limit=100&cursor={cursor}" if cursor else None
    return found


def post_until_killed(server, n_before_kill, prefix):
    """Four clients post (single, and batches of 7); the server is killed in the middle of it. Returns the clients."""
    enough, count, lock = threading.Event(), [0], threading.Lock()

    def after_each():
        with lock:
            count[0] += 1
            if count[0] >= n_before_kill:
                enough.set()

    clients = [Client(server, f"{prefix}-{number}", 1 if number % 2 else 7, after_each) for number in range(4)]
    [client.start() for client in clients]
    assert enough.wait(120), f"only {count[0]} requests were acknowledged"
    server.kill()
    [client.join() for client in clients]
    return clients


def check_nothing_lost(server, clients):
    for client in clients:
        assert client.problem is None, client.problem
        stored = stored_events(server, client.user)
        assert len(stored) == len(set(stored)), f"{client.user}: an event is there twice"
        lost = set(client.acknowledged) - set(stored)
        assert not lost, f"{client.user}: {len(lost)} of {len(client.acknowledged)} acknowledged events are lost, e.g. {sorted(lost)[:3]}"
        strange = set(stored) - set(client.sent)
        assert not strange, f"{client.user}: events that nobody sent: {sorted(strange)[:3]}"


def claim_acknowledged_events_survive_a_kill(lab):
    """After kill -9 while 4 clients post, every acknowledged event is there, none twice, and the database is whole"""
    data = lab.small_data()
    for round_number in range(lab.rounds(3, 20)):
        server = lab.service(data).start()
        clients = post_until_killed(server, lab.random.randrange(20, 200), f"crash-{round_number}")
        lab.integrity(data)
        with lab.service(data) as server:
            check_nothing_lost(server, clients)


def claim_a_repeated_batch_is_stored_once_across_a_kill(lab):
    """A client that repeats its unanswered batch after a kill has every event exactly once"""
    data = lab.small_data()
    server = lab.service(data).start()
    clients = post_until_killed(server, 60, "repeat")
    with lab.service(data) as server:
        for client in clients:
            events = [{"event_id": one, "user_id": client.user, "item_id": "film-1", "type": "view"} for one in client.sent]
            for start in range(0, len(events), 50):
                answer = server.ask("POST", "/v1/events", {"events": events[start:start + 50]})
                assert answer.status == 200, answer
                page = answer.json()
                assert page["accepted"] + page["duplicates"] == len(events[start:start + 50]), answer
            stored = stored_events(server, client.user)
            assert sorted(stored) == sorted(client.sent), f"{len(stored)} stored, {len(client.sent)} sent"
