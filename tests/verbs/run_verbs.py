#!/usr/bin/env python3
"""The command line as a user meets it: exit codes, help, refused lines, formats, standard input. Every function `claim_…` is one claim.

  run_verbs.py [--binary FILE] [PART…]
"""
import argparse
import contextlib
import gzip
import json
import pathlib
import sqlite3
import struct
import subprocess
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import model_claims  # noqa: E402
import service  # noqa: E402

DONE, FAILED, USAGE, SOME_REFUSED, IN_USE, REJECTED = 0, 1, 2, 3, 4, 5
VERBS = ("serve", "import", "retrain", "evaluate", "model", "version", "help")
EVENT = {"user_id": "user-1", "item_id": "film-1", "type": "view", "timestamp": 1_700_000_000_000}


class Shell:
    """Runs the program in a folder of its own and checks the exit code at once."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.data = folder / "data"

    def __call__(self, code, *arguments, input=None):
        done = service.run(self.binary, *arguments, input=input)
        assert done.returncode == code, f"inkling {' '.join(map(str, arguments))}: exit code {done.returncode}, wanted {code}\n{done.stdout[-600:]}{done.stderr[-1500:]}"
        return done

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def events(self, user):
        """What the store holds of a user, by way of a server."""
        with service.Service(self.binary, self.data) as server:
            answer = server.ask("GET", f"/v1/users/{user}/events?limit=100")
            return answer.json()["events"] if answer.status == 200 else []


def lines(*objects):
    return "".join(json.dumps(one) + "\n" for one in objects)


def numbered(n, **more):
    return [dict(EVENT, event_id=f"e{number}", timestamp=EVENT["timestamp"] + number, **more) for number in range(n)]


def claim_help_names_every_verb(shell):
    """`inkling help`, `--help` and `help VERB` print help on standard output and end with 0"""
    for arguments in (["help"], ["--help"]):
        said = shell(DONE, *arguments).stdout
        assert all(verb in said for verb in VERBS), said
    for verb in VERBS:
        assert shell(DONE, "help", verb).stdout.strip(), verb
    for verb in ("serve", "import", "retrain", "evaluate"):
        said = shell(DONE, verb, "--help").stdout
        assert "--data" in said, said


def claim_help_fits_a_terminal(shell):
    """No line of any help is wider than 120 columns"""
    for arguments in (["help"], *[[verb, "--help"] for verb in ("serve", "import", "retrain", "evaluate")]):
        wide = [line for line in shell(DONE, *arguments).stdout.splitlines() if len(line) > 120]
        assert not wide, f"{arguments}: {wide[0]}"


def claim_wrong_usage_ends_with_2(shell):
    """No verb, an unknown verb, an unknown option, a missing value or file: exit code 2, a sentence on standard error, nothing on standard output"""
    for arguments in ([], ["frobnicate"], ["import", "--frobnicate"], ["import", "--data"], ["import"],
                      ["import", "--data", shell.data, "--idx", "one"], ["import", "--data", shell.data, "--idx", "one", "two", "three"], ["import", "--data", shell.data, "--idx", "-", "two"],
                      ["import", "--data", shell.data, "--names", "names", "file"],
                      ["import", "--data", shell.data, "--pictures"], ["import", "--data", shell.data, "--pictures", "folder", "file"], ["import", "--data", shell.data, "--pictures", ""],
                      ["import", "--data", shell.data, "--pictures", "folder", "--idx", "one", "two"], ["retrain", "--data", shell.data, "--split", "never"],
                      ["retrain", "--data", shell.data, "--epochs", "-1"], ["retrain", "--data", shell.data, "--seed", "x"], ["serve", "--data", shell.data, "--port", "70000"],
                      ["evaluate", "--data", shell.data, "surplus"]):
        done = shell(USAGE, *arguments)
        assert done.stderr.strip() and not done.stdout.strip(), f"{arguments}: {done.stdout!r} {done.stderr!r}"


def claim_version_is_one_line(shell):
    """`inkling version` says its version and the kernels it runs, those of OpenBLAS for a processor not too old and for the one that the user names"""
    said = shell(DONE, "version").stdout
    assert said.startswith("inkling 0.") and said.count("\n") == 1 and "kernels" in said, said
    has_avx2 = " avx2 " in pathlib.Path("/proc/cpuinfo").read_text()
    named = service.run(shell.binary, "version", OPENBLAS_CORETYPE="Prescott").stdout
    assert not has_avx2 or ("OpenBLAS for Prescott" not in said and "OpenBLAS for Prescott" in named), f"{said}{named}"


def claim_all_forms_of_a_file_are_read(shell):
    """NDJSON and CSV, plain, gzip and zstd, and standard input are read; the type is told by the content, not by the name"""
    text = lines(*numbered(3))
    table = "event_id,user_id,item_id,type,timestamp\n" + "".join(f"c{n},user-2,film-{n},like,{EVENT['timestamp'] + n}\n" for n in range(3))
    packed = subprocess.run(["zstd", "-q", "-c"], input=table.encode(), capture_output=True, check=True).stdout
    shell(DONE, "import", "--data", shell.data, shell.file("plain", text), shell.file("packed", gzip.compress(lines(*numbered(5)).encode())), shell.file("z", packed))
    shell(DONE, "import", "--data", shell.data, "-", input=lines(dict(EVENT, event_id="in", user_id="user-3")))
    assert len(shell.events("user-1")) == 5 and len(shell.events("user-2")) == 3 and len(shell.events("user-3")) == 1


def claim_csv_quotes_follow_rfc_4180(shell):
    """CSV: quoted commas, quotes and line ends in a cell, CRLF line ends, a byte order mark"""
    table = '\ufeffitem_id,title,categories,price\r\nfilm-1,"One, ""two""\r\nthree",drama|comedy,9.5\r\nfilm-2,Plain,,\r\n'
    shell(DONE, "import", "--data", shell.data, shell.file("items.csv", table.encode()))
    with service.Service(shell.binary, shell.data) as server:
        item = server.ask("GET", "/v1/items/film-1").json()
        assert item["title"].replace("\r\n", "\n") == 'One, "two"\nthree' and item["categories"] == ["drama", "comedy"] and item["price"] == 9.5, item


def claim_items_users_and_events_are_told_apart(shell):
    """One file may hold items, users and events"""
    text = lines({"item_id": "film-1", "title": "One"}, {"user_id": "user-1", "attributes": {"age": 30}}, dict(EVENT, event_id="e"))
    shell(DONE, "import", "--data", shell.data, shell.file("all.ndjson", text))
    with service.Service(shell.binary, shell.data) as server:
        assert server.ask("GET", "/v1/items/film-1").json()["title"] == "One"
        assert server.ask("GET", "/v1/users/user-1").json()["attributes"] == {"age": 30}
        assert len(server.ask("GET", "/v1/users/user-1/events").json()["events"]) == 1


def claim_bad_lines_are_named_and_good_ones_kept(shell):
    """Bad lines are shown with file, line number and reason, good ones are kept, the exit code is 3"""
    text = lines(*numbered(2)) + "{not json}\n" + lines(dict(EVENT, colour="red")) + "\n" + lines(dict(EVENT, event_id="late", timestamp="soon")) + lines(dict(EVENT, event_id="e9"))
    done = shell(SOME_REFUSED, "import", "--data", shell.data, shell.file("mixed.ndjson", text))
    said = done.stdout + done.stderr
    for number, word in ((3, ""), (4, "colour"), (6, "timestamp")):
        assert any(f"mixed.ndjson:{number}" in line and word in line for line in said.splitlines()), f"line {number} ({word}) is not named:\n{said}"
    assert len(shell.events("user-1")) == 3


def claim_strict_refuses_the_whole_file(shell):
    """With --strict a file with a bad line changes nothing, the exit code is 1"""
    done = shell(FAILED, "import", "--strict", "--data", shell.data, shell.file("mixed.ndjson", lines(*numbered(200)) + "{}\n" + lines(*numbered(300))))
    assert "mixed.ndjson:201" in done.stdout + done.stderr, done.stderr
    assert shell.events("user-1") == []


def claim_the_same_file_twice_is_one_file(shell):
    """Events with an event_id that is there already are counted as duplicates and kept once"""
    file = shell.file("events.ndjson", lines(*numbered(4)))
    shell(DONE, "import", "--data", shell.data, file)
    said = shell(DONE, "import", "--data", shell.data, file)
    assert "4" in said.stdout + said.stderr and len(shell.events("user-1")) == 4


def claim_a_missing_file_is_named(shell):
    """A file that is not there: exit code 1 and a sentence that names it"""
    done = shell(FAILED, "import", "--data", shell.data, shell.folder / "nowhere.ndjson")
    assert "nowhere.ndjson" in done.stderr, done.stderr


def claim_a_cut_archive_is_refused(shell):
    """A gzip or zstd file that ends in the middle is named, and what it promised is not taken for whole"""
    whole = gzip.compress(lines(*numbered(2000)).encode())
    done = service.run(shell.binary, "import", "--data", shell.data, shell.file("cut.ndjson.gz", whole[:len(whole) // 2]))
    assert done.returncode in (FAILED, SOME_REFUSED) and "cut.ndjson.gz" in done.stdout + done.stderr, f"{done.returncode} {done.stderr}"


def idx(magic, *sizes, data=b""):
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + data


def images(n, height=2, width=3):
    """An IDX file of n pictures, each of one colour: its number."""
    return idx(0x803, n, height, width, data=b"".join(bytes([number] * (height * width)) for number in range(n)))


def labels(*numbers):
    return idx(0x801, len(numbers), data=bytes(numbers))


def pictures_of(shell):
    """What the store holds: id, categories, height, width, channels, the first pixel, media type, bytes of the original."""
    with contextlib.closing(sqlite3.connect(shell.data / "inkling.db")) as store:
        return store.execute("select n.name, i.categories, p.height, p.width, p.channels, p.pixels, p.media_type, length(p.original) from item_picture p "
                             "join item_name n on n.number = p.item left join item i on i.item = p.item order by n.name").fetchall()


def claim_idx_files_become_items_with_pictures(shell):
    """import --idx: pictures and labels, plain or gzip, become items with a category; read again with --names they are replaced"""
    files = shell.file("shoes.gz", gzip.compress(images(3))), shell.file("labels", labels(1, 0, 1))
    done = shell(DONE, "import", "--data", shell.data, "--idx", *files)
    assert "3 pictures" in done.stdout and "3 items" in done.stdout, done.stdout
    assert pictures_of(shell) == [(f"shoes:{number}", f'["{label}"]', 2, 3, 1, bytes([number] * 6), None, None) for number, label in enumerate((1, 0, 1))]
    shell(DONE, "import", "--data", shell.data, "--names", shell.file("names", "Boot\nPullöver\n"), "--idx", *files)
    with service.Service(shell.binary, shell.data) as server:
        item = server.ask("GET", "/v1/items/shoes:2").json()
        assert item["kind"] == "content" and item["categories"] == ["Pullöver"], item
        answer = server.ask("GET", "/v1/items/shoes:2/image")
        assert answer.status == 404 and "of an IDX file" in answer.json()["detail"], answer.json()
    assert len(pictures_of(shell)) == 3


def claim_large_idx_pictures_are_made_small(shell):
    """import --idx: of a side above 64 a picture of 64 x 64 is kept"""
    shell(DONE, "import", "--data", shell.data, "--idx", shell.file("wide", images(1, 10, 100)), shell.file("labels", labels(0)))
    (_, _, height, width, channels, pixels, _, _), = pictures_of(shell)
    assert (height, width, channels, len(pixels)) == (64, 64, 1, 4096)


def claim_idx_files_that_do_not_fit_change_nothing(shell):
    """import --idx: wrong magic numbers, counts that differ, sides of 0 or beyond the limits: exit code 1, the file is named, nothing is kept"""
    good, numbers = images(2), labels(0, 1)
    for first, second, file, words in ((numbers, numbers, "first", "0x00000803"), (good, good, "second", "0x00000801"), (good, labels(0), "second", "expected 2"),
                                       (idx(0x803, 2, 0, 3), numbers, "first", "1 to 16384"), (idx(0x803, 2, 20000, 1), numbers, "first", "1 to 16384"),
                                       (b"", numbers, "first", "is empty"), (b"\0\0", numbers, "first", "less than 4 bytes"), (good[:9], numbers, "first", "header")):
        done = shell(FAILED, "import", "--data", shell.data, "--idx", shell.file("first", first), shell.file("second", second))
        assert f"{file}: " in done.stderr and words in done.stderr, done.stderr
        assert pictures_of(shell) == []
    done = shell(FAILED, "import", "--data", shell.data, "--idx", shell.file("first", good), shell.file("second", numbers), "--names", shell.file("names", "one\n\n"))
    assert "names: line 2" in done.stderr, done.stderr
    done = shell(FAILED, "import", "--data", shell.data, "--idx", shell.folder / "nowhere", shell.file("second", numbers))
    assert "nowhere: " in done.stderr and pictures_of(shell) == [], done.stderr


def claim_damaged_idx_files_keep_what_came_before(shell):
    """import --idx: files that are cut or go on too long end with 1; the pictures before that are kept, with --strict none"""
    good, numbers = images(3), labels(0, 1, 2)
    for first, second, words, n_kept in ((good[:-1], numbers, "ends in the middle", 2), (good, numbers[:-2], "ends in the middle", 1), (good + b"!", numbers, "goes on", 3),
                                         (gzip.compress(good)[:-9], numbers, "gzip", 3), (idx(0x803, 2**32 - 1, 2, 3, data=good[16:]), idx(0x801, 2**32 - 1, data=numbers[8:]), "got 3", 3)):
        files = shell.file("first", first), shell.file("second", second)
        done = shell(FAILED, "import", "--strict", "--data", shell.folder / "strict", "--idx", *files)
        assert "imported 0 pictures" in done.stdout and words in done.stderr, done.stdout + done.stderr
        done = shell(FAILED, "import", "--data", shell.data, "--idx", *files)
        assert f"imported {n_kept} picture" in done.stdout and words in done.stderr, done.stdout + done.stderr


def claim_labels_without_a_name_change_nothing(shell):
    """import --idx --names: a label that has no line in NAMES is found before the first item is written: exit code 1, picture and label are named, nothing is kept"""
    names = shell.file("names", "a\nb\n")
    for n, damage in ((3, 0), (3, 1), (70000, 0)):  # in a file whose pictures are cut, too; and of more pictures than a transaction holds
        first = shell.file("first", idx(0x803, n, 1, 1, data=bytes(n - damage)))
        files = first, shell.file("second", labels(*[0] * (n - 1), 2))
        done = shell(FAILED, "import", "--data", shell.data, "--idx", *files, "--names", names)
        assert f"picture {n - 1} has the label 2; expected one below 2" in done.stderr and "imported 0 pictures" in done.stdout, done.stdout + done.stderr
        assert pictures_of(shell) == []


def png(width, height, colour_type=2, value=7):
    """A PNG of one colour: red, green and blue, or grey (0)."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = b"\0" + bytes([value]) * (width * (3 if colour_type else 1))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, colour_type, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b"")


