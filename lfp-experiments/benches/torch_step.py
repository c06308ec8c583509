#!/usr/bin/env python3
"""A training step of this program beside PyTorch's gradient step, on the CPU.

    torch_step.py PROGRAM [--models mlp,lenet,vgg-like,resnet18,snn-mlp,snn-lenet] [--rounds 5] [--steps 5]

`PROGRAM bench step --vs torch` runs it, too.

PROGRAM is the compiled `lfp-experiments`. In each round PyTorch takes its steps, then the program takes as many by each
method (`bench step --json`), so that load from other processes slows all of them alike. Printed are medians over the rounds of
each round's median step, and the median of the rounds' ratios. Both sides use as many threads as there are cores, random
images, and SGD with momentum. Spiking networks learn by a surrogate gradient, over 15 steps of time. Needs PyTorch; ResNet-18
needs torchvision, too.
"""
import argparse
import json
import statistics
import subprocess
import time

import torch
from torch import nn


def dropout_after(layers):
    return [part for layer in layers for part in (layer, nn.ReLU(), nn.Dropout(0.5))]


def mlp():
    widths = [784, 512, 256, 128]
    hidden = [nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
    return nn.Sequential(nn.Flatten(), *dropout_after(hidden), nn.Linear(128, 10), nn.ReLU())


def lenet():
    convolutions = [nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    dense = dropout_after([nn.Linear(256, 120), nn.Linear(120, 84)])
    return nn.Sequential(*convolutions, nn.Flatten(), *dense, nn.Linear(84, 10))


def vgg_like():
    layers, channels = [], 3
    for block in [[32, 64], [128, 128], [256, 256]]:
        for width in block:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    dense = dropout_after([nn.Linear(4096, 1024), nn.Linear(1024, 512)])
    return nn.Sequential(*layers, nn.Flatten(), *dense, nn.Linear(512, 10))


def resnet18():
    import torchvision

    return torchvision.models.resnet18(num_classes=10)


class Spike(torch.autograd.Function):
    """A step, with the derivative of the fast sigmoid of slope 25 as its surrogate."""

    @staticmethod
    def forward(ctx, distance):
        ctx.save_for_backward(distance)
        return (distance > 0).float()

    @staticmethod
    def backward(ctx, grad):
        (distance,) = ctx.saved_tensors
        return grad / (1 + 25 * distance.abs()) ** 2


class Spiking(nn.Module):
    """Layers with leaky integrate-and-fire neurons after each (decay 0.9, threshold 1, reset by subtraction)."""

    STEPS = 15

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, images):
        potentials = [0.0] * len(self.layers)
        spikes = [0.0] * len(self.layers)
        # The first layer's currents are the same at every step.
        constant = self.layers[0](images)
        counts = 0.0
        for _ in range(self.STEPS):
            for index, layer in enumerate(self.layers):
                currents = constant if index == 0 else layer(spikes[index - 1])
                reset = spikes[index].detach() if torch.is_tensor(spikes[index]) else 0.0
                potentials[index] = 0.9 * potentials[index] + currents - reset
                spikes[index] = Spike.apply(potentials[index] - 1)
            counts = counts + spikes[-1]
        return counts


def snn_mlp():
    dense = nn.Sequential(nn.Flatten(), nn.Linear(784, 1000))
    return Spiking(dense, nn.Linear(1000, 1000), nn.Linear(1000, 10))


def snn_lenet():
    first = nn.Sequential(nn.Conv2d(1, 12, 5), nn.MaxPool2d(2))
    second = nn.Sequential(nn.Conv2d(12, 64, 5), nn.MaxPool2d(2))
    return Spiking(first, second, nn.Sequential(nn.Flatten(), nn.Linear(1024, 10)))


# Network, batch, shape of an image.
MODELS = {
    "mlp": (mlp, 128, (1, 28, 28)),
    "lenet": (lenet, 128, (1, 28, 28)),
    "vgg-like": (vgg_like, 128, (3, 32, 32)),
    "resnet18": (resnet18, 8, (3, 224, 224)),
    "snn-mlp": (snn_mlp, 128, (1, 28, 28)),
    "snn-lenet": (snn_lenet, 128, (1, 28, 28)),
}


class Torch:
    """A network of PyTorch, and its optimiser."""

    def __init__(self, name):
        network, self.batch, shape = MODELS[name]
        self.network = network().train()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3, momentum=0.9)
        self.images = torch.randn(self.batch, *shape)
        self.labels = torch.randint(10, (self.batch,))

    def step(self):
        start = time.perf_counter()
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.network(self.images), self.labels).backward()
        self.optimizer.step()
        return 1e3 * (time.perf_counter() - start)

    def measure(self, steps):
        return statistics.median([self.step() for _ in range(steps + 1)][1:])


def measure_ours(program, model, batch, steps):
    command = [program, "bench", "step", "--model", model, "--batch", str(batch), "--steps", str(steps), "--json"]
    costs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {cost["method"]: cost["step_ms"] for cost in costs}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5)
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {options.rounds} rounds of {options.steps} steps")
    print(f"{'model':9} {'PyTorch ms':>10} {'gradient':>9} {'lfp':>9} {'lfp / PyTorch':>14} {'of rounds':>15}")
    for model in options.models.split(","):
        theirs = Torch(model)
        rounds = []
        for _ in range(options.rounds):
            torch_ms = theirs.measure(options.steps)
            ours = measure_ours(options.program, model, theirs.batch, options.steps)
            rounds.append((torch_ms, ours["gradient"], ours["lfp"]))
        torch_ms, gradient, lfp = (statistics.median(column) for column in zip(*rounds))
        ratios = sorted(lfp / torch_ms for torch_ms, _, lfp in rounds)
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        ratio = statistics.median(ratios)
        print(f"{model:9} {torch_ms:10.1f} {gradient:9.1f} {lfp:9.1f} {ratio:14.2f} {spread:>15}", flush=True)


if __name__ == "__main__":
    main()
