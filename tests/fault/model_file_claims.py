"""A model file that is damaged, cut or not ours is refused with a reason, and the model that was live serves on."""
import json
import struct

import service
from training_claims import live_version, versions


def row_of(server, version):
    return next(row for row in server.ask("GET", "/v1/models").json()["models"] if row["version"] == version)


def damages(lab, good):
    """(what, bytes): ways to spoil a model file."""
    length = struct.unpack("<Q", good[:8])[0]
    spoiled = bytearray(good)
    spoiled[8 + length + lab.random.randrange(len(good) - 8 - length)] ^= 1 << lab.random.randrange(8)
    header = bytearray(good)
    header[8 + lab.random.randrange(length)] ^= 1
    foreign = json.dumps({"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return [("one bit of the tensors", bytes(spoiled)), ("one bit of the header", bytes(header)), ("the second half missing", good[:len(good) // 2]),
            ("the last byte missing", good[:-1]), ("a byte too many", good + b"\0"), ("only the length", good[:8]), ("nothing", b""),
            ("a header longer than the file", struct.pack("<Q", 1 << 60) + good[8:]), ("text", b"this is no model\n" * 100),
            ("another program's safetensors", struct.pack("<Q", len(foreign)) + foreign + bytes(8))]


def claim_a_damaged_model_is_not_activated(lab):
    """A damaged, cut or foreign file is refused when it is activated, with a reason, and the live model stays live"""
    data = lab.trained_data()
    with lab.service(data) as server:
        live = live_version(server)
        other = next(version for version in versions(server) if version != live)
    file = data / "models" / f"{other}.safetensors"
    good = file.read_bytes()
    for what, spoiled in damages(lab, good):
        fresh = lab.trained_data()
        (fresh / "models" / file.name).write_bytes(spoiled)
        with lab.service(fresh) as server:
            answer = server.ask("POST", f"/v1/models/{other}/activate")
            assert 400 <= answer.status < 600 and answer.status != 500, f"{what}: {answer}"
            assert answer.headers["Content-Type"].startswith("application/problem+json") and answer.json().get("detail"), f"{what}: {answer}"
            assert live_version(server) == live, what
            answer = server.ask("GET", "/v1/recommendations?user_id=user-1")
            assert answer.status == 200 and answer.json()["model_version"] == live, f"{what}: {answer}"


def claim_a_damaged_live_model_does_not_stop_the_start(lab):
    """When the live model's file is damaged, the server starts all the same, marks it damaged with a reason and serves with the one before"""
    for what, spoil in (("cut", lambda good: good[:len(good) // 2]), ("one bit", lambda good: good[:-100] + bytes([good[-100] ^ 4]) + good[-99:]),
                        ("gone", None)):
        data = lab.trained_data()
        with lab.service(data) as server:
            live = live_version(server)
            other = next(version for version in versions(server) if version != live)
        file = data / "models" / f"{live}.safetensors"
        if spoil:
            file.write_bytes(spoil(file.read_bytes()))
        else:
            file.unlink()
        with lab.service(data) as server:
            row = row_of(server, live)
            assert row["state"] == "damaged" and row["reason"], f"{what}: {row}"
            assert live_version(server) == other, what
            answer = server.ask("GET", "/v1/recommendations?user_id=user-1")
            assert answer.status == 200 and answer.json()["model_version"] == other, f"{what}: {answer}"


def claim_without_a_good_model_neighbours_serve(lab):
    """When no model file is good, recommendations come from neighbours, and none of them is missing"""
    data = lab.trained_data()
    for file in (data / "models").glob("*.safetensors"):
        file.write_bytes(b"no model")
    with lab.service(data) as server:
        answer = server.ask("GET", "/v1/recommendations?user_id=user-1")
        assert answer.status == 200 and len(answer.json()["items"]) == 10 and answer.json()["model_version"] is None, answer
        assert server.ask("GET", "/readyz").status == 200
