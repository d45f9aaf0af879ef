#!/usr/bin/env python3
"""A model file as another program understands it: read by the package safetensors, the network computed again in numpy.

  check_safetensors.py MODEL                     read MODEL, check its metadata, vocabulary and numbers, run the network on a few histories
  check_safetensors.py MODEL --scores FILE       … and compare with the recorded scores of FILE, to 1e-4
  check_safetensors.py MODEL --write FILE        … and record them: FILE is what numpy says, tests/unit/kernels/test_golden.c holds the engine to it

To be run in a virtual environment that has safetensors and numpy (tests/contract/requirements.txt).
"""
import argparse
import hashlib
import json
import pathlib
import struct
import sys

import numpy
from safetensors import safe_open


class Wrong(Exception):
    pass


def require(holds, words):
    if not holds:
        raise Wrong(words)


def norm(x, scale, shift):
    deviation = numpy.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return (x - x.mean(axis=-1, keepdims=True)) / deviation * scale + shift


def gelu(x):
    return x / 2 * (1 + numpy.tanh(numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * x ** 3)))


def conv(x, weight):
    """Causal and depthwise: y[t, c] = sum over k of weight[k, c] x[t - k, c]."""
    y = numpy.zeros_like(x)
    for k in range(min(len(weight), len(x))):
        y[k:] += weight[k] * x[:len(x) - k]
    return y


def encode(tensors, shape, items, types):
    items, types = items[-shape["history"]:], types[-shape["history"]:]
    x = norm(tensors["item.embedding"][items] + tensors["type.embedding"][types], tensors["input.norm.scale"], tensors["input.norm.shift"])
    for b in range(shape["n_blocks"]):
        t = {name[len(f"block.{b}."):]: one for name, one in tensors.items() if name.startswith(f"block.{b}.")}
        x = norm(x + conv(x, t["conv.weight"]) + t["conv.bias"], t["conv.norm.scale"], t["conv.norm.shift"])
        fed = gelu(x @ t["feed.up.weight"] + t["feed.up.bias"]) @ t["feed.down.weight"] + t["feed.down.bias"]
        x = norm(x + fed, t["feed.norm.scale"], t["feed.norm.shift"])
    return x[-1]


def unit(x):
    return x / numpy.sqrt((x * x).sum(axis=-1, keepdims=True) + 1e-12)


def score(tensors, shape, user):
    items = tensors["item.embedding"]
    if shape["temperature"] > 0:
        items, user = unit(items), unit(user) / shape["temperature"]
    return items @ user + tensors["item.bias"]


def read(path):
    """The tensors in double precision, the vocabulary, the metadata."""
    with safe_open(path, framework="numpy") as model:
        tensors = {name: model.get_tensor(name) for name in model.keys()}
        metadata = model.metadata()
    ends, words = tensors.pop("vocabulary.ends"), bytes(tensors.pop("vocabulary.bytes"))
    ids = [words[start:end].decode() for start, end in zip([0, *ends[:-1].tolist()], ends.tolist())]
    for name, one in tensors.items():
        require(one.dtype == numpy.float32, f"{name} is of type {one.dtype}")
        require(bool(numpy.isfinite(one).all()), f"{name} holds a number that is not finite")
    return {name: one.astype(numpy.float64) for name, one in tensors.items()}, ids, metadata


def check(path, tensors, ids, metadata):
    whole = pathlib.Path(path).read_bytes()
    data = whole[8 + struct.unpack("<Q", whole[:8])[0]:]
    facts = json.loads(metadata["facts"])
    shape = facts["shape"]
    require(metadata["checksum"] == hashlib.blake2b(data, digest_size=32).hexdigest(), "the checksum is not BLAKE2b-256 of what is behind the header")
    texts = [metadata[name] for name in ("facts", "settings", "report") if name in metadata]  # a file of the first days has no report
    protected = b"".join(text.encode() + b"\0" for text in texts)
    require(metadata["facts_checksum"] == hashlib.blake2b(protected, digest_size=32).hexdigest(), "the facts' checksum is wrong")
    require(len(set(ids)) == len(ids) == shape["n_items"], f"{len(ids)} ids, {len(set(ids))} of them different, {shape['n_items']} items")
    require(tensors["item.embedding"].shape == (shape["n_items"], shape["width"]), "the item embedding has another shape than the facts say")
    require(tensors["type.embedding"].shape == (shape["n_types"], shape["width"]), "the type embedding has another shape than the facts say")
    return shape


def histories(shape):
    """The same every time, for a shape: one event, a few, as many as the encoder sees, and more."""
    n_items, n_types, history = shape["n_items"], shape["n_types"], shape["history"]
    for case, n in enumerate([1, 2, 5, history, history + 7]):
        yield [(case * 31 + t * t * 7 + t) % n_items for t in range(n)], [(case + t) % n_types for t in range(n)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--scores")
    parser.add_argument("--write")
    args = parser.parse_args()
    tensors, ids, metadata = read(args.model)
    shape = check(args.model, tensors, ids, metadata)
    cases = [{"items": items, "types": types, "scores": score(tensors, shape, encode(tensors, shape, items, types)).tolist()} for items, types in histories(shape)]
    require(all(numpy.isfinite(case["scores"]).all() for case in cases), "a score is not finite")
    if args.write:
        rounded = [{**case, "scores": [float(f"{one:.7g}") for one in case["scores"]]} for case in cases]
        pathlib.Path(args.write).write_text(json.dumps({"cases": rounded}) + "\n")
    compared = ""
    if args.scores:
        recorded = json.loads(pathlib.Path(args.scores).read_text())["cases"]
        require([(case["items"], case["types"]) for case in recorded] == [(case["items"], case["types"]) for case in cases], "the recorded histories are others")
        furthest = max(float(numpy.abs(numpy.array(a["scores"]) - numpy.array(b["scores"])).max()) for a, b in zip(cases, recorded))
        require(furthest < 1e-4, f"a score is {furthest:g} from the recorded one")
        compared = f", {len(cases)} histories scored as recorded (within {furthest:.1g})"
    print(f"{args.model}: {len(ids)} items, width {shape['width']}, {len(tensors)} tensors, read by safetensors and numpy{compared}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        sys.exit(f"check_safetensors.py: {wrong}")
