#!/usr/bin/env python3
"""A model file as others see it: trained here, then read by the Python package safetensors and, byte by byte, by the standard library.

  check_model.py --binary FILE --venv DIR

The package proves that any tool can open it; the bytes prove what the package does not look at: offsets without gaps, the checksum over everything
behind the header, and that the version is the hash of the file.
"""
import argparse
import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import service  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {"F32": 4, "U8": 1, "I64": 8, "I32": 4, "F64": 8, "U32": 4, "U64": 8}

READER = """
import json, sys
from safetensors import safe_open
import numpy
with safe_open(sys.argv[1], framework="numpy") as model:
    tensors = {name: model.get_tensor(name) for name in model.keys()}
    ends = tensors["vocabulary.ends"]
    words = bytes(tensors["vocabulary.bytes"])
    ids = [words[start:end].decode() for start, end in zip([0, *ends[:-1].tolist()], ends.tolist())]
    print(json.dumps({"metadata": model.metadata(), "ids": ids, "finite": all(bool(numpy.isfinite(one).all()) for one in tensors.values() if one.dtype.kind == "f"),
                      "shapes": {name: list(one.shape) for name, one in tensors.items()}, "kinds": {name: str(one.dtype) for name, one in tensors.items()}}))
"""


def claims(path, venv, item_ids):
    """(claim, whether it holds, what was seen)"""
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:8 + length])
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    data = whole[8 + length:]
    metadata = header.get("__metadata__", {})
    yield "every metadata value is a text", all(isinstance(value, str) for value in metadata.values()), metadata
    spans = sorted(entry["data_offsets"] for entry in tensors.values())
    yield "the tensors cover the data without gap or overlap", [0, *[end for _, end in spans]] == [*[start for start, _ in spans], len(data)], spans
    for name, entry in tensors.items():
        size = SIZES.get(entry["dtype"], 0)
        for axis in entry["shape"]:
            size *= axis
        yield f"{name}: offsets fit the shape", entry["data_offsets"][1] - entry["data_offsets"][0] == size, entry
    yield "the version is the BLAKE2b hash of the file", path.stem == "m" + hashlib.blake2b(whole, digest_size=32).hexdigest()[:16] or \
        path.stem == "m" + hashlib.blake2b(whole, digest_size=8).hexdigest(), path.stem
    yield "the checksum is BLAKE2b-256 over everything behind the header", metadata.get("checksum") == hashlib.blake2b(data, digest_size=32).hexdigest(), metadata.get("checksum")
    yield "nothing in the metadata is a time of today", not re.search(r"20[2-9]\d-\d\d-\d\dT", json.dumps(metadata)) or "data" in json.dumps(metadata), metadata
    done = subprocess.run([str(venv.resolve() / "bin/python"), "-c", READER, str(path)], capture_output=True, text=True)
    yield "the package safetensors reads it", done.returncode == 0, done.stderr[-500:]
    if done.returncode == 0:
        seen = json.loads(done.stdout)
        yield "the package sees the same metadata", seen["metadata"] == metadata, seen["metadata"]
        yield "the package sees the same tensors", seen["shapes"] == {name: entry["shape"] for name, entry in tensors.items()}, seen["shapes"]
        yield "all numbers are finite", seen["finite"], seen["kinds"]
        yield "the vocabulary holds the items that were imported, each once", sorted(seen["ids"]) == sorted(item_ids), f"{len(seen['ids'])} ids, {len(item_ids)} items"


def numpy_agrees(venv, model, *arguments):
    """The network computed again in numpy, from the file alone (check_safetensors.py)."""
    done = subprocess.run([str(venv.resolve() / "bin/python"), str(HERE / "check_safetensors.py"), str(model), *map(str, arguments)], capture_output=True, text=True)
    return done.returncode == 0, (done.stdout + done.stderr)[-500:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--venv", required=True, type=pathlib.Path)
    args = parser.parse_args()
    passed = failed = 0
    with service.scratch() as folder:
        events = list(service.sample_lines("events.ndjson.zst", 30))
        (folder / "events.ndjson").write_text("".join(events))
        service.run_ok(args.binary, "import", "--data", folder / "data", folder / "events.ndjson")
        service.run_ok(args.binary, "retrain", "--data", folder / "data", "--budget", 0, "--no-refit", "--epochs", 1)
        files = list((folder / "data/models").glob("*.safetensors"))
        assert len(files) == 1, files
        for claim, holds, seen in claims(files[0], args.venv, {json.loads(line)["item_id"] for line in events}):
            passed, failed = passed + bool(holds), failed + (not holds)
            if not holds:
                print(f"FAIL  {claim}: {str(seen)[:600]}")
        for model in [files[0], *sorted((HERE / "data").glob("*.safetensors"))]:
            scores = model.with_suffix(".json")
            holds, seen = numpy_agrees(args.venv, model, *(["--scores", scores] if scores.exists() else []))
            passed, failed = passed + holds, failed + (not holds)
            if not holds:
                print(f"FAIL  numpy does not agree about {model.name}: {seen}")
    print(f"SUITE {passed} passed, {failed} failed: facts of a fresh model file, read by the package safetensors")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except service.Trouble as trouble:
        sys.exit(f"check_model.py: {trouble}")
