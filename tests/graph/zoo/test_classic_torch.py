"""Networks of the zoo against independent definitions in PyTorch, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.testing.graphs import outputs_of
from tests.graph.zoo.networks import graph_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn

from tests.graph.torch_weights import copy_weights  # noqa: E402 - needs PyTorch


def conv(cin, cout, k, s=1):
    return nn.Conv2d(cin, cout, k, s, padding=k // 2, bias=False)


class Unit(nn.Module):
    """A residual unit of two 3×3 convolutions."""

    def __init__(self, cin, cout, s):
        super().__init__()
        self.branch = nn.Sequential(
            *(conv(cin, cout, 3, s), nn.BatchNorm2d(cout), nn.ReLU()),
            *(conv(cout, cout, 3), nn.BatchNorm2d(cout)),
        )
        changes = s != 1 or cin != cout
        self.shortcut = nn.Sequential(
            *((conv(cin, cout, 1, s), nn.BatchNorm2d(cout)) if changes else ())
        )

    def forward(self, x):
        return torch.relu(self.branch(x) + self.shortcut(x))


def resnet18():
    units, cin = [], 64
    for cout, s in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        units.append(Unit(cin, cout, s))
        cin = cout
    return nn.Sequential(
        *(conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
        *units,
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)),
    )


class Dense(nn.Module):
    """A dense block: each layer reads a list of everything before it."""

    def __init__(self, cin, depth):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                *(nn.BatchNorm2d(cin + 32 * n), nn.ReLU(), conv(cin + 32 * n, 128, 1)),
                *(nn.BatchNorm2d(128), nn.ReLU(), conv(128, 32, 3)),
            )
            for n in range(depth)
        )

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, dim=1)))
        return torch.cat(features, dim=1)


def densenet121():
    parts = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    cin = 64
    for depth in (6, 12, 24, 16):
        parts.append(Dense(cin, depth))
        cin += 32 * depth
        parts += [nn.BatchNorm2d(cin), nn.ReLU()]
        if depth != 16:
            parts += [conv(cin, cin // 2, 1), nn.AvgPool2d(2)]
            cin //= 2
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


@pytest.mark.parametrize("definition", [resnet18, densenet121], ids=lambda d: d.__name__)
def test_equals_an_independent_pytorch_definition(definition):
    graph = graph_of(f"{definition.__name__},input=64", batch=2)
    model, inputs = graph.materialise(11), graph.draw_inputs(5)
    (ours,) = outputs_of(model, inputs)
    module = definition().eval()
    copy_weights(model, module)
    with torch.no_grad():
        theirs = module(torch.from_numpy(inputs["input"])).numpy()
    assert ours.std() > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * theirs.std())
