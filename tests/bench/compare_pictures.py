"""tests/bench/run pictures: training and answering of the seed preset's picture network beside Keras, PyTorch and ONNX Runtime.

The network: conv 32 3x3 relu, max pool 2x2, conv 64 3x3 relu, max pool 2x2, flatten, dense 64 relu, dense 10 softmax; Adam 1e-3, sparse
cross-entropy, batches of 32; on Fashion-MNIST, nothing held out. Each starts from its own random numbers of the same distribution (Glorot
uniform, biases 0) and shuffles for itself; they take turns, an epoch at a time, on the same number of threads. First trials of a few steps
choose the fastest form of Keras (plain, jit) and of PyTorch (eager, compiled, channels last). The rivals' clocks leave out normalising the
pictures and compiling; inkling's epoch is all it does. Then PyTorch exports its network, and inkling and ONNX Runtime name one picture and 256
of them on one thread, in turn: from floats to logits, within the process.
"""

import contextlib
import os
import pathlib

from compare_training import TORCH, Partner
from measuring import HERE, Build, load, machine, make_venv, service, spread

ONNX = "onnx==1.23.2", "onnxscript==0.7.2", "onnxruntime==1.31.1"
KERAS = "tensorflow-cpu==2.21.0", "keras==3.15.1", "numpy==2.4.6"
PACKAGE, FILES = "dataset-fashion-mnist", pathlib.Path("/usr/share/datasets/fashion-mnist")
NAMES = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
FORMS = {"Keras": ("plain", "jit"), "PyTorch": ("eager", "channels-last", "eager compiled", "channels-last compiled")}
BATCHES = 1, 256  # pictures that are named at a time


def start_rival(name, python, script, files, inkling, args):
    """With inkling's batch and rate; chooses the fastest form and says so."""
    values = {name: inkling.facts[name] for name in ("batch", "rate")} | {name: getattr(args, name) for name in ("threads", "seed", "pictures")}
    words = [word for option in values for word in (f"--{option}", values[option])]
    # as PyTorch's tuning guide advises: freed memory stays with the process, threads as many as asked for
    more = {"OMP_NUM_THREADS": str(args.threads), "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
    rival = Partner([python, HERE / script, *words, *files], **more)
    trial = rival.ask("trial", args.trial_steps, *(form.replace(" ", "_") for form in FORMS[name]))
    seconds = trial["seconds_a_step"]
    if not seconds:
        raise service.Trouble(f"no form of the network works in {name}: {trial['failed']}")
    print(
        f"{name}'s forms, ms a step: {', '.join(f'{form} {1e3 * each:.2f}' for form, each in seconds.items())}"
        + "".join(f"; {form} failed: {why}" for form, why in trial["failed"].items())
        + "\n",
        flush=True,
    )
    best = min(seconds, key=seconds.get)
    rival.ask("form", best.replace(" ", "_"))
    rival.name = f"{name} {rival.facts['version']}, {best}"
    return rival


def take_turns(partners, epochs):
    """Every partner's epochs, in seconds; who begins changes."""
    runs = [[] for _ in partners]
    print(f"| epoch | {' | '.join(f'{partner.name} s' for partner in partners)} |\n|{'---|' * (1 + len(partners))}")
    for epoch in range(epochs):
        for number in sorted(range(len(partners)), key=lambda number: (number + epoch) % len(partners)):
            runs[number].append(partners[number].ask("epoch")["seconds"])
        print(f"| {epoch + 1} | {' | '.join(f'{run[-1]:.2f}' for run in runs)} |", flush=True)
    return runs


def report_training(partners, runs):
    print("\n| | s/epoch | inkling's share of it, epoch by epoch | test accuracy |\n|---|---|---|---|")
    for partner, run in zip(partners, runs):
        share = spread([ours / theirs for ours, theirs in zip(runs[0], run)], "{:.3f}") if partner is not partners[0] else ""
        print(f"| {partner.name} | {spread(run, '{:.2f}')} | {share} | {partner.ask('judge')['accuracy']:.4f} |", flush=True)


def compare_answers(inkling, torch, python, files, folder, args):
    torch.ask("export", folder / "network.onnx")
    with Partner([python, HERE / "onnx_pictures.py", folder / "network.onnx", *files[2:]], OMP_NUM_THREADS="1") as onnx:
        accuracy, of_torch = onnx.ask("judge")["accuracy"], torch.ask("judge")["accuracy"]
        if abs(accuracy - of_torch) > 0.001:
            raise service.Trouble(f"the exported network is another: its accuracy is {accuracy}, PyTorch's {of_torch}")
        print(f"\n| pictures at a time, one thread | inkling us | ONNX Runtime {onnx.facts['version']} us | inkling's share of it |\n|---|---|---|---|")
        for n in BATCHES:
            rounds = [[partner.ask("latency", n, args.seconds)["microseconds"] for partner in (inkling, onnx)] for _ in range(args.rounds)]
            columns = [spread(column, "{:,.1f}") for column in zip(*rounds)]
            print(f"| {n} | {' | '.join(columns)} | {spread([ours / theirs for ours, theirs in rounds], '{:.3f}')} |", flush=True)
        print(f"\nA call of ONNX Runtime from Python costs {onnx.facts['call_microseconds']:.1f} us by itself, which is in its figures.")


def pictures(args):
    files = [args.data / name for name in NAMES]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        print(f"SKIP: {missing[0]} is not there; it comes in the Debian package {PACKAGE} (deploy/install --bench), or name a folder with --data")
        return False
    torch_python, keras_python = make_venv("torch-venv", *TORCH, *ONNX), make_venv("keras-venv", *KERAS)
    print(f"Pictures beside Keras, PyTorch and ONNX Runtime ({machine()}; load at the start {load():g})\n", flush=True)
    with service.scratch() as folder, contextlib.ExitStack() as running:
        options = [word for name in ("epochs", "threads", "seed", "pictures") for word in (f"--{name}", getattr(args, name))]
        inkling = running.enter_context(Partner([Build.program("tests/bench/picture_turns"), *options, *files]))
        inkling.name = f"inkling, {inkling.facts['kernels']}"
        partners = [
            inkling,
            running.enter_context(start_rival("Keras", keras_python, "keras_pictures.py", files, inkling, args)),
            running.enter_context(start_rival("PyTorch", torch_python, "torch_pictures.py", files, inkling, args)),
        ]
        runs = take_turns(partners, args.epochs)
        facts = inkling.facts
        print(f"\n{facts['pictures']} pictures of Fashion-MNIST, batches of {facts['batch']}, rate {facts['rate']:g}, {facts['threads']} threads, {args.epochs} epochs in turn")
        report_training(partners, runs)
        compare_answers(inkling, partners[2], torch_python, files, folder, args)
        print("\nFigures are medians, in brackets the least and the most.")
    return False


def add_options(parser):
    parser.add_argument("--data", type=pathlib.Path, default=FILES, metavar="DIR", help=f"where the IDX files are (default: {FILES})")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=0, help="train on the first so many pictures only (default: all)")
    parser.add_argument("--trial-steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7, help="of naming pictures, in turn")
    parser.add_argument("--seconds", type=float, default=0.5, help="of naming pictures, each in a round")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=1)


PROGRAMS = ("tests/bench/picture_turns",)
