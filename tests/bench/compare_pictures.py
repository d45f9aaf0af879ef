"""tests/bench/run pictures: training and answering of the seed preset's picture network beside Keras, PyTorch and ONNX Runtime.

The network: conv 32 3x3 relu, max pool 2x2, conv 64 3x3 relu, max pool 2x2, flatten, dense 64 relu, dense 10 softmax; Adam 1e-3, epsilon
1e-7, sparse cross-entropy, batches of 32, the last one of an epoch as small as it comes; on Fashion-MNIST, nothing held out. Each starts from
its own random numbers of the same distribution (Glorot uniform, biases 0) and shuffles for itself; they take turns, an epoch at a time, on the
same number of threads. First trials of a few steps choose the fastest form of Keras (plain, jit) and of PyTorch (eager, compiled, channels
last). The rivals' clocks leave out normalising the pictures and compiling; inkling's epoch has the normalising in it. At the end PyTorch
exports its network, and inkling and ONNX Runtime name one picture and 256 of them on one thread, in turn: from floats to logits, within the
process.

At a constant rate one epoch's accuracy differs from the next one's by up to .01, so a training counts with the mean test accuracy of its
last five epochs, and accuracies are compared as means over seeds, beside the standard error of their difference. Ends with 1 when what
issue 5 asks is missed; accuracies of fewer than ten epochs are shown but not judged.
"""

import contextlib
import os
import pathlib
import statistics

from compare_training import TORCH, Partner
from measuring import HERE, Build, load, machine, make_venv, numbers, service, spread

ONNX = "onnx==1.23.2", "onnxscript==0.7.2", "onnxruntime==1.31.1"
KERAS = "tensorflow-cpu==2.21.0", "keras==3.15.1", "numpy==2.4.6"
PACKAGE, FILES = "dataset-fashion-mnist", pathlib.Path("/usr/share/datasets/fashion-mnist")
NAMES = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
SCRIPTS = {"Keras": "keras_pictures.py", "PyTorch": "torch_pictures.py"}
FORMS = {"Keras": ("plain", "jit"), "PyTorch": ("eager", "channels-last", "eager compiled", "channels-last compiled")}

# what issue 5 asks for
TIMES = {"Keras": 0.70, "PyTorch": 1.0}  # an epoch, as a share of theirs
APART = 0.003  # accuracies at most
ANSWERS = {1: 1.0, 256: 1.2}  # so many pictures named at a time, as a share of ONNX Runtime's time

LAST, EPOCHS_JUDGED = 5, 10  # epochs whose accuracy counts; fewer in all are no comparison


