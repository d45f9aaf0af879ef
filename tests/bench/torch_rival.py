"""The behaviour encoder in PyTorch: the rival of tests/bench/train. Runs in the environment that compare_training.py makes.

The same network, start values, batches, loss and optimizer as inkling's, written in the ways that PyTorch is fast in; `trial` says which of
them is the fastest here, and `form` takes it. Where a choice had to be made it was made in PyTorch's favour: reading and padding a batch are
outside its clock, Adam is the fused one, and freed memory is kept by the allocator (compare_training.py sets that).

  padded   [users, longest] with the valid positions gathered before the softmax: the idiom
  packed   only valid rows everywhere; the convolution is conv1d over one long line in which K - 1 zeros stand between users
  sliced   the same, but the convolution is K slices of that line, multiplied and added: conv1d's backward is slow on a CPU

Each also behind torch.compile ("padded compiled", …). Commands on standard input, one a line, each answered by one line of JSON:

  form NAME        the form of the next epochs; "bf16 NAME" runs it under CPU autocast to bfloat16
  trial E N NAMES… seconds a step of these forms ("_" for a space), the median over the first N batches of epoch E, from the weights as
                   they are, which are put back; compilation is not counted
  epoch E          train on DIRECTORY/batches-E.bin; loss as training saw it, seconds without reading the file
  save PATH        the weights, laid out as start.f32
"""
import argparse
import json
import math
import pathlib
import sys
import time

import numpy
import torch
import torch.nn.functional as F

FORMS = ("padded", "packed", "sliced")


class Norm(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale, self.shift = torch.nn.Parameter(torch.ones(width)), torch.nn.Parameter(torch.zeros(width))

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.scale, self.shift, 1e-5)