def folder_of(shell, **files):
    folder = shell.folder / "pictures"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def claim_a_folder_gives_items_their_pictures(shell):
    """import --pictures: files are the pictures of items by their names, %XX decoded; the file and a small picture are kept, the last file of an item stays"""
    shell(DONE, "import", "--data", shell.data, shell.file("items", lines({"item_id": "mug"}, {"item_id": "a/b"}, {"item_id": "100%"})))
    large = png(100, 50)
    folder = folder_of(shell, **{"mug.jpg": b"\xff\xd8\xff no jpeg", "mug.png": png(3, 2), "a%2Fb.PNG": large, "100%25.png": png(5, 5, 0, 9), "notes.txt": b"no picture"})
    (folder / "folder.png").mkdir()
    (folder / "mug.jpg").write_bytes(png(4, 4))  # the content says what it is
    done = shell(DONE, "import", "--data", shell.data, "--pictures", folder)
    assert "imported 4 pictures; 0 pictures refused" in done.stdout, done.stdout
    grey, wide, mug = pictures_of(shell)
    assert grey[0] == "100%" and grey[2:5] == (5, 5, 1) and grey[5] == bytes([9] * 25), grey
    assert wide[0] == "a/b" and wide[2:5] == (64, 64, 3) and wide[6:] == ("image/png", len(large)), wide
    assert mug[0] == "mug" and mug[2:5] == (2, 3, 3) and mug[5] == bytes([7] * 18), mug
    folder_of(shell, **{"mug.png": png(1, 1)})
    shell(DONE, "import", "--data", shell.data, "--pictures", folder)
    assert [row[2:4] for row in pictures_of(shell)] == [(5, 5), (64, 64), (1, 1)]


