"""Read-your-writes: what was acknowledged is in the very next answer, whoever asks and over whichever connection."""


def claim_an_acknowledged_event_is_in_the_next_answer(lab):
    """An event acknowledged on one connection is in the behaviour behind the next recommendation on another (500 times, 10 000 with --long)"""
    data = lab.trained_data()
    n = lab.rounds(500, 10_000)
    with lab.service(data) as server, server.link() as writer, server.link() as reader:
        for number in range(n):
            user, item = f"fresh-{number % 97}", f"film-{lab.random.randrange(1, 3000)}"
            answer = writer.ask("POST", "/v1/events", {"user_id": user, "item_id": item, "type": "like"})
            assert answer.status == 200, answer
            seq = answer.json()["seq"]
            answer = reader.ask("GET", f"/v1/recommendations?user_id={user}&limit=20")
            assert answer.status == 200, answer
            page = answer.json()
            assert page["seen_seq"] >= seq, f"event {number}: acknowledged as {seq}, the answer has seen {page['seen_seq']}"
            assert item not in [entry["item_id"] for entry in page["items"]], f"event {number}: {item} was just liked and is recommended"


def claim_an_event_changes_the_next_answer(lab):
    """A stranger's first event turns popular items into recommendations by behaviour at once"""
    data = lab.trained_data()
    with lab.service(data) as server, server.link() as writer, server.link() as reader:
        for number in range(lab.rounds(20, 200)):
            user = f"stranger-{number}"
            before = reader.ask("GET", f"/v1/recommendations?user_id={user}").json()["items"]
            assert before and {entry["reason"] for entry in before} == {"popular"}, before
            for film in (1, 2, 10):
                assert writer.ask("POST", "/v1/events", {"user_id": user, "item_id": f"film-{film}", "type": "like"}).status == 200
            after = reader.ask("GET", f"/v1/recommendations?user_id={user}").json()["items"]
            assert "behaviour" in {entry["reason"] for entry in after}, after
            assert [entry["item_id"] for entry in before] != [entry["item_id"] for entry in after], "the answer did not change"


def claim_the_users_events_are_the_ones_written(lab):
    """GET /v1/users/{user}/events shows an acknowledged event first, from another connection"""
    data = lab.small_data()
    with lab.service(data) as server, server.link() as writer, server.link() as reader:
        for number in range(lab.rounds(200, 2000)):
            answer = writer.ask("POST", "/v1/events", {"event_id": f"mine-{number}", "user_id": "reader-1", "item_id": f"film-{number % 9 + 1}", "type": "view"})
            assert answer.status == 200, answer
            events = reader.ask("GET", "/v1/users/reader-1/events?limit=1").json()["events"]
            assert [event["event_id"] for event in events] == [f"mine-{number}"], events
