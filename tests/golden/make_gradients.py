#!/usr/bin/env python3
"""Gradients as PyTorch has them, for the engine's tests: a small picture network, a small text network and Adam by itself, in doubles.

  make_gradients.py [FILE]     FILE: tests/golden/data/gradients.json if none is given

Made with Python 3.11.2, PyTorch 2.15.0 (its processor form) and numpy 2.4.6; nothing that the suite runs needs them:
tests/unit/kernels/test_golden_gradients.c and test_golden_texts.c read the file. All numbers are in the engine's layouts
(core/layers/layers.h, core/text_network.h): maps [samples, H, W, C], a convolution's weights [KH, KW, C, O], a dense layer's
[inputs, units].

What differs between the two by convention, and is written here as the engine has it:
  Batch norm takes its figures over each part of a batch by itself (core/layers/layer_pass.h); "whole" is a batch of one part. Its
  running variance is of the variance divided by N, as Keras has it; torch.nn.BatchNorm2d would divide by N - 1.
  A text without words has the greatest values 0.
  Adam's epsilon is added to sqrt(v / (1 - beta2^t)), as both have it; its size is 1e-7 where layers are trained, 1e-8 in torch.optim.Adam.
"""
import json
import pathlib
import sys

import torch
from torch.nn import functional

SEED = 20240602
PARTS = 8  # LAYER_PARTS
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.9
ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-7}
STEPS = 10
KINK = 1e-5  # no ReLU and no maximum may be as close as that to turning over: rounding would decide


def random(generator, *shape, size=1.0):
    """Uniform in ± size, of four decimals, so that the file is short."""
    return (size * (2 * torch.rand(*shape, dtype=torch.float64, generator=generator) - 1)).mul(1e4).round().div(1e4)


def numbers(tensor):
    return [float(f"{value:.7g}") for value in tensor.detach().reshape(-1).tolist()]