def claim_bad_pictures_are_named_and_good_ones_kept(shell):
    """import --pictures: unknown and deleted items, names that are no ids, files that are no pictures: shown with path and reason, the others go on, exit code 3"""
    shell(DONE, "import", "--data", shell.data, shell.file("items", lines({"item_id": "mug"}, {"item_id": "cup"}, {"item_id": "bowl"}, {"item_id": "empty"}, {"item_id": "gone"})))
    with service.Service(shell.binary, shell.data) as server:
        assert server.ask("DELETE", "/v1/items/gone").status == 204
    folder = folder_of(shell, **{"mug.png": png(3, 2), "cup.png": png(3, 2)[:-20], "bowl.webp": b"RIFF....WEBP", "empty.png": b"", "gone.png": png(1, 1),
                                 "stranger.png": png(1, 1), "%zz.png": png(1, 1)})
    strict = shell(FAILED, "import", "--strict", "--data", shell.data, "--pictures", folder)
    assert "6 of 7 pictures were refused" in strict.stderr and pictures_of(shell) == [], strict.stderr
    done = shell(SOME_REFUSED, "import", "--data", shell.data, "--pictures", folder)
    for name, words in (("cup.png", ""), ("bowl.webp", ""), ("empty.png", "empty"), ("gone.png", "no item gone"), ("stranger.png", "no item stranger"), ("%zz.png", "hexadecimal")):
        assert any(line.startswith(f"{folder}/{name}: ") and words in line for line in done.stderr.splitlines()), f"{name} ({words}) is not named:\n{done.stderr}"
    assert "imported 1 picture; 6 pictures refused" in done.stdout and [row[0] for row in pictures_of(shell)] == ["mug"], done.stdout
    assert "nowhere: " in shell(FAILED, "import", "--data", shell.data, "--pictures", shell.folder / "nowhere").stderr
    assert "mug.png: " in shell(FAILED, "import", "--data", shell.data, "--pictures", folder / "mug.png").stderr


