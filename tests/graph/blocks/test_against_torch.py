"""Blocks against PyTorch definitions written from the publications, sharing only the weights.

A definition names its layers in the order in which the publication's figure draws them; weights
are copied from the ONNX initializers in the order of the ONNX nodes, shapes compared.
"""

from __future__ import annotations

import numpy as np
import pytest

from opscope.graph import blocks
from opscope.testing.graphs import compute, graph_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
nn = torch.nn

from tests.graph.torch_weights import copy_weights  # noqa: E402 - needs PyTorch


def convolution(cin, cout, k=1, s=1, groups=1, act=None):
    layers = [nn.Conv2d(cin, cout, k, s, k // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Gate(nn.Module):
    def __init__(self, channels, squeezed, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x):
        return x * self.gate(self.excite(self.act(self.squeeze(self.mean(x)))))


class Inverted(nn.Module):
    def __init__(self, cin, cout, wide, act, k=3, s=1, gate=None):
        super().__init__()
        layers = [convolution(cin, wide, act=act)] if wide != cin else []
        layers += [convolution(wide, wide, k, s, groups=wide, act=act)]
        layers += [gate] if gate else []
        self.body = nn.Sequential(*layers, convolution(wide, cout))
        self.same = s == 1 and cin == cout

    def forward(self, x):
        return x + self.body(x) if self.same else self.body(x)


def deal(x, groups):
    return nn.ChannelShuffle(groups)(x)


class ShuffleOne(nn.Module):
    def __init__(self, cin, cout, groups, k=3, s=1):
        super().__init__()
        self.groups, self.stride, middle = groups, s, cout // 4
        self.reduce = convolution(cin, middle, groups=groups, act=nn.ReLU)
        self.depthwise = convolution(middle, middle, k, s, groups=middle)
        self.expand = convolution(middle, cout if s == 1 else cout - cin, groups=groups)
        self.pool = nn.AvgPool2d(3, s, 1)  # padding counts as zeros, as the authors have it

    def forward(self, x):
        y = self.expand(self.depthwise(deal(self.reduce(x), self.groups)))
        y = x + y if self.stride == 1 else torch.cat([self.pool(x), y], 1)
        return y.relu()


class ShuffleTwo(nn.Module):
    def __init__(self, cin, cout, k=3, s=1):
        super().__init__()
        half = cout // 2
        if s > 1:
            self.left = nn.Sequential(
                convolution(cin, cin, k, s, groups=cin),
                convolution(cin, cout - half, act=nn.ReLU),
            )
        self.right = nn.Sequential(
            convolution(cin if s > 1 else half, half, act=nn.ReLU),
            convolution(half, half, k, s, groups=half),
            convolution(half, half, act=nn.ReLU),
        )

    def forward(self, x):
        if hasattr(self, "left"):
            return deal(torch.cat([self.left(x), self.right(x)], 1), 2)
        kept, x = x.chunk(2, dim=1)
        return deal(torch.cat([kept, self.right(x)], 1), 2)


class Residual(nn.Module):
    def __init__(self, body, cin, cout, s=1):
        super().__init__()
        self.body = body
        self.skip = nn.Identity() if s == 1 and cin == cout else convolution(cin, cout, 1, s)

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


def basic(cin, cout, k=3, s=1):
    body = nn.Sequential(convolution(cin, cout, k, s, act=nn.ReLU), convolution(cout, cout, k))
    return Residual(body, cin, cout, s)


def bottleneck(cin, middle, cout, k=3, strides=(1, 1), groups=1):
    body = nn.Sequential(
        convolution(cin, middle, 1, strides[0], act=nn.ReLU),
        convolution(middle, middle, k, strides[1], groups, act=nn.ReLU),
        convolution(middle, cout),
    )
    return Residual(body, cin, cout, max(strides))


class DenseLayers(nn.Module):
    def __init__(self, cin, growth, bottleneck, depth, k=3):
        super().__init__()
        self.steps = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, bottleneck * growth, 1, bias=False),
                nn.BatchNorm2d(bottleneck * growth),
                nn.ReLU(),
                nn.Conv2d(bottleneck * growth, growth, k, padding=k // 2, bias=False),
            )
            for channels in range(cin, cin + depth * growth, growth)
        )

    def forward(self, x):
        features = [x]
        for step in self.steps:
            features.append(step(torch.cat(features, 1)))
        return torch.cat(features, 1)


