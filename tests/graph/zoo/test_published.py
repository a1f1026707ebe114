"""The zoo's MACs and parameters beside every published figure, and docs/zoo.md that says so."""

from __future__ import annotations

import dataclasses
import math

import pytest

from opscope.graph.zoo import DESIGNS
from tests.graph.zoo.networks import cost_of, graph_of
from tests.graph.zoo.published import TABLE, document
from tests.graph.zoo.published.conventions import (
    batch_norm_channels,
    macs_and_elements,
    two_per_mac,
)
from tests.graph.zoo.published.record import TOLERANCE, Published, macs

IDS = [f"{row.network}-{row.figure or 'none'}" for row in TABLE]
PINNED = [row for row in TABLE if row.counted is not None]
CONVERTED = [row for row in TABLE if row.converted]


def problem(row: Published) -> str:
    """Return what is wrong with a row, or nothing."""
    needs_words = not row.figure or row.counted is not None or row.converted
    if needs_words and not row.explanation:
        return "no explanation"
    if not row.figure:
        return ""
    if row.counted is None:
        return "" if row.agrees(row.count) else "a difference without explanation"
    if row.agrees(row.count):
        return "an explanation of no difference"
    return "" if row.count == row.counted else "another difference than the explained one"


@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_counts_are_the_published_ones_or_the_difference_is_explained(row):
    assert problem(row) == "", f"{row.count:,} counted"
    assert row.source


@pytest.mark.parametrize(
    ("altered", "said"),
    [
        ({"figure": "219 M"}, "a difference without explanation"),
        ({"figure": "219 M", "counted": 216_589_760}, "no explanation"),
        (
            {"figure": "219 M", "counted": 216_589_761, "explanation": "because"},
            "another difference than the explained one",
        ),
        ({"counted": 216_589_760, "explanation": "because"}, "an explanation of no difference"),
        ({"convention": two_per_mac, "explanation": "doubled"}, "a difference without explanation"),
        ({"convention": two_per_mac, "figure": "433 M"}, "no explanation"),
        ({"figure": ""}, "no explanation"),
    ],
)
def test_a_row_that_does_not_hold_is_found(altered, said):
    row = macs("mobilenet_v3_large", "217 M", "somewhere")
    assert problem(row) == ""
    assert problem(dataclasses.replace(row, **altered)) == said


def test_the_tolerances_are_one_per_cent_and_half_a_per_cent():
    assert TOLERANCE == {"MACs": 0.01, "parameters": 0.005}


@pytest.mark.parametrize("quantity", ["MACs", "parameters"])
def test_every_network_is_in_the_table_with_its_default_parameters(quantity):
    rows = {row.network for row in TABLE if row.quantity == quantity}
    assert {design.name for design in DESIGNS} <= rows


def test_only_the_networks_of_our_own_dimensions_have_no_published_count():
    names = {row.network for row in TABLE if not row.figure}
    assert names == {"ds_cnn_a", "ds_cnn_b", "ds_cnn_d", "ds_cnn_e"}
    assert not names & {row.network for row in TABLE if row.figure}


def test_no_figure_is_there_twice():
    keys = [(row.network, row.quantity, row.figure, row.source) for row in TABLE]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("row", CONVERTED, ids=lambda row: f"{row.network}-{row.figure}")
def test_a_source_s_convention_is_nearer_to_its_figure_than_plain_counts(row):
    assert abs(row.count - row.value) < abs(row.plain - row.value)


def test_parameters_printed_in_full_are_ours_to_the_last():
    rows = [row for row in TABLE if row.quantity == "parameters" and row.figure[-1:].isdigit()]
    assert len(rows) > 50
    assert [row for row in rows if row.count != row.value] == []


