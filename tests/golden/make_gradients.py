#!/usr/bin/env python3
"""Gradients as PyTorch has them: a small picture network and Adam by itself, computed in doubles, written for the engine's tests.

  make_gradients.py [FILE]     FILE: tests/golden/data/gradients.json if none is given

Made with Python 3.11.2, PyTorch 2.15.0 (its processor form) and numpy 2.4.6; nothing that the suite runs needs them:
tests/unit/kernels/test_golden_gradients.c reads the file. All numbers are in the engine's layouts (core/layers/layers.h): maps [samples, H, W, C],
a convolution's weights [KH, KW, C, O], a dense layer's [inputs, units].

What differs between the two by convention, and is written here as the engine has it:
  Batch norm takes its figures over each part of a batch by itself (core/layers/layer_pass.h); "whole" is a batch of one part. Its running variance
  is of the variance divided by N, as Keras has it; torch.nn.BatchNorm2d would divide by N - 1.
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
        self.layers = [product(4, 2, 3, 3, size=0.4), {"weights": 1 + random(generator, 4, size=0.3), "bias": random(generator, 4, size=0.3)}, {}, {},
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
    lessons = {"pictures": picture_lesson(), "adam": adam_lesson()}
    # a line an entry, so that a change can be seen
    body = ",\n".join(f' "{name}": {{\n' + ",\n".join(f'  "{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in lesson.items()) + "\n }"
                      for name, lesson in lessons.items())
    path.write_text("{\n" + body + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
