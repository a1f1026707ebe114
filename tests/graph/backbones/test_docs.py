"""The counts written in docs/backbones.md are those of the networks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opscope.cost import count
from opscope.testing.graphs import graph_of

TEXT = (Path(__file__).parents[3] / "docs" / "backbones.md").read_text()


def rows(heading):
    """Return the cells of the one table whose first column is headed so."""
    head = TEXT.index(f"| {heading} |")
    lines = TEXT[head:].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def cost_of(text):
    return count(graph_of(text))


def mega(text):
    return f"{cost_of(text).macs / 1e6:.1f}"


def test_skeletons_are_counted_as_written():
    table = rows("block | bottleneck")
    assert len(table) == 6
    for block, bottleneck, *macs, parameters in table:
        name = f"backbone:resnet_skeleton,block={block},bottleneck={bottleneck}"
        assert [mega(f"{name},k={k}") for k in (3, 5, 7)] == macs
        assert f"{cost_of(name).parameters:,}" == parameters


def test_patterns_are_counted_as_written():
    table = rows("pattern | MACs per pixel and layer, C = width")
    assert len(table) == 6
    for pattern, _, *macs, deep in table:
        widths = (32, 64, 128, 256, 512)
        assert [mega(f"backbone:{pattern},width={width}") for width in widths] == macs
        assert mega(f"backbone:{pattern},depth=50") == deep


def test_scaled_networks_are_counted_as_written():
    table = rows("configuration")
    assert len(table) == 8
    for written, macs, parameters in table:
        name = written.split("`")[0].replace("…", "backbone:scaled_resnet")
        assert mega(name) == macs
        assert f"{cost_of(name).parameters:,}" == parameters


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        (r"INT8, k = 3, input 224: ([\d., ]+); with bottleneck ([\d., ]+) \|", "block"),
        (r"standard k = 3, 5, 7: ([\d., ]+); input 224, 560, 1400: ([\d., ]+);", "k"),
    ],
)
def test_densities_are_as_written(pattern, values):
    def density(**parameters):
        items = "".join(f",{key}={value}" for key, value in parameters.items())
        graph = graph_of(f"backbone:resnet_skeleton{items}")
        return f"{count(graph, precision='int8').operational_density:.1f}"

    blocks = ("standard", "spatially_separable", "depthwise_separable")
    expected = {
        "block": [[density(block=b, bottleneck=n) for b in blocks] for n in (0, 1)],
        "k": [[density(k=k) for k in (3, 5, 7)], [density(input=i) for i in (224, 560, 1400)]],
    }
    found = re.search(pattern, TEXT)
    assert [group.rstrip(".").split(", ") for group in found.groups()] == expected[values]
