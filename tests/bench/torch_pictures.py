"""The seed preset's picture network in PyTorch: a rival of tests/bench/pictures. Runs in the environment that compare_pictures.py makes.

The same layers, start (Glorot uniform, biases 0), loss, optimizer and batches of the same size as inkling's, in an order of its own. What had
to be chosen was chosen in PyTorch's favour: pictures are normalised and laid out before the clock runs, Adam is the fused one. Forms: "eager",
"channels-last", and each "… compiled". Commands as rival_pictures.py says, and

  export PATH      the network as it is, as ONNX: "pictures" [n, 1, H, W] to "logits" [n, classes]
"""

import logging

import torch
import torch.nn.functional as F

import rival_pictures


class Network(torch.nn.Sequential):
    def __init__(self, height, width, n_classes):
        inputs = 64 * (((height - 2) // 2 - 2) // 2) * (((width - 2) // 2 - 2) // 2)
        super().__init__(
            torch.nn.Conv2d(1, 32, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(32, 64, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Flatten(), torch.nn.Linear(inputs, 64), torch.nn.ReLU(), torch.nn.Linear(64, n_classes),
        )  # fmt: skip
        for parameter in self.parameters():
            torch.nn.init.xavier_uniform_(parameter) if parameter.dim() > 1 else torch.nn.init.zeros_(parameter)


class Rival:
    def __init__(self, args):
        self.args = args
        images, labels = rival_pictures.read_pictures(*args.files[:2], args.pictures)
        self.images, self.labels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)
        images, labels = rival_pictures.read_pictures(*args.files[2:])
        self.test = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)
        self.form("eager")

    def form(self, name):
        torch.manual_seed(self.args.seed)
        torch._dynamo.reset()
        layout = torch.channels_last if "channels-last" in name else torch.contiguous_format
        self.network = Network(*self.images.shape[2:], int(self.labels.max()) + 1).to(memory_format=layout)
        self.run = torch.compile(self.network) if "compiled" in name else self.network
        self.images = self.images.contiguous(memory_format=layout)
        self.warm_up()

    def warm_up(self):
        """Compile for both sizes of batches, then put the start back."""
        start = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        for n in {self.args.batch, len(self.images) % self.args.batch or self.args.batch}:
            self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.args.rate, eps=rival_pictures.ADAM_EPSILON, fused=True)
            self.step(torch.arange(n))
        self.network.load_state_dict(start)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.args.rate, eps=rival_pictures.ADAM_EPSILON, fused=True)

    def step(self, chosen):
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.run(self.images[chosen]), self.labels[chosen])
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def trial(self, name, n):
        self.form(name)
        batches = torch.randperm(len(self.images))[: self.args.batch * 8].split(self.args.batch)
        for batch in batches[:3]:
            self.step(batch)
        return rival_pictures.median_seconds(lambda number: self.step(batches[number % len(batches)]), n)

    def epoch(self):
        total = torch.zeros(())
        for batch in torch.randperm(len(self.images)).split(self.args.batch):
            total += self.step(batch) * len(batch)
        return total / len(self.images)

    def judge(self):
        with torch.no_grad():
            given = torch.cat([self.network(images).argmax(1) for images in self.test[0].split(256)])
        return (given == self.test[1]).float().mean()

    def export(self, path):
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it regrets packages that are not needed
        network = self.network.to(memory_format=torch.contiguous_format).eval()
        torch.onnx.export(
            network,
            (self.test[0][:2],),
            path,
            input_names=["pictures"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return {"exported": path}


def main():
    args = rival_pictures.read_options(__doc__)
    torch.set_num_threads(args.threads)
    rival = Rival(args)
    facts = {"version": torch.__version__, "threads": torch.get_num_threads(), "capability": torch.backends.cpu.get_cpu_capability()}
    rival_pictures.obey(rival, facts, export=rival.export)


if __name__ == "__main__":
    main()