@pytest.mark.parametrize(
    ("network", "figure", "percent"),
    [
        ("inception_v1", "1448 M", 3.48),
        ("efficientnet_b4", "4.2 G", 4.61),
        ("darts_imagenet", "574 M", -7.68),
    ],
)
def test_what_is_not_explained_is_known_and_stands_beside_a_figure_that_agrees(
    network, figure, percent
):
    (row,) = (row for row in PINNED if (row.network, row.figure) == (network, figure))
    assert not row.explained
    assert 100 * (row.count / row.value - 1) == pytest.approx(percent, abs=0.005)
    of_network = [r for r in TABLE if (r.network, r.quantity) == (network, "MACs")]
    assert any(other.agrees(other.count) for other in of_network)


def test_nothing_else_is_not_explained():
    assert sum(not row.explained for row in TABLE) == 3
    assert all(row in PINNED for row in TABLE if not row.explained)


def test_the_document_is_what_the_table_and_the_counts_give():
    assert document.documented() == document.render(), (
        f"rewrite it with `python -m {document.__name__}`"
    )


# --- What the explanations say -----------------------------------------------------------------


def test_strides_and_input_explain_the_behaviour_studys_two_resnets():
    at_224 = cost_of("resnet50_v2,input=224")
    assert at_224.macs == cost_of("resnet50_v1").macs
    assert cost_of("resnet50_v1").macs / cost_of("resnet50").macs == pytest.approx(0.852, abs=1e-3)
    assert cost_of("resnet50_v2").macs / at_224.macs == pytest.approx(1.877, abs=1e-3)


def test_channels_and_classes_explain_two_inceptions():
    assert batch_norm_channels(graph_of("inception_v3")) == 17_216
    assert batch_norm_channels(graph_of("inception_v1")) == 7_280
    more = cost_of("inception_v1,classes=1001").parameters - cost_of("inception_v1").parameters
    assert more == 1_025


@pytest.mark.parametrize(
    ("coefficients", "figure", "percent"),
    [
        ("width=1,depth=1,input=224", 0.39, -1.1),
        ("width=1,depth=1.1,input=240", 0.70, -1.9),
        ("width=1.1,depth=1.2,input=260", 1.0, -0.6),
        ("width=1.2,depth=1.4,input=300", 1.8, 1.5),
        ("width=1.4,depth=1.8,input=380", 4.2, 4.6),
        ("width=1.6,depth=2.2,input=456", 9.9, 3.7),
        ("width=1.8,depth=2.6,input=528", 19, 0.4),
        ("width=2,depth=3.1,input=600", 37, 2.0),
    ],
)
def test_the_efficientnet_papers_figures_lie_on_both_sides_of_ours(coefficients, figure, percent):
    counted = cost_of(f"efficientnet_b0,{coefficients}").macs / 1e9
    assert 100 * (counted / figure - 1) == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize(
    ("altered", "millions"),
    [
        ("efficientnet_b4,input=364", 4167),
        ("efficientnet_b4,input=368", 4182),
        ("efficientnet_b4,input=370", 4344),
        ("efficientnet_b4,depth=1.7", 4260),
        ("efficientnet_b4,width=1.35", 4116),
        ("inception_v1,classes=1001", 1498.4),
        ("darts_imagenet,input=256", 691.9),
    ],
)
def test_what_does_not_make_a_figure_is_as_the_explanation_says(altered, millions):
    digits = len(str(millions).partition(".")[2])
    assert round(cost_of(altered).macs / 1e6, digits) == millions


def test_elements_and_larger_kernels_do_not_make_574_million_either():
    cost, graph = cost_of("darts_imagenet"), graph_of("darts_imagenet")
    once = macs_and_elements(BatchNormalization=1, Relu=1, Add=1, MaxPool=1)
    assert round(once(graph, cost) / 1e6, 1) == 541.6
    nine = [w.shape for w in graph.weights if w.shape[1:] == (1, 3, 3)]
    depthwise = sum(
        layer.macs
        for layer in cost.layers
        if layer.operator == "Conv" and layer.inputs[0] == layer.outputs[0]
        if layer.macs == 9 * math.prod(layer.outputs[0])
    )
    assert round((cost.macs + 16 / 9 * depthwise) / 1e6, 1) == 576.3
    assert round((cost.parameters + 16 * sum(c for c, *_ in nine)) / 1e6, 2) == 4.96
