"""Weights as people save them, for `tests/behaviour/weights.rs`. Optional: the results are kept here.

    pip install torch numpy safetensors snntorch spikingjelly    # CPU builds do
    python generate.py                                           # writes the fixtures beside this file

`plain.safetensors` holds the weights of a small residual network; all other files of that network hold the same numbers,
or what remains of them in the file's type. `spiking.safetensors` holds those of a spiking network of 4, 5 and 3 neurons.
"""

import io
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import snntorch
import torch
from safetensors.torch import save_file
from spikingjelly.activation_based import layer, neuron
from torch import nn

HERE = Path(__file__).parent


class Block(nn.Module):
    """A residual block in torchvision's names."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)


class Network(nn.Module):
    def __init__(self, channels=2, classes=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(Block(channels))
        self.fc = nn.Linear(channels, classes)


def drawn(module):
    """A module whose weights are exact in f16 and bf16: multiples of 1/8 from -2 to 2, variances above 0."""
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and tensor.dim():
            numbers = torch.randint(-16, 17, tensor.shape) / 8
            tensor.copy_(numbers.abs() + 1 / 8 if name.endswith("running_var") else numbers)
    return module


def copied(module):
    """The state dict apart from the module, which training would change."""
    return OrderedDict((name, tensor.clone()) for name, tensor in module.state_dict().items())


def prefixed(prefix, state):
    return OrderedDict((prefix + name, tensor) for name, tensor in state.items())


def cast(state, dtype):
    return OrderedDict(
        (name, tensor.to(dtype) if tensor.is_floating_point() else tensor) for name, tensor in state.items()
    )


def strided(state):
    """The same numbers in other orders in memory: transposed, and as parts of larger tensors."""
    changed = OrderedDict()
    for index, (name, tensor) in enumerate(state.items()):
        if tensor.dim() == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        elif tensor.dim() == 2:
            tensor = tensor.t().contiguous().t()
        elif tensor.dim() == 1 and index % 2:
            tensor = torch.stack([tensor, tensor * 7], 1)[:, 0]
        elif tensor.dim() == 1:
            tensor = torch.cat([tensor * 5, tensor])[len(tensor) :]
        changed[name] = tensor
    return changed


def repacked(path, state):
    """An archive that another tool has packed again: compressed, under another name, with an entry of its own."""
    saved = io.BytesIO()
    torch.save(state, saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("renamed/README.txt", "packed again")
        for name in source.namelist():
            target.writestr("renamed/" + name.split("/", 1)[1], source.read(name))


def inflating(path, state):
    """An archive whose compressed weights claim their size and go on to 16 MB."""
    saved = io.BytesIO()
    torch.save(state, saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            large = name.endswith("data/0")
            target.writestr(name, content + bytes(1 << 24) if large else content)
            if large:
                inflated, claimed = (struct.pack("<I", size) for size in [len(content) + (1 << 24), len(content)])
    archive = path.read_bytes()
    assert archive.count(inflated) == 2, "in the header of the entry and in the directory"
    path.write_bytes(archive.replace(inflated, claimed))


def first_format(path, state):
    """The archive of PyTorch before 0.1.10, which torch.load still reads and torch.save no longer writes."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            return str(keys[id(item)]) if isinstance(item, torch.Tensor) else None

    state = OrderedDict((name, tensor.contiguous()) for name, tensor in state.items())
    keys = {id(tensor): 100 + index for index, tensor in enumerate(state.values())}

    def dump(item, file):
        pickle.dump(item, file, protocol=2)

    storages, table, content, machine = (io.BytesIO() for _ in range(4))
    dump(len(state), storages)
    dump(len(state), table)
    for index, tensor in enumerate(state.values()):
        dump((index, "cpu", torch.FloatStorage), storages)
        storages.write(struct.pack("<q", tensor.numel()))
        storages.write(tensor.numpy().tobytes())
        dump((100 + index, index, torch.FloatTensor), table)
        table.write(struct.pack("<ii", tensor.dim(), 0))
        for number in [*tensor.shape, *tensor.stride(), 0]:
            table.write(struct.pack("<q", number))
    dump([], storages)
    Pickler(content, protocol=2).dump(state)
    dump({"protocol_version": 1000, "little_endian": True, "type_sizes": {}}, machine)
    parts = {"sys_info": machine, "pickle": content, "tensors": table, "storages": storages}
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, part in parts.items():
            header = tarfile.TarInfo(name)
            header.size = part.tell()
            part.seek(0)
            archive.addfile(header, part)