class Inception(nn.Module):
    def __init__(self, cin, one, three, five, pool, *, norm):
        super().__init__()

        def conv(a, b, k):
            if norm:
                return convolution(a, b, k, act=nn.ReLU)
            return nn.Sequential(nn.Conv2d(a, b, k, padding=k // 2), nn.ReLU())

        self.branches = nn.ModuleList(
            [
                conv(cin, one, 1),
                nn.Sequential(conv(cin, three[0], 1), conv(three[0], three[1], 3)),
                nn.Sequential(conv(cin, five[0], 1), conv(five[0], five[1], 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(cin, pool, 1)),
            ]
        )

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def v1(cin, cout, k=3, s=1, act=nn.ReLU):
    return nn.Sequential(convolution(cin, cin, k, s, cin, act=act), convolution(cin, cout, act=act))


HARD = {"gate": nn.Hardsigmoid}

# Text of a configuration after "block:", and the same block by hand.
CASES = {
    "mobilenet_v1,h=9,cin=8": lambda: v1(8, 8),
    "mobilenet_v1,h=9,cin=8,cout=12,k=5,s=2,act=relu6": lambda: v1(8, 12, 5, 2, nn.ReLU6),
    "mobilenet_v2,h=9,cin=8": lambda: Inverted(8, 8, 48, nn.ReLU6),
    "mobilenet_v2,h=9,cin=8,cout=12,k=5,s=2,expansion=3": (
        lambda: Inverted(8, 12, 24, nn.ReLU6, 5, 2)
    ),
    "mobilenet_v2,h=9,cin=8,expansion=1,k=7": lambda: Inverted(8, 8, 8, nn.ReLU6, 7),
    "mobilenet_v2_se,h=9,cin=8": lambda: Inverted(8, 8, 48, nn.ReLU6, gate=Gate(48, 12, **HARD)),
    "mobilenet_v2_se,h=9,cin=8,s=2,reduction=8,cout=4": (
        lambda: Inverted(8, 4, 48, nn.ReLU6, s=2, gate=Gate(48, 6, **HARD))
    ),
    "mobilenet_v3,h=9,cin=8,k=5": (
        lambda: Inverted(8, 8, 48, nn.Hardswish, 5, gate=Gate(48, 12, **HARD))
    ),
    "mobilenet_v3,h=9,cin=8,cout=12,se=0": lambda: Inverted(8, 12, 48, nn.Hardswish),
    "mbconv,h=9,cin=8": lambda: Inverted(8, 8, 48, nn.SiLU, gate=Gate(48, 2, act=nn.SiLU)),
    "mbconv,h=9,cin=8,cout=4,expansion=1,s=2,k=5": (
        lambda: Inverted(8, 4, 8, nn.SiLU, 5, 2, gate=Gate(8, 2, act=nn.SiLU))
    ),
    "se,h=9,cin=32": lambda: Gate(32, 2),
    "se,h=9,w=4,cin=9,reduction=3": lambda: Gate(9, 3),
    "shufflenet_v1,h=9,cin=24": lambda: ShuffleOne(24, 24, 3),
    "shufflenet_v1,h=9,cin=16,groups=4,k=5": lambda: ShuffleOne(16, 16, 4, 5),
    "shufflenet_v1,h=9,cin=24,s=2": lambda: ShuffleOne(24, 48, 3, s=2),
    "shufflenet_v1,h=8,cin=16,cout=24,s=2,groups=2": lambda: ShuffleOne(16, 24, 2, s=2),
    "shufflenet_v2,h=9,cin=8": lambda: ShuffleTwo(8, 8),
    "shufflenet_v2,h=9,cin=7,cout=10,k=5,s=2": lambda: ShuffleTwo(7, 10, 5, 2),
    "resnet_basic,h=9,cin=8": lambda: basic(8, 8),
    "resnet_basic,h=9,cin=8,cout=12,k=5,s=2": lambda: basic(8, 12, 5, 2),
    "resnet_bottleneck,h=9,cin=16": lambda: bottleneck(16, 4, 16),
    "resnet_bottleneck,h=9,cin=16,s=2": lambda: bottleneck(16, 4, 16, strides=(2, 1)),
    "resnet_bottleneck,h=9,cin=16,cout=32,k=5,s=2,stride_in=3x3": (
        lambda: bottleneck(16, 8, 32, 5, strides=(1, 2))
    ),
    "resnext,h=9,cin=64": lambda: bottleneck(64, 32, 64, groups=32),
    "resnext,h=9,cin=16,cout=32,groups=4,s=2": (
        lambda: bottleneck(16, 16, 32, strides=(1, 2), groups=4)
    ),
    "dense,h=9,cin=12": lambda: DenseLayers(12, 32, 4, 1),
    "dense,h=9,cin=6,growth=5,bottleneck=2,depth=3,k=5": lambda: DenseLayers(6, 5, 2, 3, 5),
    "inception,h=9,cin=16": lambda: Inception(16, 4, (6, 8), (1, 2), 2, norm=False),
    "inception,h=9,cin=3,cout=32,batch_norm=1": (
        lambda: Inception(3, 8, (12, 16), (2, 4), 4, norm=True)
    ),
}


@pytest.mark.parametrize("text", CASES)
def test_block_computes_what_its_publication_draws(text):
    graph = graph_of(f"block:{text}", batch=2)
    inputs = graph.draw_inputs(3)
    module = CASES[text]().eval()
    copy_weights(graph.materialise(5), module)
    with torch.no_grad():
        expected = module(torch.from_numpy(inputs["input"])).numpy()
    actual = compute(graph, inputs, seed=5)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_every_block_is_compared():
    assert {text.split(",")[0] for text in CASES} == {design.name for design in blocks.DESIGNS}