def claim_import_keeps_to_the_settings_of_pictures(shell):
    """import --pictures: pictures.keep_originals and pictures.max_bytes of inkling.conf, the environment and --set count, the later wins; a wrong setting ends with 2"""
    large = png(3, 2) + bytes(2000)
    shell(DONE, "import", "--data", shell.data, shell.file("items", lines({"item_id": "mug"}, {"item_id": "cup"})))
    arguments = "import", "--data", shell.data, "--pictures", folder_of(shell, **{"mug.png": png(3, 2), "cup.png": large})
    (shell.data / "inkling.conf").write_text("[pictures]\nkeep_originals = false\nmax_bytes = 1024\n")
    done = shell(SOME_REFUSED, *arguments)
    assert f"cup.png: the picture has {len(large)} bytes; at most 1024 are allowed" in done.stderr, done.stderr
    (name, _, height, width, channels, pixels, media_type, n_original), = pictures_of(shell)
    assert (name, height, width, channels, pixels, media_type, n_original) == ("mug", 2, 3, 3, bytes([7] * 18), None, None)
    done = service.run(shell.binary, *arguments, INKLING_PICTURES_KEEP_ORIGINALS="true")
    assert done.returncode == SOME_REFUSED and pictures_of(shell)[0][6:] == ("image/png", len(png(3, 2))), done.stderr
    shell(DONE, *arguments, "--set", "pictures.max_bytes=4096")
    assert [row[0] for row in pictures_of(shell)] == ["cup", "mug"]
    assert "keep_originals" in shell(USAGE, *arguments, "--set", "pictures.keep_originals=perhaps").stderr
    assert "--set" in shell(USAGE, *arguments, "--set", "pictures.keep_originals").stderr


