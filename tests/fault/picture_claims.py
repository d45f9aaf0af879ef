"""Pictures that are made to break their decoder, and decoders that are killed: the server goes on, and every picture gets an answer."""
import pathlib
import struct
import zlib

import service

CORPUS = service.ROOT / "tests" / "fuzz" / "corpus" / "picture"
GOOD = ("colour.png", "transparent-interlaced.png", "grey.png", "palette.png", "colour.jpeg", "progressive.jpeg", "print.jpeg", "lossy.webp", "lossless-transparent.webp",
        "lossy-transparent.webp")
TYPE = {"Content-Type": "application/octet-stream"}
MEMORY_MOST = 512 << 20  # DECODER_MEMORY_BYTES


def put(link, item, body):
    return link.ask("PUT", f"/v1/items/{item}/image", body, **TYPE)


def with_right_checksums(data):
    """A PNG whose checksums fit what its chunks hold now: what is behind them is reached."""
    at = 8
    while at + 12 <= len(data):
        length, = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4:end]))
        at = end + 4
    return data


def mutated(random, file):
    """The file with a few bytes changed, a piece cut out, doubled or put in, or its end gone; of a PNG half with the right checksums."""
    data = bytearray(file)
    for _ in range(random.randint(1, 4)):
        if len(data) <= 12:
            break
        where, length = random.randrange(12, len(data)), random.randint(1, 16)
        way = random.randrange(8)
        if way < 4:
            data[where] = random.randrange(256)
        elif way == 4:
            data[where:where + 4] = random.choice([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]).to_bytes(4, random.choice(["big", "little"]))
        elif way == 5:
            del data[where:where + length]
        elif way == 6:
            data[where:where] = data[where:where + length] * random.randint(1, 8)
        else:
            del data[where:]
    return bytes(with_right_checksums(data) if data[1:4] == b"PNG" and random.random() < .5 else data)


def peak_bytes(process):
    """The most address space and the most memory that a process has had."""
    facts = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line)
    return 1024 * int(facts["VmPeak"].split()[0]), 1024 * int(facts["VmHWM"].split()[0])


def claim_mutated_pictures_are_answered(lab):
    """Of 500 mutated files (10 000 in the long form) each gets a clear answer, no decoder has more than 512 MiB, and the server goes on"""
    data, files = lab.small_data(), [(CORPUS / name).read_bytes() for name in GOOD]
    answers, decoders, seen = {}, set(), 0
    with service.Service(lab.release, data) as server, server.link() as link:
        for number in range(lab.rounds(500, 10_000)):
            body = mutated(lab.random, files[number % len(files)])
            answer = put(link, f"film-{1 + number % 5}", body)
            assert answer.status in (200, 201, 400, 413, 415), f"file {number}: {answer}"
            assert answer.status < 300 or answer.json()["detail"], f"file {number}: {answer}"
            answers[answer.status] = answers.get(answer.status, 0) + 1
            if number % 50 == 49 or number == 0:
                for decoder in server.children():
                    decoders.add(decoder)
                    most, _ = peak_bytes(decoder)
                    seen = max(seen, most)
                    assert most <= MEMORY_MOST, f"a decoder has had {most} bytes"
        assert decoders and seen, "no decoder was looked at"
        assert answers.get(400, 0) and answers.get(200, 0), answers
        assert put(link, "film-1", files[0]).status in (200, 201)
        assert server.ask("GET", "/readyz").status == 200
        print(f"      {answers}, {len(decoders)} decoders, at most {seen >> 20} MiB of addresses")


def claim_mutated_pictures_touch_nothing_outside(lab):
    """The same under the sanitizers, 200 files (2 000 in the long form): no decoder is broken, so none of them read or wrote outside"""
    data, files = lab.small_data(), [(CORPUS / name).read_bytes() for name in GOOD]
    with lab.service(data) as server, server.link() as link:
        for number in range(lab.rounds(200, 2_000)):
            answer = put(link, "film-1", mutated(lab.random, files[number % len(files)]))
            assert answer.status in (200, 201, 400, 413, 415), f"file {number}: {answer}"
            assert b"breaks the decoder" not in answer.bytes, f"file {number}: {answer}\n{server.tail()}"


def claim_a_killed_decoder_costs_nothing(lab):
    """A decoder that is killed between two pictures is not noticed, and the file of the last one is what GET gives"""
    data, file = lab.small_data(), (CORPUS / "colour.jpeg").read_bytes()
    with lab.service(data) as server, server.link() as link:
        for _ in range(lab.rounds(5, 50)):
            assert put(link, "film-1", file).status in (200, 201)
            decoder, = server.children()
            service.os.kill(decoder, service.signal.SIGKILL)
            service.wait_until(lambda: not server.children(), "the end of the decoder")
        answer = link.ask("GET", "/v1/items/film-1/image")
        assert answer.status == 200 and answer.bytes == file and answer.headers["Content-Type"] == "image/jpeg", answer


def claim_an_acknowledged_picture_survives_a_kill(lab):
    """A picture that was acknowledged is there after kill -9, and no decoder outlives its server"""
    data, files = lab.small_data(), [(CORPUS / name).read_bytes() for name in GOOD]
    for round_number in range(lab.rounds(3, 20)):
        file = files[round_number % len(files)]
        server = lab.service(data).start()
        with server.link() as link:
            assert put(link, "film-2", file).status in (200, 201)
        decoder, = server.children()
        server.kill()
        service.wait_until(lambda: not is_running(decoder), "the end of the decoder behind its server")
        with lab.service(data) as server:
            answer = server.ask("GET", "/v1/items/film-2/image")
            assert answer.status == 200 and answer.bytes == file, answer
    lab.integrity(data)


def is_running(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def claim_files_are_left_out_as_asked(lab):
    """With pictures.keep_originals=false the file is not in the directory, and GET says why"""
    data, file = lab.small_data(), (CORPUS / "colour.png").read_bytes()
    with lab.service(data, "--set", "pictures.keep_originals=false") as server, server.link() as link:
        assert put(link, "film-1", file).status == 201
        answer = link.ask("GET", "/v1/items/film-1/image")
        assert answer.status == 404 and "pictures.keep_originals" in answer.json()["detail"], answer
    assert not any(file in path.read_bytes() for path in data.glob("inkling.db*")), "the file is in the database"