class Affine(torch.nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(torch.zeros(*shape)), torch.nn.Parameter(torch.zeros(shape[1]))


class Block(torch.nn.Module):
    def __init__(self, width, taps):
        super().__init__()
        self.conv = Affine(taps, width)
        self.conv.norm = Norm(width)
        self.feed = torch.nn.Module()
        self.feed.up, self.feed.down, self.feed.norm = Affine(width, 4 * width), Affine(4 * width, width), Norm(width)

    def convolve(self, x, batch, form):
        """y[t] = sum over k of w[k] x[t - k], nothing before the user's first row."""
        taps, width = self.conv.weight.shape
        kernel = self.conv.weight.flip(0)  # conv1d correlates: the newest tap is the last
        if form == "padded":
            return F.conv1d(F.pad(x.transpose(1, 2), (taps - 1, 0)), kernel.t().unsqueeze(1), self.conv.bias, groups=width).transpose(1, 2)
        line = x.new_zeros(batch["line_length"], width).index_copy(0, batch["line_places"], x)
        if form == "packed":
            return F.conv1d(line.t().unsqueeze(0), kernel.t().unsqueeze(1), self.conv.bias, groups=width)[0].t()[batch["line_outputs"]]
        n_outputs, sums = batch["line_length"] - taps + 1, self.conv.bias
        for tap in range(taps):
            sums = torch.addcmul(sums, line[tap : tap + n_outputs], kernel[tap])
        return sums[batch["line_outputs"]]

    def forward(self, x, batch, form, dropout):
        x = self.conv.norm(x + F.dropout(self.convolve(x, batch, form), dropout))
        up = F.gelu(F.linear(x, self.feed.up.weight.t(), self.feed.up.bias), approximate="tanh")
        return self.feed.norm(x + F.dropout(F.linear(up, self.feed.down.weight.t(), self.feed.down.bias), dropout))


class Network(torch.nn.Module):
    def __init__(self, args, n_items, n_types):
        super().__init__()
        self.item, self.kind, self.input, self.block = torch.nn.Module(), torch.nn.Module(), torch.nn.Module(), torch.nn.ModuleList()
        self.item.embedding, self.item.bias = torch.nn.Parameter(torch.zeros(n_items, args.width)), torch.nn.Parameter(torch.zeros(n_items))
        self.kind.embedding = torch.nn.Parameter(torch.zeros(n_types, args.width))
        self.input.norm = Norm(args.width)
        self.block.extend(Block(args.width, args.taps) for _ in range(args.blocks))
        self.dropout, self.temperature = args.dropout, args.temperature

    def forward(self, batch, form):
        """The loss of a batch: mean cross-entropy over the whole catalogue at every position that has a target."""
        x = F.embedding(batch["items"], self.item.embedding) + F.embedding(batch["types"], self.kind.embedding)
        x = F.dropout(self.input.norm(x), self.dropout)
        for block in self.block:
            x = block(x, batch, form, self.dropout)
        states, items = x.flatten(0, -2)[batch["targets_at"]], self.item.embedding
        if self.temperature > 0:
            states = states / (self.temperature * torch.sqrt((states * states).sum(-1, keepdim=True) + 1e-12))
            items = items / torch.sqrt((items * items).sum(-1, keepdim=True) + 1e-12)
        logits = F.linear(states, items, self.item.bias)
        if batch["weights"] is None:
            return F.cross_entropy(logits, batch["targets"])
        return F.cross_entropy(logits, batch["targets"], reduction="none") @ batch["weights"]


def read_batches(path, taps):
    """Both layouts of every batch, as tensors: what a data loader would have ready."""
    words, at = numpy.fromfile(path, dtype=numpy.uint32), 1

    def take(n):
        nonlocal at
        at += n
        return words[at - n : at]

    batches = []
    for _ in range(words[0]):
        n_rows, n_sequences, n_targets = map(int, take(3))
        starts, items, types, rows, targets = (take(n).astype(numpy.int64) for n in (n_sequences + 1, n_rows, n_rows, n_targets, n_targets))
        weights = take(n_targets).view(numpy.float32).copy()
        lengths = numpy.diff(starts)
        step = numpy.arange(n_rows) - numpy.repeat(starts[:-1], lengths)
        sequence = numpy.repeat(numpy.arange(n_sequences), lengths)
        batches.append(
            {
                "n_targets": n_targets,
                **{form: layout(form, n_sequences, lengths, items, types, rows, targets, step, sequence, taps) for form in FORMS},
            }
        )
        for form in FORMS:
            batches[-1][form]["weights"] = None if numpy.ptp(weights) < 1e-9 else torch.from_numpy(weights)
    return batches


def layout(form, n_sequences, lengths, items, types, rows, targets, step, sequence, taps):
    if form == "padded":
        longest = int(lengths.max())
        padded = numpy.zeros((2, n_sequences, longest), dtype=numpy.int64)
        padded[0, sequence, step], padded[1, sequence, step] = items, types
        arrays = {"items": padded[0], "types": padded[1], "targets_at": (sequence * longest + step)[rows], "targets": targets}
    else:
        arrays = {"items": items, "types": types, "targets_at": rows, "targets": targets}
    if form != "padded":  # taps - 1 zeros before every sequence; output t of conv1d looks at t … t + taps - 1
        arrays["line_outputs"] = numpy.arange(len(items)) + sequence * (taps - 1)
        arrays["line_places"] = arrays["line_outputs"] + taps - 1
    tensors = {name: torch.from_numpy(numpy.ascontiguousarray(array)) for name, array in arrays.items()}
    if form != "padded":
        tensors["line_length"] = int(arrays["line_places"][-1]) + 1
    return tensors


class Trainer:
    def __init__(self, args):
        self.directory, self.args = pathlib.Path(args.directory), args
        self.table = json.loads((self.directory / "tensors.json").read_text())
        shapes = {tensor["name"]: tensor for tensor in self.table["tensors"]}
        self.network = Network(args, shapes["item.embedding"]["rows"], shapes["type.embedding"]["rows"])
        self.parameters = {
            name.replace("kind.", "type."): tensor for name, tensor in self.network.named_parameters()
        }  # a Module has a method "type"
        if set(self.parameters) != set(shapes):
            sys.exit(f"torch_rival: the tensors are not inkling's: {sorted(set(self.parameters) ^ set(shapes))}")
        self.put(numpy.fromfile(self.directory / "start.f32", dtype=numpy.float32))
        self.optimizer = self.new_optimizer()
        self.form, self.is_bf16, self.compiled, self.cached = "padded", False, None, (0, None)

    def new_optimizer(self):
        return torch.optim.Adam(self.network.parameters(), lr=self.args.rate, betas=(0.9, 0.999), eps=1e-8, fused=True)

    def put(self, floats):
        with torch.no_grad():
            for tensor in self.table["tensors"]:
                parameter = self.parameters[tensor["name"]]
                parameter.copy_(torch.from_numpy(floats[tensor["first"] : tensor["first"] + parameter.numel()].copy()).view_as(parameter))

    def get(self):
        floats = numpy.zeros(self.table["n_floats"], dtype=numpy.float32)
        for tensor in self.table["tensors"]:
            values = self.parameters[tensor["name"]].detach().numpy().ravel()
            floats[tensor["first"] : tensor["first"] + values.size] = values
        return floats

    def batches(self, epoch):
        if self.cached[0] != epoch:
            self.cached = (epoch, read_batches(self.directory / f"batches-{epoch}.bin", self.args.taps))
        return self.cached[1]

    def take_form(self, name):
        self.is_bf16 = name.startswith("bf16 ")
        name = name.removeprefix("bf16 ")
        self.form, _, how = name.partition(" ")
        if self.form not in FORMS or how not in ("", "compiled"):
            sys.exit(f"torch_rival: no such form: {name}")
        torch._dynamo.reset()
        self.compiled = torch.compile(self.network, dynamic=True) if how else None

    def step(self, batch):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.is_bf16):
            loss = (self.network if self.compiled is None else self.compiled)(batch[self.form], self.form)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def epoch(self, number):
        batches = self.batches(number)
        began, loss = time.perf_counter(), 0.0
        for batch in batches:
            loss += self.step(batch) * batch["n_targets"]
        seconds = time.perf_counter() - began
        return {"epoch": number, "loss": round(loss / sum(batch["n_targets"] for batch in batches), 6), "seconds": round(seconds, 4)}

    def trial(self, number, n_batches, names):
        batches, start, seconds, failures = self.batches(number)[:n_batches], self.get(), {}, {}
        for name in names:
            try:
                self.take_form(name)
                for batch in batches[:3]:  # first of all compile, also for a second size
                    self.step(batch)
                times = []
                for batch in batches:
                    began = time.perf_counter()
                    self.step(batch)
                    times.append(time.perf_counter() - began)
                seconds[name] = round(sorted(times)[len(times) // 2], 4)
            except Exception as problem:  # a form that does not work here is no rival; which and why is said
                failures[name] = f"{type(problem).__name__}: {problem}".splitlines()[0][:200]
            self.put(start)
            self.optimizer = self.new_optimizer()
        return {"seconds_a_step": seconds, "failed": failures}

    def obey(self, line):
        command, _, rest = line.strip().partition(" ")
        if command == "form":
            self.take_form(rest)
            return {"form": rest}
        if command == "trial":
            number, n_batches, *names = rest.split()
            return self.trial(int(number), int(n_batches), [name.replace("_", " ") for name in names])
        if command == "epoch":
            return self.epoch(int(rest))
        if command == "save":
            self.get().tofile(rest)
            return {"saved": rest}
        sys.exit(f"torch_rival: no such command: {command}")


def sgemm():
    """GFLOP/s of a product of 1 024³, the best of ten: what PyTorch's library reaches here."""
    a, b, best = torch.randn(1024, 1024), torch.randn(1024, 1024), math.inf
    for _ in range(10):
        began = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - began)
    return 2 * 1024**3 / best / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    for name, kind, default in (
        ("width", int, 64),
        ("taps", int, 16),
        ("blocks", int, 2),
        ("threads", int, 2),
        ("rate", float, 1e-3),
        ("dropout", float, 0.5),
        ("temperature", float, 0),
        ("seed", int, 1),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    trainer = Trainer(args)
    print(
        json.dumps(
            {
                "torch": torch.__version__,
                "threads": torch.get_num_threads(),
                "capability": torch.backends.cpu.get_cpu_capability(),
                "sgemm_gflops": round(sgemm(), 1),
            }
        ),
        flush=True,
    )
    for line in sys.stdin:
        print(json.dumps(trainer.obey(line)), flush=True)


if __name__ == "__main__":
    main()