def claim_too_little_data_is_said(shell):
    """Training from one event a user says how many there are and what is needed; evaluate without a model says so"""
    shell(DONE, "import", "--data", shell.data, shell.file("few.ndjson", lines(EVENT, dict(EVENT, user_id="user-2"))))
    done = shell(FAILED, "retrain", "--data", shell.data)
    assert any(character.isdigit() for character in done.stderr), done.stderr
    done = shell(FAILED, "evaluate", "--data", shell.data)
    assert "model" in done.stderr.lower(), done.stderr


def claim_retrain_reports_steps_and_evaluate_a_table(shell):
    """retrain prints a line a step (NDJSON with --json); evaluate prints the four methods, with --json the same figures"""
    shell(DONE, "import", "--data", shell.data, shell.file("events.ndjson", "".join(service.sample_lines("events.ndjson.zst", 40))))
    done = shell(DONE, "retrain", "--data", shell.data, "--budget", "0", "--epochs", "2", "--json")
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(steps) >= 2 and steps[-1], done.stdout
    table = shell(DONE, "evaluate", "--data", shell.data).stdout
    assert all(method in table for method in ("popular", "neighbours", "encoder", "blend")) and "NDCG@10" in table, table
    json.loads(shell(DONE, "evaluate", "--data", shell.data, "--json").stdout)
    done = shell(DONE, "retrain", "--data", shell.data, "--budget", "0", "--epochs", "1", "--seed", "2", "--split", "last", "--force")
    assert "\r" not in done.stderr + done.stdout and "\x1b" not in done.stderr + done.stdout, "control characters without a terminal"


def claim_evaluate_judges_the_model_before_its_refit(shell):
    """evaluate says figures with intervals, cold rows, lists and reliability as JSON; of a refit it judges the model that it was made from, and --model any"""
    import_sample(shell)
    shell(DONE, "retrain", "--data", shell.data, "--budget", "0", "--epochs", "1", "--split", "last")
    judged = json.loads(shell(DONE, "evaluate", "--data", shell.data, "--json").stdout)
    versions = {model["version"] for model in models_of(shell)}
    assert {judged["model_version"], judged["refit_version"]} == versions and len(versions) == 2 and not judged["is_refit"], (judged, versions)
    evaluation = judged["evaluation"]
    blend = evaluation["groups"]["all"]["methods"]["blend"]
    low, high = blend["intervals"]["ndcg10"]
    assert evaluation["cases"] > 0 and 0 <= low <= blend["ndcg10"] <= high <= 1, blend
    assert {"cold_users", "cold_items"} < set(evaluation["groups"]) and 0 < evaluation["lists"]["blend"]["coverage10"] <= 1 and evaluation["reliability"]["encoder"]["bins"]
    again = json.loads(shell(DONE, "evaluate", "--data", shell.data, "--json", "--threads", "1", "--model", judged["model_version"]).stdout)
    assert again["evaluation"] == evaluation and again["refit_version"] is None, "other figures with one thread"
    other = json.loads(shell(DONE, "evaluate", "--data", shell.data, "--json", "--split", "time").stdout)
    assert other["split"] == "time" and not other["is_model_split"], other
    assert "version" in shell(FAILED, "evaluate", "--data", shell.data, "--model", "latest").stderr
    assert "m0123456789abcdef" in shell(FAILED, "evaluate", "--data", shell.data, "--model", "m0123456789abcdef").stderr


