#!/usr/bin/env python3
"""Writes data/small.keras, data/small.h5 and data/keras.json: a small network as Keras 3 saves it, and what Keras says to four pictures.

  python -m venv VENV && VENV/bin/pip install keras==3.15.1 jax==0.10.2 h5py==3.16.0 numpy==2.4.6
  VENV/bin/python make_keras.py

The network has what the import must get right: both paddings, kernels of 5 x 5, 3 x 3 and 2 x 3, layers without a bias, batch norms behind a
convolution, behind a ReLU and behind a dense layer, without a scale and without a shift, a map that a pool does not divide, dropout. Weights come
from numpy with a fixed seed and are not trained: the figures must be the same, not good. The pictures are bytes; Keras gets them divided by 255.
The .keras file is packed again with deflate, as zip programs do; Keras itself stores.
"""
import json
import os
import pathlib
import zipfile

os.environ["KERAS_BACKEND"] = "jax"
import keras  # noqa: E402
import numpy  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parent / "data"
SHAPE, PICTURES = (11, 10, 3), 4


def build():
    layers = keras.layers
    return keras.Sequential([
        keras.Input(SHAPE),
        layers.Conv2D(4, 5, padding="same", name="edges"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(6, 3, activation="relu", use_bias=False),
        layers.BatchNormalization(scale=False, epsilon=0.01),
        layers.Dropout(0.3),
        layers.Conv2D(5, (2, 3)),
        layers.Activation("relu"),
        layers.Flatten(),
        layers.Dense(7, use_bias=False),
        layers.Dropout(0.5),
        layers.BatchNormalization(center=False),
        layers.ReLU(),
        layers.Dense(3, activation="softmax"),
    ])


def fill(model, random):
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.name.endswith("variance"):
            values = random.uniform(0.2, 2, shape)
        elif weight.name == "gamma":
            values = random.uniform(0.5, 1.5, shape) * random.choice([-1, 1], shape)
        elif weight.name == "kernel":
            values = random.uniform(-1, 1, shape) * 2 / numpy.sqrt(numpy.prod(shape[:-1]))
        else:
            values = random.uniform(-0.3, 0.3, shape)
        weight.assign(values.astype("float32"))


def deflate(path):
    with zipfile.ZipFile(path) as stored:
        members = [(info, stored.read(info)) for info in stored.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for info, content in members:
            packed.writestr(zipfile.ZipInfo(info.filename, (2000, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def main():
    random = numpy.random.default_rng(7)
    model = build()
    fill(model, random)
    model.save(DATA / "small.keras")
    deflate(DATA / "small.keras")
    model.save(DATA / "small.h5")
    pixels = random.integers(0, 256, (PICTURES, *SHAPE), dtype=numpy.uint8)
    pixels[3] = 0
    answers = model.predict(pixels.astype("float32") / 255, verbose=0)
    print(answers)
    with open(DATA / "keras.json", "w") as file:
        json.dump({"shape": SHAPE, "pixels": pixels.reshape(PICTURES, -1).tolist(), "probabilities": [[float(f"{value:.9g}") for value in row] for row in answers]},
                  file, separators=(",", ":"))
        file.write("\n")


main()