def part_sizes(n):
    return [n * (p + 1) // PARTS - n * p // PARTS for p in range(PARTS)]


def require_no_kink(name, distances):
    if distances.numel() and float(distances.detach().abs().min()) < KINK:
        raise SystemExit(f"{name} is at a kink: take another seed")


def relu(x):
    require_no_kink("a ReLU", x)
    return functional.relu(x)


# --- pictures: conv 4 3x3, batch norm, relu, pool 2x2, conv 3 3x3 same, relu, dense 5, relu, dense 3 ---

class PictureNetwork:
    """The layers in their order; those without weights have none."""

    def __init__(self, generator):
        def product(*shape, size):
            return {"weights": random(generator, *shape, size=size), "bias": random(generator, shape[0], size=0.2)}
        self.layers = [product(4, 2, 3, 3, size=0.4),
                       {"weights": 1 + random(generator, 4, size=0.3), "bias": random(generator, 4, size=0.3)}, {}, {},
                       product(3, 4, 3, 3, size=0.4), {}, product(5, 27, size=0.4), {}, product(3, 5, size=0.8)]
        self.running = {"mean": torch.zeros(4, dtype=torch.float64), "variance": torch.ones(4, dtype=torch.float64)}
        for tensor in self.parameters():
            tensor.requires_grad_()

    def parameters(self):
        return [tensor for layer in self.layers for tensor in layer.values()]

    def norm(self, x, sizes):
        """Each part by itself; the running figures move towards the parts' mean, weighted by their samples."""
        scale, shift = self.layers[1]["weights"], self.layers[1]["bias"]
        parts = [part for part in torch.split(x, sizes) if len(part)]
        normed = [functional.batch_norm(part, None, None, scale, shift, training=True, eps=NORM_EPSILON) for part in parts]
        self.figures = {
            "mean": sum(part.mean(dim=(0, 2, 3)) * len(part) for part in parts).detach() / len(x),
            "variance": sum(part.var(dim=(0, 2, 3), unbiased=False) * len(part) for part in parts).detach() / len(x),
        }
        return torch.cat(normed)

    def forward(self, x, sizes):
        """The maps behind all layers."""
        w, maps = self.layers, []
        maps.append(functional.conv2d(x, w[0]["weights"], w[0]["bias"]))
        maps.append(self.norm(maps[-1], sizes))
        maps.append(relu(maps[-1]))
        best = functional.unfold(maps[-1].reshape(-1, 1, 6, 6), 2, stride=2).topk(2, dim=1).values
        require_no_kink("a maximum", (best[:, 0] - best[:, 1])[best[:, 0] > 0])
        maps.append(functional.max_pool2d(maps[-1], 2))
        maps.append(functional.conv2d(maps[-1], w[4]["weights"], w[4]["bias"], padding=1))
        maps.append(relu(maps[-1]))
        rows = maps[-1].permute(0, 2, 3, 1).flatten(1)  # H, W, C
        maps.append(functional.linear(rows, w[6]["weights"], w[6]["bias"]))
        maps.append(relu(maps[-1]))
        maps.append(functional.linear(maps[-1], w[8]["weights"], w[8]["bias"]))
        return maps

    def written(self, of=lambda tensor: tensor):
        """Weights, or what `of` makes of them, in the engine's layouts."""
        turned = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
        return [{name: numbers(of(tensor).permute(turned[tensor.dim()])) for name, tensor in layer.items()} for layer in self.layers]

    def written_with_running(self):
        written = self.written()
        written[1] |= {name: numbers(tensor) for name, tensor in self.running.items()}
        return written


def map_numbers(tensor):
    return numbers(tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor)


def picture_lesson():
    generator = torch.Generator().manual_seed(SEED)
    n = 11  # parts of one and of two samples
    network = PictureNetwork(generator)
    x = random(generator, n, 2, 8, 8)
    labels = torch.randint(3, (n,), generator=generator)
    lesson = {"samples": map_numbers(x), "labels": labels.tolist(), "start": network.written_with_running()}

    def loss_of(sizes):
        maps = network.forward(x, sizes)
        return maps, functional.cross_entropy(maps[-1], labels)

    for name, sizes in (("whole", [n]), ("parts", part_sizes(n))):
        maps, loss = loss_of(sizes)
        for tensor in network.parameters():
            tensor.grad = None
        loss.backward()
        lesson[name] = {"loss": float(loss.detach()), "gradients": network.written(lambda tensor: tensor.grad)}
        if name == "whole":
            lesson[name]["maps"] = [map_numbers(one) for one in maps]
    optimizer = torch.optim.Adam(network.parameters(), **ADAM)
    lesson["steps"] = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        _, loss = loss_of(part_sizes(n))
        loss.backward()
        optimizer.step()
        for name, tensor in network.running.items():
            tensor.mul_(NORM_MOMENTUM).add_((1 - NORM_MOMENTUM) * network.figures[name])
        lesson["steps"].append({"loss": float(loss.detach()), "weights": network.written_with_running()})
    return lesson


# --- texts: bags of embeddings, conv 6 over three words, relu, the greatest over time, dense 4 ---

BUCKETS, WIDTH, CHANNELS, OUTPUTS = 24, 5, 6, 4
TEXTS = [3, 0, 1, 6, 2, 4, 1]  # words of each


class TextNetwork:
    def __init__(self, generator):
        self.weights = {"conv": random(generator, CHANNELS, WIDTH, 3, size=0.6), "conv_bias": random(generator, CHANNELS, size=0.1),
                        "dense": random(generator, OUTPUTS, CHANNELS, size=0.6), "dense_bias": random(generator, OUTPUTS, size=0.2),
                        "table": random(generator, BUCKETS, WIDTH)}
        for tensor in self.weights.values():
            tensor.requires_grad_()

    def forward(self, buckets, starts):
        """The maps in their order; those over words are packed. starts: of each word's features, without the last end."""
        w = self.weights
        bags = functional.embedding_bag(buckets, w["table"], starts, mode="mean")

        def convolve(text):
            return functional.conv1d(text.T.unsqueeze(0), w["conv"], w["conv_bias"], padding=1).squeeze(0).T
        seen = [convolve(text) if len(text) else text.new_zeros(0, CHANNELS) for text in torch.split(bags, TEXTS)]
        active = [relu(text) for text in seen]
        for text in active:
            if len(text) > 1:
                best = text.topk(2, dim=0).values
                require_no_kink("the greatest", (best[0] - best[1])[best[0] > 0])
        greatest = torch.stack([text.max(dim=0).values if len(text) else text.new_zeros(CHANNELS) for text in active])
        return {"bags": bags, "conv": torch.cat(seen), "relu": torch.cat(active), "greatest": greatest,
                "outputs": functional.linear(greatest, w["dense"], w["dense_bias"])}

    def written(self, of=lambda tensor: tensor):
        turned = {"conv": (2, 1, 0), "dense": (1, 0)}
        return {name: numbers(of(tensor).permute(turned.get(name, tuple(range(tensor.dim()))))) for name, tensor in self.weights.items()}


def text_lesson():
    generator = torch.Generator().manual_seed(SEED + 1)
    network = TextNetwork(generator)
    lengths = torch.randint(6, (sum(TEXTS),), generator=generator)  # a word may have no features
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    buckets = torch.randint(1, BUCKETS, (int(starts[-1]),), generator=generator)
    labels = torch.randint(OUTPUTS, (len(TEXTS),), generator=generator)
    maps = network.forward(buckets, starts[:-1])
    loss = functional.cross_entropy(maps["outputs"], labels)
    loss.backward()
    lesson = {"shape": [BUCKETS, WIDTH, CHANNELS, OUTPUTS], "texts": TEXTS, "starts": starts.tolist(), "buckets": buckets.tolist(),
              "labels": labels.tolist(), "start": network.written(), "maps": {name: numbers(one) for name, one in maps.items()},
              "loss": float(loss.detach()), "gradients": network.written(lambda tensor: tensor.grad), "steps": []}
    optimizer = torch.optim.Adam(network.weights.values(), **ADAM)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = functional.cross_entropy(network.forward(buckets, starts[:-1])["outputs"], labels)
        loss.backward()
        optimizer.step()
        lesson["steps"].append({"loss": float(loss.detach()), "weights": network.written()})
    return lesson


# --- Adam by itself, with gradients from far below epsilon to far above it ---

def adam_lesson():
    generator = torch.Generator().manual_seed(SEED)
    weights = random(generator, 12).requires_grad_()
    sizes = 10 ** torch.arange(-10, 2, dtype=torch.float64)
    optimizer = torch.optim.Adam([weights], **ADAM)
    lesson = {"start": numbers(weights), "gradients": [], "weights": []}
    for _ in range(STEPS):
        weights.grad = random(generator, 12) * sizes
        lesson["gradients"].append(numbers(weights.grad))
        optimizer.step()
        lesson["weights"].append(numbers(weights))
    return lesson


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "data/gradients.json"
    lessons = {"pictures": picture_lesson(), "texts": text_lesson(), "adam": adam_lesson()}

    def written(lesson):  # a line an entry, so that a change can be seen
        return ",\n".join(f'  "{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in lesson.items())
    path.write_text("{\n" + ",\n".join(f' "{name}": {{\n{written(lesson)}\n }}' for name, lesson in lessons.items()) + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