def claim_evaluate_writes_a_page_that_stands_alone(shell):
    """--html writes one file with pictures that asks nobody for anything; a place where it cannot be is said, and nothing is left behind"""
    import_sample(shell)
    shell(DONE, "retrain", "--data", shell.data, "--budget", "0", "--epochs", "2", "--split", "last", "--no-refit")
    page = shell.folder / "page.html"
    shell(DONE, "evaluate", "--data", shell.data, "--html", page)
    text = page.read_text()
    assert text.startswith("<!doctype html>") and "<svg" in text and "In 2 epochs the loss went" in text, text[:300]
    assert not any(word in text for word in ("http:", "https:", "<script", "href=", "src=")), "the page refers to something"
    done = shell(FAILED, "evaluate", "--data", shell.data, "--html", shell.folder / "nowhere" / "page.html")
    assert "nowhere/page.html" in done.stderr and "No such file" in done.stderr, done.stderr
    shell(USAGE, "evaluate", "--data", shell.data, "--html", "")
    assert not list(shell.folder.glob("*.partial")), "something is left behind"


def models_of(shell):
    """What the registry says, by way of a server: newest first."""
    with service.Service(shell.binary, shell.data) as server:
        return server.ask("GET", "/v1/models").json()["models"]


def import_sample(shell, users=40):
    shell(DONE, "import", "--data", shell.data, shell.file("events.ndjson", "".join(service.sample_lines("events.ndjson.zst", users))))


QUICK = ("--budget", "0", "--split", "last", "--threads", "2")


def claim_wrong_training_options_are_named(shell):
    """retrain: a budget that is no time, settings of what is no model: exit code 2 and a sentence that names the option and the value"""
    for option, value in (("--budget", "20"), ("--budget", "soon"), ("--budget", "25h"), ("--budget", "-1s"), ("--settings", "newest"), ("--settings", "")):
        done = shell(USAGE, "retrain", "--data", shell.data, option, value)
        assert option in done.stderr and value in done.stderr, done.stderr
    done = shell(USAGE, "retrain", "--data", shell.data, "--set", "gate.metric=recall10")
    assert "gate.metric" in done.stderr and "ndcg10" in done.stderr, done.stderr


def claim_options_of_another_kind_of_model_are_refused(shell):
    """retrain: --only pictures with an option of the behaviour model, and the other way round: exit code 2 and a sentence that names the option"""
    for option in ("--budget 0", "--split last", "--settings live", "--fresh", "--force", "--set gate.margin=1"):
        for arguments in (["--only", "pictures", *option.split()], [*option.split(), "--only", "pictures"]):
            done = shell(USAGE, "retrain", "--data", shell.data, *arguments)
            assert f"{option.split()[0]} does not go with --only pictures" in done.stderr, done.stderr
    for option in ("--preset seed", "--html page.html"):
        done = shell(USAGE, "retrain", "--data", shell.data, *option.split())
        assert f"{option.split()[0]} goes with --only pictures alone" in done.stderr, done.stderr


def claim_a_picture_model_is_trained_again_on_all_pictures(shell):
    """retrain --only pictures: judged on held-out pictures, then trained again on all; table, page and lines of progress say so; with --no-refit it is not"""
    shell(DONE, "import", "--data", shell.data, "--idx", shell.file("images", images(120, 12, 12)), shell.file("labels", labels(*[0, 1] * 60)))
    quick = ["retrain", "--data", shell.data, "--only", "pictures", "--preset", "seed", "--epochs", "1"]
    page = shell.folder / "page.html"
    done = shell(DONE, *quick, "--html", page)
    assert "trained again on all 120," in done.stdout, done.stdout
    assert "on all 120 pictures" in page.read_text()
    lines = [json.loads(line) for line in shell(DONE, *quick, "--seed", "2", "--json").stdout.splitlines()]
    phases = [line["phase"] for line in lines if "phase" in line]
    assert phases.index("trained") < phases.index("refit") == len(phases) - 1, phases
    assert any(line.get("note", "").startswith("refit, epoch 1") for line in lines if line.get("phase") == "pictures"), lines
    assert "trained again" not in shell(DONE, *quick, "--no-refit").stdout
    rows = models_of(shell)
    assert [(row["kind"], row["state"]) for row in rows] == [("pictures", "live"), ("pictures", "ready"), ("pictures", "ready")], rows
    assert all(0 <= row["facts"]["accuracy"] <= 1 and row["facts"]["n_held_out"] and row["facts"]["height"] == 12 for row in rows), rows


