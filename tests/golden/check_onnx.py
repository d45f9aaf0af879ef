#!/usr/bin/env python3
"""What `inkling model export --format onnx` writes, run by onnxruntime: the golden Keras model against what Keras said, and a model that is
trained here against what the server says over HTTP.

  check_onnx.py --binary FILE --venv DIR     DIR has the packages of requirements.txt
"""
import argparse
import json
import pathlib
import random
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))
import service  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parent / "data"
TOLERANCE = 1e-5
SIDE, CLASSES, PICTURES = 20, 3, 60

ASKER = """
import json, sys
import numpy, onnx, onnxruntime
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1])
pixels = numpy.array(json.load(sys.stdin), "float32")
value, = session.get_inputs()
answers, = session.run(None, {value.name: pixels.reshape(-1, *value.shape[1:])})
print(json.dumps({"shape": value.shape, "answers": answers.tolist(), "metadata": session.get_modelmeta().custom_metadata_map}))
"""


def ask(venv, path, pixels):
    done = subprocess.run([str(venv.resolve() / "bin/python"), "-c", ASKER, str(path)], input=json.dumps(pixels), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
    return json.loads(done.stdout)


def export(binary, data, version, output):
    service.run_ok(binary, "model", "export", "--data", data, version, "--format", "onnx", "--output", output)
    return output


def version_in(data):
    file, = (data / "models").glob("p*.safetensors")
    return file.stem


def farthest(some, others):
    return max(abs(one - other) for row, others_row in zip(some, others, strict=True) for one, other in zip(row, others_row, strict=True))


def golden_claims(binary, venv, folder):
    golden = json.loads((DATA / "keras.json").read_text())
    names = folder / "names"
    names.write_text("shirt\nboot\nbäg\n")
    service.run_ok(binary, "model", "import", "--data", folder / "keras", "--names", names, DATA / "small.keras")
    said = ask(venv, export(binary, folder / "keras", version_in(folder / "keras"), folder / "small.onnx"), golden["pixels"])
    far = farthest(said["answers"], golden["probabilities"])
    yield "the exported golden model answers as Keras does", far < TOLERANCE, far
    yield "its input is pictures of the model's size, any number", said["shape"] == ["N", *golden["shape"]], said["shape"]
    yield "the metadata has the categories", json.loads(said["metadata"]["categories"]) == ["shirt", "boot", "bäg"], said["metadata"]
    yield "the metadata has the version", said["metadata"]["version"] == version_in(folder / "keras"), said["metadata"]


def png(pixels):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes(pixels[row * SIDE:(row + 1) * SIDE]) for row in range(SIDE))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", SIDE, SIDE, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def trained_claims(binary, venv, folder):
    made = random.Random(3)
    pictures = [[min(255, number % CLASSES * 80 + made.randrange(90)) for _ in range(SIDE * SIDE)] for number in range(PICTURES)]
    (folder / "images").write_bytes(struct.pack(">4I", 0x803, PICTURES, SIDE, SIDE) + bytes(value for picture in pictures for value in picture))
    (folder / "labels").write_bytes(struct.pack(">2I", 0x801, PICTURES) + bytes(number % CLASSES for number in range(PICTURES)))
    service.run_ok(binary, "import", "--data", folder / "own", "--idx", folder / "images", folder / "labels")
    service.run_ok(binary, "retrain", "--data", folder / "own", "--only", "pictures", "--preset", "best", "--epochs", 2)
    said = ask(venv, export(binary, folder / "own", version_in(folder / "own"), folder / "own.onnx"), pictures[:6])
    names = json.loads(said["metadata"]["categories"])
    with service.Service(binary, folder / "own") as server:
        wanted = []
        for picture in pictures[:6]:
            answer = server.ask("POST", "/v1/images/classify", png(picture), Content_Type="image/png").json()
            by_name = {one["category"]: one["probability"] for one in answer["categories"]}
            wanted.append([by_name[name] for name in names])
    far = farthest(said["answers"], wanted)
    yield "the export of a model that was trained here answers as the server does", said["shape"] == ["N", SIDE, SIDE, 1] and far < TOLERANCE, (said["shape"], far)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--venv", required=True, type=pathlib.Path)
    args = parser.parse_args()
    passed = failed = 0
    with service.scratch() as folder:
        for part in (golden_claims, trained_claims):
            try:
                for claim, holds, seen in part(args.binary, args.venv, folder):
                    passed, failed = passed + bool(holds), failed + (not holds)
                    print(f"{'ok   ' if holds else 'FAIL '} {claim}" + ("" if holds else f": {str(seen)[:600]}"))
            except Exception as problem:
                failed += 1
                print(f"FAIL  {part.__name__}: {type(problem).__name__}: {problem}")
    print(f"SUITE {passed} passed, {failed} failed: claims about exported ONNX models, run by onnxruntime")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