def start_rival(name, python, files, inkling, seed, args):
    """With inkling's batch and rate."""
    values = {name: inkling.facts[name] for name in ("batch", "rate")} | {"threads": args.threads, "seed": seed, "pictures": args.pictures}
    words = [word for option in values for word in (f"--{option}", values[option])]
    # as PyTorch's tuning guide advises: freed memory stays with the process, threads as many as asked for
    more = {"OMP_NUM_THREADS": str(args.threads), "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
    return Partner([python, HERE / SCRIPTS[name], *words, *files], **more)


def choose_form(name, rival, args):
    """The fastest in a trial; says so."""
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
    return min(seconds, key=seconds.get)


def start_partners(running, pythons, files, forms, seed, args):
    """inkling and the rivals by name; forms is filled in when it is empty."""
    options = {"epochs": args.epochs, "threads": args.threads, "seed": seed, "pictures": args.pictures}
    words = [word for name in options for word in (f"--{name}", options[name])]
    partners = {"inkling": running.enter_context(Partner([Build.program("tests/bench/picture_turns"), *words, *files]))}
    partners["inkling"].name = f"inkling, {partners['inkling'].facts['kernels']}"
    for name in FORMS:
        rival = running.enter_context(start_rival(name, pythons[name], files, partners["inkling"], seed, args))
        forms[name] = forms.get(name) or choose_form(name, rival, args)
        rival.ask("form", forms[name].replace(" ", "_"))
        rival.name = f"{name} {rival.facts['version']}, {forms[name]}"
        partners[name] = rival
    return partners


def take_turns(partners, seed, epochs):
    """Every partner's epochs: name → {"seconds", "accuracy", "loss"}, lists. Who begins changes."""
    names = list(partners)
    curves = {name: {"seconds": [], "accuracy": [], "loss": []} for name in names}
    print(f"Seed {seed}:\n\n| epoch | {' | '.join(f'{partners[name].name} s' for name in names)} |\n|{'---|' * (1 + len(names))}")
    for epoch in range(epochs):
        for number in sorted(range(len(names)), key=lambda number: (number + epoch) % len(names)):
            answer = partners[names[number]].ask("epoch")
            curves[names[number]]["seconds"].append(answer["seconds"])
            if names[number] != "inkling":
                curves[names[number]]["loss"].append(answer["loss"])
                curves[names[number]]["accuracy"].append(partners[names[number]].ask("judge")["accuracy"])
        print(" | ".join([f"| {epoch + 1}", *(f"{curves[name]['seconds'][-1]:.2f}" for name in names)]) + " |", flush=True)
    curves["inkling"] |= partners["inkling"].ask("curve")
    print("\nTest accuracy, epoch by epoch:\n")
    for name in names:
        print(f"- {partners[name].name}:", *(f"{accuracy:.4f}" for accuracy in curves[name]["accuracy"]), flush=True)
    print()
    return curves


def verdict(is_met, asked):
    return f"{'met' if is_met else 'MISSED'} (at most {asked:g})"


def accuracy_of(curve):
    return statistics.mean(curve["accuracy"][-LAST:])


def deviation(values):
    return statistics.stdev(values) if len(values) > 1 else 0.0


def judge_accuracy(ours, theirs, epochs):
    """Of trainings: what is said, and was the bound missed?"""
    apart = statistics.mean(ours) - statistics.mean(theirs)
    error = (deviation(ours) ** 2 / len(ours) + deviation(theirs) ** 2 / len(theirs)) ** 0.5
    said = f"{apart:+.4f}" + (f" ± {error:.4f}" if error else "")
    if epochs < EPOCHS_JUDGED:
        return f"{said}: too few epochs to tell", False
    is_met = round(abs(apart), 6) <= APART
    return f"{said}, {verdict(is_met, APART)}", not is_met


def report_training(partners, runs, args):
    """runs: curves of each seed. Was a bound missed?"""
    print(
        f"| | s/epoch | inkling's share of it, epoch by epoch | test accuracy of epochs {max(1, args.epochs - LAST + 1)} to {args.epochs} "
        "(least and most of a seed) | inkling's less it | loss of the last epoch |\n|---|---|---|---|---|---|"
    )
    is_missed, accuracies = False, {name: [accuracy_of(run[name]) for run in runs] for name in partners}
    for name, partner in partners.items():
        share_said = apart_said = ""
        if name != "inkling":
            shares = [ours / theirs for run in runs for ours, theirs in zip(run["inkling"]["seconds"], run[name]["seconds"])]
            is_slow = statistics.median(shares) > TIMES[name]
            share_said = f"{spread(shares, '{:.3f}')}, {verdict(not is_slow, TIMES[name])}"
            apart_said, is_apart = judge_accuracy(accuracies["inkling"], accuracies[name], args.epochs)
            is_missed |= is_slow or is_apart
        ours = accuracies[name]
        seconds, loss = [each for run in runs for each in run[name]["seconds"]], statistics.mean(run[name]["loss"][-1] for run in runs)
        print(
            f"| {partner.name} | {spread(seconds, '{:.2f}')} | {share_said} | {statistics.mean(ours):.4f} ({min(ours):.4f}–{max(ours):.4f}) "
            f"| {apart_said} | {loss:.4f} |"
        )
    return is_missed


def compare_answers(inkling, torch, python, files, folder, args):
    """Was a bound missed?"""
    is_missed = False
    torch.ask("export", folder / "network.onnx")
    with Partner([python, HERE / "onnx_pictures.py", folder / "network.onnx", *files[2:]], OMP_NUM_THREADS="1") as onnx:
        accuracy, of_torch = onnx.ask("judge")["accuracy"], torch.ask("judge")["accuracy"]
        if abs(accuracy - of_torch) > 0.001:
            raise service.Trouble(f"the exported network is another: its accuracy is {accuracy}, PyTorch's {of_torch}")
        print(f"\n| pictures at a time, one thread | inkling us | ONNX Runtime {onnx.facts['version']} us | inkling's share of it |\n|---|---|---|---|")
        for n, asked in ANSWERS.items():
            rounds = [[partner.ask("latency", n, args.seconds)["microseconds"] for partner in (inkling, onnx)] for _ in range(args.rounds)]
            columns, shares = [spread(column, "{:,.1f}") for column in zip(*rounds)], [ours / theirs for ours, theirs in rounds]
            is_slow = statistics.median(shares) > asked
            is_missed |= is_slow
            print(f"| {n} | {' | '.join(columns)} | {spread(shares, '{:.3f}')}, {verdict(not is_slow, asked)} |", flush=True)
        print(f"\nA call of ONNX Runtime from Python costs {onnx.facts['call_microseconds']:.1f} us by itself, which is in its figures.")
    return is_missed


def pictures(args):
    files = [args.data / name for name in NAMES]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        print(f"SKIP: {missing[0]} is not there; it comes in the Debian package {PACKAGE} (deploy/install --bench), or name a folder with --data")
        return False
    pythons = {"PyTorch": make_venv("torch-venv", *TORCH, *ONNX), "Keras": make_venv("keras-venv", *KERAS)}
    print(f"Pictures beside Keras, PyTorch and ONNX Runtime ({machine()}; load at the start {load():g})\n", flush=True)
    runs, forms, is_missed = [], {}, False
    for seed in args.seeds:
        with service.scratch() as folder, contextlib.ExitStack() as running:
            partners = start_partners(running, pythons, files, forms, seed, args)
            runs.append(take_turns(partners, seed, args.epochs))
            if seed != args.seeds[-1]:
                continue
            facts = partners["inkling"].facts
            print(
                f"{facts['pictures']} pictures of Fashion-MNIST, batches of {facts['batch']}, rate {facts['rate']:g}, {facts['threads']} threads, "
                f"{args.epochs} epochs in turn, seeds {', '.join(map(str, args.seeds))}\n"
            )
            is_missed = report_training(partners, runs, args)
            is_missed |= compare_answers(partners["inkling"], partners["PyTorch"], pythons["PyTorch"], files, folder, args)
            print("\nTimes and shares are medians, accuracies means, in brackets the least and the most; ± is a standard error over seeds.")
    return is_missed


def add_options(parser):
    parser.add_argument("--data", type=pathlib.Path, default=FILES, metavar="DIR", help=f"where the IDX files are (default: {FILES})")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--pictures", type=int, default=0, help="train on the first so many pictures only (default: all)")
    parser.add_argument("--trial-steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7, help="of naming pictures, in turn")
    parser.add_argument("--seconds", type=float, default=0.5, help="of naming pictures, each in a round")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3], metavar="LIST", help="default: 1,2,3")


PROGRAMS = ("tests/bench/picture_turns",)