def claim_retrain_keeps_the_selected_model_beside_its_refit(shell):
    """retrain registers the selected model as ready and its refit as live; with --no-refit there is one model"""
    import_sample(shell)
    shell(DONE, "retrain", "--data", shell.data, *QUICK, "--epochs", "1")
    refit, selected = models_of(shell)
    assert (refit["state"], selected["state"]) == ("live", "ready"), (refit, selected)
    assert (refit["facts"]["role"], selected["facts"]["role"]) == ("refit", "selected"), (refit["facts"], selected["facts"])
    assert refit["facts"]["selected_version"] == selected["version"] and refit["facts"]["figures"] == selected["facts"]["figures"], refit
    assert "report" not in refit["facts"]
    shell(DONE, "retrain", "--data", shell.data, *QUICK, "--epochs", "1", "--seed", "2", "--no-refit", "--fresh", "--force")
    assert [model["state"] for model in models_of(shell)] == ["live", "ready", "ready"]


def claim_one_model_is_shown_with_its_report(shell):
    """GET /v1/models leaves the long report out, GET /v1/models/{version} has it"""
    import_sample(shell)
    shell(DONE, "retrain", "--data", shell.data, *QUICK, "--epochs", "1", "--no-refit")
    with service.Service(shell.binary, shell.data) as server:
        listed, = server.ask("GET", "/v1/models").json()["models"]
        whole = server.ask("GET", f"/v1/models/{listed['version']}").json()
        assert "report" not in listed["facts"] and isinstance(whole["facts"]["report"], dict), whole
        assert {name: value for name, value in whole["facts"].items() if name != "report"} == listed["facts"]
        assert server.ask("GET", "/v1/models/m0000000000000000").status == 404


def claim_a_worse_model_is_rejected(shell):
    """retrain: a model that is worse than the live one is kept as rejected with the figures, exit code 5; --force or a margin of 1 let it go live"""
    import_sample(shell)
    worse = ("--data", shell.data, *QUICK, "--epochs", "1", "--seed", "2", "--no-refit", "--fresh", "--set", "gate.metric=ndcg20")
    shell(DONE, "retrain", "--data", shell.data, *QUICK, "--epochs", "12", "--no-refit")
    good, = models_of(shell)
    done = shell(REJECTED, "retrain", *worse, "--set", "gate.margin=0")
    assert "rejected" in done.stdout and "NDCG@20" in done.stdout and good["version"] in done.stdout, done.stdout
    assert "settings: " in done.stdout and "width" in done.stdout and "held-out" in done.stdout, "what was chosen is not said: " + done.stdout
    last = json.loads(shell(REJECTED, "retrain", *worse, "--set", "gate.margin=0", "--json").stdout.splitlines()[-1])
    assert last["state"] == "rejected" and "NDCG@20" in last["reason"], last
    bad, live = models_of(shell)
    assert (bad["version"], bad["state"], bad["reason"]) == (last["model_version"], "rejected", last["reason"]), bad
    assert (live["version"], live["state"]) == (good["version"], "live"), live
    last = json.loads(shell(DONE, "retrain", *worse, "--set", "gate.margin=0", "--json", "--force").stdout.splitlines()[-1])
    assert last["state"] == "live" and last["model_version"] == bad["version"] and "force" in last["reason"], last
    assert [model["state"] for model in models_of(shell)] == ["live", "ready"]
    with service.Service(shell.binary, shell.data) as server:
        assert server.ask("POST", f"/v1/models/{good['version']}/activate").status == 200
    shell(DONE, "retrain", *worse, "--set", "gate.margin=1")


def claim_a_rejected_model_goes_live_when_activated(shell):
    """A rejected model is made live by POST …/activate, and is not rejected any more then"""
    import_sample(shell)
    shell(DONE, "retrain", "--data", shell.data, *QUICK, "--epochs", "12", "--no-refit")
    shell(REJECTED, "retrain", "--data", shell.data, *QUICK, "--epochs", "1", "--seed", "2", "--no-refit", "--fresh", "--set", "gate.metric=ndcg20", "--set", "gate.margin=0")
    with service.Service(shell.binary, shell.data) as server:
        rejected = server.ask("GET", "/v1/models").json()["models"][0]
        answer = server.ask("POST", f"/v1/models/{rejected['version']}/activate")
        assert answer.status == 200 and (answer.json()["state"], answer.json()["reason"]) == ("live", None), answer
    assert [model["state"] for model in models_of(shell)] == ["live", "ready"]


