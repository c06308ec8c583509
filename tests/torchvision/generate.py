"""Logits of torchvision's networks, for the tests of ours; and the way back. Optional: the results are kept here.

    pip install torch torchvision safetensors transformers   # CPU builds do; transformers for one file
    python generate.py                               # writes the fixtures beside this file
    python generate.py check MODEL FILE.safetensors  # whether torchvision takes weights that we wrote

Weights are not kept but computed from their names, here and in the test alike, so that networks of full size need no
large files: element `i` of tensor NAME is a SplitMix64 number of `fnv1a(NAME) + i`. Small networks are kept as
torch.save and safetensors wrote them, with weights that torch drew.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
import torchvision.transforms.v2.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models.resnet import BasicBlock
from torchvision.models.vgg import VGG, make_layers
from torchvision.models.vision_transformer import VisionTransformer

HERE = Path(__file__).parent


def uniform(name, shape):
    """Numbers from -1 to 1."""
    seed = np.uint64(0xCBF29CE484222325)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            seed = (seed ^ np.uint64(byte)) * np.uint64(0x100000001B3)
        index = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
        bits = seed + index * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
    top = (bits >> np.uint64(40)).astype(np.float64)
    return (top / 2**23 - 1).astype(np.float32).reshape(shape)


def weights(name, shape):
    numbers = uniform(name, shape)
    if name.endswith("running_var"):
        return 1 + np.float32(0.5) * numbers
    if len(shape) > 1:  # what keeps the scale of values through ReLUs
        return numbers * np.float32(np.sqrt(6 / np.prod(shape[1:])))
    if name.endswith("weight"):  # batch normalisation
        return 1 + np.float32(0.1) * numbers
    return np.float32(0.1) * numbers


def computed(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(weights(name, tuple(tensor.shape)))
    model.load_state_dict(state)
    return model.eval()


class SmallResNet(nn.Module):
    """Torchvision's blocks in the arrangement that He et al. use for CIFAR."""

    def __init__(self, blocks, widths, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        channels = widths[0]
        for stage, width in enumerate(widths):
            layers = []
            for index in range(blocks):
                stride = 2 if stage and not index else 1
                downsample = None
                if stride != 1 or channels != width:
                    conv = nn.Conv2d(channels, width, 1, stride, bias=False)
                    downsample = nn.Sequential(conv, nn.BatchNorm2d(width))
                layers.append(BasicBlock(channels, width, stride, downsample))
                channels = width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.stages = len(widths)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


def dense(features, hidden, classes):
    layers = []
    for width in hidden:
        layers += [nn.Linear(features, width), nn.ReLU(), nn.Dropout()]
        features = width
    return nn.Sequential(*layers, nn.Linear(features, classes))


def vgg(plan, batch_norm, pooled, features, hidden, classes):
    model = VGG(make_layers(plan, batch_norm=batch_norm), num_classes=classes, init_weights=False)
    model.avgpool = nn.AdaptiveAvgPool2d(pooled) if pooled else nn.Identity()
    model.classifier = dense(features, hidden, classes)
    return model


def vit(size, patch, depth, heads, width, classes):
    return VisionTransformer(size, patch, depth, heads, width, 4 * width, num_classes=classes)


LIKE = [32, 64, "M", 128, 128, "M", 256, 256, "M"]
VGG16 = torchvision.models.vgg.cfgs["D"]

# VGG-16 with narrow dense layers: 25088 x 4096 weights would be most of the time. Likewise ViT-B of a quarter its width.
MODELS = {
    "vgg-like": (lambda: vgg(LIKE, False, None, 4096, [1024, 512], 10), 32),
    "vgg-like-bn": (lambda: vgg(LIKE, True, None, 4096, [1024, 512], 10), 32),
    "vgg16": (lambda: vgg(VGG16, False, 7, 25088, [256, 128], 10), 64),
    "vgg16-bn": (lambda: vgg(VGG16, True, 7, 25088, [256, 128], 10), 64),
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=10), 64),
    "resnet34": (lambda: torchvision.models.resnet34(num_classes=10), 64),
    "resnet32": (lambda: SmallResNet(5, [16, 32, 64], 10), 32),
    "vit-b-16": (lambda: vit(64, 16, 12, 12, 192, 10), 64),
    "vit-b-32": (lambda: vit(64, 32, 12, 12, 192, 10), 64),
    "vit-tiny": (lambda: vit(32, 4, 4, 4, 64, 10), 32),
}

ACTIVATIONS = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activated(model, activation):
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(module, name, activation())
    return model


def logits(model, size):
    inputs = torch.from_numpy(uniform("input", (2, 3, size, size)))
    with torch.no_grad():
        return model(inputs)


def narrow_vgg():
    return vgg([4, "M", 8, "M"], False, None, 8 * 4 * 4, [16], 5)


def narrow_resnet():
    return SmallResNet(1, [4, 8], 5)


def narrow_vit():
    model = vit(16, 8, 2, 2, 8, 5)
    with torch.no_grad():  # torchvision starts the last layer, and biases, at zero
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def hugging_face_vit():
    """The same sizes by Hugging Face, whose files name and arrange the tensors in another way."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=16,
                       patch_size=8, num_labels=5, layer_norm_eps=1e-6, hidden_dropout_prob=0.0)
    model = ViTForImageClassification(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    save_file(model.state_dict(), HERE / "hugging-face-vit.safetensors")
    inputs = torch.from_numpy(uniform("input", (2, 3, 16, 16)))
    with torch.no_grad():
        return model(inputs).logits


def fixtures():
    results = {name: logits(computed(make()), size).tolist() for name, (make, size) in MODELS.items()}
    for network, make in [("narrow-vgg", narrow_vgg), ("narrow-resnet", narrow_resnet)]:
        for name, activation in ACTIVATIONS.items():
            results[f"{network}-{name}"] = logits(computed(activated(make(), activation)), 16).tolist()
    torch.manual_seed(7240)
    for network, make in [("narrow-vgg", narrow_vgg), ("narrow-resnet", narrow_resnet), ("narrow-vit", narrow_vit)]:
        model = make()
        model.train()
        model(torch.randn(8, 3, 16, 16))  # batch normalisation has seen something
        torch.save(model.state_dict(), HERE / f"{network}.pth")
        save_file(model.state_dict(), HERE / f"{network}.safetensors")
        results[f"{network}-file"] = logits(model.eval(), 16).tolist()
    results["hugging-face-vit"] = hugging_face_vit().tolist()
    (HERE / "logits.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "transforms.json").write_text(json.dumps(transforms(), indent=1) + "\n")


def transforms():
    picture = (torch.from_numpy(uniform("picture", (3, 8, 8))) + 1) / 2
    results = {
        "picture": picture,
        "mirrored": F.horizontal_flip(picture),
        "upside_down": F.vertical_flip(picture),
        "blurred": F.gaussian_blur(picture, [5, 9], [1.7, 1.7]),
        "rotated": F.rotate(picture, 23.0),
        "affine": F.affine(picture, 7.0, [1, -2], 0.9, [0.0, 0.0]),
        "brightened": F.adjust_brightness(picture, 1.08),
        "saturated": F.adjust_saturation(picture, 0.93),
        "hue_shifted": F.adjust_hue(picture, -0.07),
    }
    return {name: result.flatten().tolist() for name, result in results.items()}


def check(name, path):
    make, size = MODELS[name]
    model = make()
    model.load_state_dict(load_file(path))
    print(json.dumps(logits(model.eval(), size).tolist()))


if __name__ == "__main__":
    check(*sys.argv[2:]) if sys.argv[1:2] == ["check"] else fixtures()