def networks():
    network = drawn(Network())
    state = copied(network)
    floats = OrderedDict((name, tensor) for name, tensor in state.items() if tensor.is_floating_point())
    save_file(floats, HERE / "plain.safetensors")
    torch.save(state, HERE / "plain.pth")
    torch.save(state, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    first_format(HERE / "first.pth", floats)
    repacked(HERE / "repacked.PTH", state)
    inflating(HERE / "inflating.pth", state)
    torch.save(strided(state), HERE / "strided.pt")
    torch.save(cast(state, torch.float16), HERE / "half.bin")
    torch.save(cast(state, torch.float64), HERE / "double.pth")
    save_file(cast(floats, torch.bfloat16), HERE / "bfloat.safetensors")

    other = copied(drawn(Network()))
    optimizer = torch.optim.Adam(network.parameters())
    network.fc(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    checkpoint = {"epoch": 3, "state_dict": prefixed("module.", state), "optimizer": optimizer.state_dict()}
    torch.save(checkpoint, HERE / "checkpoint.pth.tar")
    torch.save({"state_dict": prefixed("model._orig_mod.", state), "callbacks": {}}, HERE / "lightning.ckpt")
    torch.save({"model": state, "model_ema": other, "args": {"lr": 0.1}}, HERE / "averaged.pth")
    torch.save({"first": other, "second": state}, HERE / "two.pth")
    torch.save(OrderedDict(state, ema=other), HERE / "rooted.pth")
    twice = {"a.x": 1, "a": {"x": 2}, "fc": {"bias": state["fc.bias"]}}
    torch.save(OrderedDict(state, **twice), HERE / "twice.pth")

    head = OrderedDict((name, tensor) for name, tensor in state.items() if not name.startswith("fc."))
    wrapped = OrderedDict(head, **{"fc.1.weight": state["fc.weight"], "fc.1.bias": state["fc.bias"]})
    torch.save(wrapped, HERE / "wrapped-head.pth")
    deeper = OrderedDict(head, **{"fc.0.weight": torch.ones(4, 2), "fc.0.bias": torch.ones(4)})
    deeper.update({"fc.2.weight": torch.ones(3, 4), "fc.2.bias": torch.ones(3)})
    torch.save(deeper, HERE / "deeper-head.pth")
    torch.save(OrderedDict(state, **{"projection.weight": torch.ones(2, 2)}), HERE / "extra.pth")


def spiking():
    """The weights of one network by two libraries, in their own names."""
    state = copied(drawn(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))))
    save_file(prefixed("classifier.", state), HERE / "spiking.safetensors")

    class Tutorial(nn.Module):
        def __init__(self, neurons):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(4, 5), nn.Linear(5, 3)
            self.lif1, self.lif2 = neurons(), neurons()

    for file, neurons in [
        ("snntorch.pth", lambda: snntorch.Leaky(beta=0.75)),
        ("snntorch-zero.pth", lambda: snntorch.Leaky(beta=0.75, reset_mechanism="zero")),
        ("snntorch-synaptic.pth", lambda: snntorch.Synaptic(alpha=0.5, beta=0.75)),
    ]:
        saved = Tutorial(neurons).state_dict()
        for name, tensor in state.items():
            saved[f"fc{1 + int(name[0]) // 2}{name[1:]}"] = tensor
        torch.save(saved, HERE / file)

    settings = {"decay_input": False, "v_reset": None}
    for file, neurons in [
        ("spikingjelly.pth", lambda: neuron.LIFNode(tau=4.0, **settings)),
        ("spikingjelly-learned.pth", lambda: neuron.ParametricLIFNode(init_tau=4.0, **settings)),
    ]:
        network = nn.Sequential(layer.Flatten(), layer.Linear(4, 5), neurons(), layer.Linear(5, 3), neurons())
        saved = network.state_dict()
        for name, tensor in state.items():
            saved[f"{1 + int(name[0])}{name[1:]}"] = tensor
        torch.save(saved, HERE / file)


if __name__ == "__main__":
    torch.manual_seed(7)
    networks()
    spiking()