def claim_settings_of_a_model_are_used_again(shell):
    """retrain --settings VERSION or live takes an earlier model's settings; a model that is not there is named"""
    import_sample(shell)
    done = shell(FAILED, "retrain", "--data", shell.data, *QUICK, "--settings", "live")
    assert "live" in done.stderr, done.stderr
    shell(DONE, "retrain", "--data", shell.data, *QUICK, "--epochs", "1", "--no-refit")
    first, = models_of(shell)
    for version in ("live", first["version"]):
        shell(DONE, "retrain", "--data", shell.data, "--split", "last", "--epochs", "1", "--settings", version, "--seed", "3", "--no-refit", "--fresh", "--force")
    again = models_of(shell)[0]
    assert again["facts"]["shape"] == first["facts"]["shape"], again
    done = shell(FAILED, "retrain", "--data", shell.data, *QUICK, "--settings", "m0000000000000000")
    assert "m0000000000000000" in done.stderr, done.stderr


def claim_settings_come_from_file_environment_and_option(shell):
    """inkling.conf, INKLING_… and --set are read, the later wins; an unknown name says where it stands"""
    shell(DONE, "import", "--data", shell.data, shell.file("e.ndjson", lines(*numbered(2))))
    (shell.data / "inkling.conf").write_text("[recommend]\nmax_limit = 5\n")
    with service.Service(shell.binary, shell.data) as server:
        assert server.ask("GET", "/v1/recommendations?limit=6").status == 400 and server.ask("GET", "/v1/recommendations?limit=5").status == 200
    with service.Service(shell.binary, shell.data, INKLING_RECOMMEND_MAX_LIMIT="7") as server:
        assert server.ask("GET", "/v1/recommendations?limit=7").status == 200
    with service.Service(shell.binary, shell.data, "--set", "recommend.max_limit=9", INKLING_RECOMMEND_MAX_LIMIT="7") as server:
        assert server.ask("GET", "/v1/recommendations?limit=9").status == 200
    (shell.data / "inkling.conf").write_text("[http]\n\nport = 0\ncolour = red\n")
    done = service.run(shell.binary, "serve", "--data", shell.data, "--port", "0", seconds=60)
    assert done.returncode in (FAILED, USAGE) and "colour" in done.stderr and "4" in done.stderr, f"{done.returncode} {done.stderr}"


def claim_without_keys_only_loopback(shell):
    """Without keys the server binds to loopback only: another address is refused with a sentence"""
    done = service.run(shell.binary, "serve", "--data", shell.data, "--port", "0", "--set", "http.address=0.0.0.0", seconds=60)
    assert done.returncode in (FAILED, USAGE) and "loopback" in done.stderr.lower(), f"{done.returncode} {done.stderr}"


def claim_a_port_in_use_is_said(shell):
    """A port that another server holds: exit code 1 and a sentence that names it"""
    with service.Service(shell.binary, shell.data) as server:
        done = service.run(shell.binary, "serve", "--data", shell.folder / "other", "--port", server.port, seconds=60)
        assert done.returncode == FAILED and str(server.port) in done.stderr, f"{done.returncode} {done.stderr}"


def claim_a_foreign_database_is_refused(shell):
    """A data directory whose inkling.db is something else is refused, not overwritten"""
    shell.data.mkdir()
    for content in (b"this is no database, just a text\n" * 200, b"SQLite format 3\0" + bytes(4080)):
        (shell.data / "inkling.db").write_bytes(content)
        done = service.run(shell.binary, "import", "--data", shell.data, shell.file("e.ndjson", lines(*numbered(1))))
        assert done.returncode == FAILED and "inkling.db" in done.stderr, f"{done.returncode} {done.stderr}"
        assert (shell.data / "inkling.db").read_bytes() == content, "it was changed"


def claim_output_that_cannot_be_written_is_a_failure(shell):
    """Help into a full device does not end with 0"""
    with open("/dev/full", "w") as full:
        done = subprocess.run([shell.binary, "help"], stdout=full, stderr=subprocess.PIPE, env=service.environment())
    assert done.returncode == FAILED, done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=service.ROOT / "build/debug/server/inkling")
    parser.add_argument("parts", nargs="*", metavar="PART")
    args = parser.parse_args()
    passed = failed = 0
    began = time.monotonic()
    for name, claim in [*globals().items(), *vars(model_claims).items()]:
        if name.startswith("claim_") and (not args.parts or any(part in name for part in args.parts)):
            with service.scratch() as folder:
                try:
                    claim(Shell(str(args.binary), folder))
                    passed += 1
                    print(f"ok    {claim.__doc__}")
                except Exception as problem:
                    failed += 1
                    print(f"FAIL  {claim.__doc__}\n      {type(problem).__name__}: {problem}", flush=True)
    print(f"SUITE {passed} passed, {failed} failed: claims about the command line, {time.monotonic() - began:.0f} s")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
