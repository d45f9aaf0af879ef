"""What the rivals of `tests/bench/run pictures` share: IDX files as arrays, options, and the commands on standard input. Needs numpy alone.

Commands, one a line, each answered by one line of JSON:

  trial N FORMS…   seconds a step of these forms ("_" for a space), the median over N steps, from the start; compilation is not counted
  form NAME        the form of the epochs, from the start again
  epoch            train the next epoch: seconds, mean loss
  judge            accuracy on the test pictures
"""

import argparse
import gzip
import json
import struct
import sys
import time

import numpy

ADAM_EPSILON = 1e-7  # Keras' default, and inkling's


def read_idx(path):
    with open(path, "rb") as source:
        data = source.read()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    n_sizes = data[3]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * n_sizes).reshape(struct.unpack(f">{n_sizes}I", data[4 : 4 + 4 * n_sizes]))


def read_pictures(images, labels, most=0):
    """[n, H, W, 1] as networks see them, outside of any clock, and labels."""
    pixels, labels = read_idx(images), read_idx(labels)
    n = min(most or len(pixels), len(pixels))
    return (pixels[:n, :, :, None] / numpy.float32(255)).astype(numpy.float32), labels[:n].astype(numpy.int64)


def read_options(doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind in (("threads", int), ("seed", int), ("batch", int), ("rate", float), ("pictures", int)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("files", nargs=4, metavar="FILE", help="training pictures and labels, test pictures and labels")
    return parser.parse_args()


def median_seconds(step, n):
    times = []
    for number in range(n):
        began = time.perf_counter()
        step(number)
        times.append(time.perf_counter() - began)
    return sorted(times)[n // 2]


def obey(rival, facts, **more):
    """rival: form(name), trial(name, n), epoch() which returns the mean loss, judge(); more: other commands, called with their words."""
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "form":
            rival.form(words[0].replace("_", " "))
            answer = {"form": words[0]}
        elif command == "trial":
            answer = {"seconds_a_step": {}, "failed": {}}
            for name in (word.replace("_", " ") for word in words[1:]):
                try:
                    answer["seconds_a_step"][name] = rival.trial(name, int(words[0]))
                except Exception as problem:  # a form that does not work here is no rival; which and why is said
                    answer["failed"][name] = f"{type(problem).__name__}: {problem}".splitlines()[0][:200]
        elif command == "epoch":
            began = time.perf_counter()
            loss = rival.epoch()
            answer = {"seconds": round(time.perf_counter() - began, 4), "loss": round(float(loss), 6)}
        elif command == "judge":
            answer = {"accuracy": round(float(rival.judge()), 4)}
        else:
            answer = more[command](*words)
        print(json.dumps(answer), flush=True)
