"""tests/bench/run train: training beside the same model in PyTorch, in turn, an epoch at a time.

Both start from the same values and see the same batches in the same order (train_epochs.c writes them, torch_rival.py reads them); only
the random numbers of dropout differ. First an epoch without dropout in both, whose losses must agree to 0.1 %: it is the same model. Then
trials of a few steps choose PyTorch's fastest form on this machine, and then they take turns. At the end one judge, inkling's, ranks the
held-out events with every set of weights. PyTorch's clock leaves out reading and padding the batches; inkling's epoch is all it does.
Where the processor multiplies bfloat16, PyTorch also takes turns under autocast; when inkling's kernels do so too, the faster of the two is
the rival.
"""

import contextlib
import gzip
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

from measuring import HERE, SHARED, Build, load, machine, make_venv, service, spread

TORCH = "torch==2.15.0", "numpy==2.4.6"
OPTIONS = ("width", "taps", "blocks", "history", "batch", "rate", "dropout", "temperature", "seed", "threads")
AGREE = 1e-3  # of the loss of an epoch without dropout
RATIO = 0.5  # of PyTorch's time: what issue 4 asks for


class Partner:
    """A process that answers a line of JSON to every line it is told."""

    def __init__(self, command, **more):
        self.name = pathlib.Path(command[0]).name
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=service.environment(**more)
        )
        self.facts = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise service.Trouble(f"{self.name} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def start_inkling(folder, data, args, dropout):
    values = {name: getattr(args, name) for name in OPTIONS} | {"dropout": dropout}
    words = [word for name in OPTIONS for word in (f"--{name}", values[name])]
    return Partner([Build.program("tests/bench/train_epochs"), data, folder, "--split", args.split, "--drop", args.drop, *words])


def start_torch(folder, args, python, dropout):
    values = {name: getattr(args, name) for name in OPTIONS if name not in ("history", "batch")} | {"dropout": dropout}
    words = [word for name in values for word in (f"--{name}", values[name])]
    # as PyTorch's tuning guide advises: freed memory stays with the process, threads as many as asked for
    return Partner(
        [python, HERE / "torch_rival.py", folder, *words],
        OMP_NUM_THREADS=str(args.threads),
        MALLOC_MMAP_MAX_="0",
        MALLOC_TRIM_THRESHOLD_=str(1 << 40),
    )


def check_same_model(folder, data, args, python):
    with start_inkling(folder, data, args, 0) as inkling, start_torch(folder, args, python, 0) as torch:
        inkling.ask("batches", 1)
        losses = inkling.ask("epoch", 1)["loss"], torch.ask("epoch", 1)["loss"]
    apart = abs(losses[0] - losses[1]) / losses[1]
    print(
        f"The same model: without dropout the loss of epoch 1 is {losses[0]:.5f} in inkling and {losses[1]:.5f} in PyTorch ({100 * apart:.3f} % apart).\n"
    )
    if apart > AGREE:
        raise service.Trouble("these are two different models: their losses without dropout do not agree")


def choose_form(torch, prefix, args):
    """The fastest form, or the one that was asked for; behind "bf16 " with autocast."""
    forms = [args.form] if args.form else [form + how for form in ("padded", "packed", "sliced") for how in ("", " compiled")]
    trial = torch.ask("trial", 1, args.trial_steps, *((prefix + form).replace(" ", "_") for form in forms))
    if not trial["seconds_a_step"]:
        raise service.Trouble(f"no form of the network works in PyTorch: {trial['failed']}")
    print(
        "PyTorch's forms, seconds a step: "
        + ", ".join(f"{name} {seconds:.3f}" for name, seconds in trial["seconds_a_step"].items())
        + "".join(f"; {name} failed: {why}" for name, why in trial["failed"].items())
        + "\n",
        flush=True,
    )
    torch.ask("form", best := min(trial["seconds_a_step"], key=trial["seconds_a_step"].get))
    torch.name = f"PyTorch, {best}"


def take_turns(partners, epochs):
    """Every partner's epochs; who begins changes."""
    inkling, runs = partners[0], [[] for _ in partners]
    print(f"| epoch | {' | '.join(f'{partner.name} s | loss' for partner in partners)} |\n|{'---|' * (1 + 2 * len(partners))}")
    for epoch in range(1, epochs + 1):
        inkling.ask("batches", epoch)
        for number in sorted(range(len(partners)), key=lambda number: (number + epoch - 1) % len(partners)):
            runs[number].append(partners[number].ask("epoch", epoch))
        print(f"| {epoch} | {' | '.join('{seconds:.2f} | {loss:.4f}'.format(**run[-1]) for run in runs)} |", flush=True)
    return runs


def find_data(args, folder):
    """Beauty without each user's last event if it is there, else the sample."""
    path, plain = SHARED / f"data/s3rec/{args.data}.txt.gz", folder / "events.txt"
    with open(plain, "wb") as sink:
        if path.exists():
            with gzip.open(path) as source:
                shutil.copyfileobj(source, sink)
            return args.data, plain
        print(f"{path} is not there: measuring on the sample")
        subprocess.run(["zstd", "-dcq", str(service.SAMPLE / "events.ndjson.zst")], check=True, stdout=sink)
    args.drop, args.split, args.dropout = 0, "time", 0.3
    return "sample", plain


def report(args, name, partners, runs, judged):
    inkling, facts = partners[0], partners[1].facts
    print(
        f"\n{name}, {inkling.facts['targets']} targets, {inkling.facts['items']} items; width {args.width}, {args.taps} taps, {args.blocks} blocks, dropout "
        f"{args.dropout:g}, temperature {args.temperature:g}, {args.batch} rows a batch, {args.threads} threads, {args.epochs} epochs in turn; inkling's "
        f"kernels {inkling.facts['kernels']}; PyTorch {facts['torch']} ({facts['capability']}), its SGEMM 1024³ {facts['sgemm_gflops']:.0f} GFLOP/s\n"
    )
    print(
        "| | s/epoch | inkling's share of it, epoch by epoch | loss of the last epoch | held-out HR@10 / NDCG@10 |\n|---|---|---|---|---|"
    )
    medians = []
    for partner, run, figures in zip(partners, runs, judged):
        ratios = [ours["seconds"] / theirs["seconds"] for ours, theirs in zip(runs[0], run)]
        medians.append(statistics.median(ratios))
        print(
            f"| {partner.name} | {spread([epoch['seconds'] for epoch in run], '{:.2f}')} | {'' if partner is inkling else spread(ratios, '{:.3f}')} "
            f"| {run[-1]['loss']:.4f} | {figures['hr10']:.4f} / {figures['ndcg10']:.4f} |"
        )
    ratio = max(medians[1:]) if "bf16" in inkling.facts["kernels"] else medians[1]
    print(
        f"\nRequired: at most {RATIO} of PyTorch's time; {'met' if ratio <= RATIO else 'MISSED'}: {ratio:.3f}. Losses of the last epoch are "
        f"{100 * max(abs(run[-1]['loss'] / runs[0][-1]['loss'] - 1) for run in runs[1:]):.2f} % apart at most."
    )
    return ratio > RATIO


def train(args):
    python = make_venv("torch-venv", *TORCH)  # gigabytes: the CPU part comes with the rest
    print(f"Training beside PyTorch ({machine()}; load at the start {load():g})\n", flush=True)
    with service.scratch() as folder, contextlib.ExitStack() as running:
        name, data = find_data(args, folder)
        if not args.no_check:
            check_same_model(folder, data, args, python)
        partners = [running.enter_context(start_inkling(folder, data, args, args.dropout))]
        partners[0].name = "inkling"
        partners[0].ask("batches", 1)
        has_bf16 = "avx512_bf16" in pathlib.Path("/proc/cpuinfo").read_text() and not args.no_bf16
        for prefix in ("", "bf16 ") if has_bf16 else ("",):
            partners.append(running.enter_context(start_torch(folder, args, python, args.dropout)))
            choose_form(partners[-1], prefix, args)
        runs = take_turns(partners, args.epochs)
        judged = [partners[0].ask("judge")]
        judged += [partners[0].ask("judge", torch.ask("save", folder / "theirs.f32")["saved"]) for torch in partners[1:]]
        return report(args, name, partners, runs, judged)


def add_options(parser):
    parser.add_argument("--data", default="Beauty", help="a set of ../shared/data/s3rec (default: Beauty, or the sample)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--form", help='PyTorch form to use in place of the fastest in the trials, e.g. "packed compiled"')
    parser.add_argument("--trial-steps", type=int, default=10)
    parser.add_argument("--no-bf16", action="store_true", help="leave PyTorch under autocast out")
    parser.add_argument(
        "--no-check", action="store_true", help="leave out the epoch without dropout, which shows that it is the same model"
    )
    parser.add_argument("--split", default="last", choices=("last", "time"))
    parser.add_argument(
        "--drop", type=int, default=1, help="leave out each user's last so many events (default: 1, the test of protocol S3)"
    )
    for name, kind, default in (
        ("width", int, 64),
        ("taps", int, 16),
        ("blocks", int, 2),
        ("history", int, 50),
        ("batch", int, 3072),
        ("rate", float, 1e-3),
        ("dropout", float, 0.5),
        ("temperature", float, 0.0),
        ("seed", int, 1),
        ("threads", int, len(os.sched_getaffinity(0))),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default)


PROGRAMS = ("tests/bench/train_epochs",)
