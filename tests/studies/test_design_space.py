"""The behaviour study's design space: every space expands, every configuration is possible."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from opscope.core.configuration import Configuration
from opscope.engine.studies import load_study
from opscope.graph import resolve
from opscope.testing.graphs import compute, graph_of

POINTS = 9_881
CONFIGURATIONS = 9_848
PER_KIND = {
    "conv": 4_904,
    "dwconv": 2_512,
    "mixconv": 360,
    "block": 1_530,
    "pool": 135,
    "add": 45,
    "concat": 45,
    "multiply": 45,
    "shuffle": 45,
    "act": 225,
    "fc": 2,
}
SIZES = {224, 112, 56, 28, 14, 7}
CHANNELS = {32, 64, 96, 128, 160, 240, 256, 320, 480, 512, 640}


@pytest.fixture(scope="module")
def points():
    """Return every point as an unresolved configuration, repeats included."""
    return [
        Configuration(kind=space.kind, name=space.name, parameters=tuple(point.items()))
        for space in load_study("design-space").spaces
        for point in space.points()
    ]


@pytest.fixture(scope="module")
def configurations(points):
    return {resolve(point) for point in points}


def test_every_space_expands_and_every_configuration_is_possible(points, configurations):
    assert len(points) == POINTS
    assert len(configurations) == CONFIGURATIONS
    assert Counter(configuration.kind for configuration in configurations) == PER_KIND


def test_the_documentation_quotes_the_same_counts():
    page = (Path(__file__).parents[2] / "docs" / "design-space.md").read_text()
    spaces = load_study("design-space").spaces
    quoted = f"{len(spaces)} spaces expand to {POINTS:,} points, which are\n{CONFIGURATIONS:,} conf"
    assert quoted in page
    parts = re.findall(r"^\| .* \| ([\d,]+) \|$", page, re.MULTILINE)
    assert sum(int(part.replace(",", "")) for part in parts) == POINTS


def values(configurations, kind, key):
    return {c.get(key) for c in configurations if c.kind == kind} - {None}


def test_dimensions_have_the_values_of_table_1(configurations):
    every = range(3, 1001)
    assert values(configurations, "conv", "cout") == set(every)
    assert values(configurations, "conv", "cin") == set(every)
    assert values(configurations, "dwconv", "c") == set(every)
    assert values(configurations, "conv", "k") == {1, 3, 5, 7}
    assert values(configurations, "conv", "dilation") == {2}
    assert values(configurations, "conv", "groups") == {4}
    assert values(configurations, "fc", "cin") == {1024, 1280}
    assert values(configurations, "fc", "cout") == {1000}
    assert values(configurations, "pool", "k") == {7}
    assert values(configurations, "block", "k") == {5, 7}  # and 3, the default
    assert values(configurations, "block", "cin") == CHANNELS
    for kind in ("mixconv", "pool", "add", "concat", "multiply", "shuffle", "act"):
        assert values(configurations, kind, "c") == CHANNELS
    for kind in ("conv", "dwconv", "mixconv", "pool", "add", "shuffle", "act", "block"):
        assert values(configurations, kind, "h") == SIZES
    for kind in ("conv", "dwconv", "mixconv", "block"):
        assert values(configurations, kind, "s") == {2}  # and 1, the default


def test_layer_types_are_those_of_table_1_and_figure_2(configurations):
    names = {(c.kind, c.name) for c in configurations if c.name}
    assert names == {
        *(("pool", name) for name in ("max", "average", "global")),
        *(("act", name) for name in ("relu", "relu6", "sigmoid", "hard_swish", "swish")),
        *(("block", f"mobilenet_{name}") for name in ("v1", "v2", "v2_se")),
        *(("block", f"shufflenet_{name}") for name in ("v1", "v2")),
        *(("block", name) for name in ("dense", "se")),
    }
    pairs = {c.get("act") for c in configurations if c.kind == "dwconv"}
    assert pairs == {None, "relu", "relu6", "sigmoid", "hard_swish", "swish"}


@pytest.mark.parametrize(
    "text",
    [
        "conv:h=28,cin=320,cout=64,k=3",  # Fig. 4 and B.1
        "block:mobilenet_v1,h=56,cin=32",  # Fig. 6
        "block:mobilenet_v2,h=56,cin=32",
        "block:mobilenet_v2_se,h=56,cin=32",
        "block:shufflenet_v2,h=56,cin=32",
        "block:dense,h=56,cin=32",
        "dwconv:h=28,c=96,k=3,act=swish",  # Fig. 7
        "conv:h=56,cin=32,cout=32,k=7",  # Fig. 8
        "dwconv:h=56,c=32,k=5",
        "dwconv:h=7,c=500,k=3",  # Fig. B.3
    ],
)
def test_the_paper_s_figures_are_in_the_space(text, configurations):
    assert resolve(text) in configurations


def test_every_layer_type_runs(configurations):
    """One configuration of each layer type, the smallest images first, in onnxruntime."""
    smallest = {}
    for configuration in sorted(configurations, key=lambda c: (c.get("h") or 0, str(c))):
        smallest.setdefault((configuration.kind, configuration.name), configuration)
    assert len(smallest) == 23
    for configuration in smallest.values():
        graph = graph_of(str(configuration))
        assert np.isfinite(compute(graph, graph.draw_inputs(0))).all()
