"""Peak activation memory of branching networks beside feed-forward ones (not-all-ops, Sec. 3)."""

from __future__ import annotations

import pytest

from tests.graph.zoo.peaks import cost_in_place, factor, own_bytes, stack, waiting, worst
from tests.graph.zoo.published.document import DOCUMENT

FEED_FORWARD = (
    "cifar10_full",
    "squeezenet",
    "resnet18",
    "resnet50",
    "inception_v1",
    "inception_v3",
)
BRANCHING = ("densenet121", "darts_imagenet", "nasnet_a_mobile", "nasnet_a_large")


@pytest.mark.parametrize("network", FEED_FORWARD)
def test_feed_forward_networks_keep_what_one_layer_reads_and_writes(network):
    assert factor(cost_in_place(network)) == 1
    assert waiting(cost_in_place(network)) < 1.6


def test_densenet_keeps_an_eighth_more():
    assert factor(cost_in_place("densenet121")) == pytest.approx(9 / 8)
    assert factor(cost_in_place("densenet121"), best=True) == pytest.approx(9 / 8)


@pytest.mark.parametrize(
    ("network", "given", "best"), [("nasnet_a_mobile", 1.67, 1.29), ("nasnet_a_large", 1.72, 1.34)]
)
def test_nasnet_keeps_two_thirds_more_and_a_better_order_half_of_that(network, given, best):
    assert factor(cost_in_place(network)) == pytest.approx(given, abs=0.01)
    assert factor(cost_in_place(network), best=True) == pytest.approx(best, abs=0.01)
    assert waiting(cost_in_place(network)) > 3


def test_single_nodes_of_searched_cells_wait_for_most():
    others = max(worst(cost_in_place(network)) for network in (*FEED_FORWARD, "densenet121"))
    searched = min(worst(cost_in_place(n)) for n in BRANCHING if n != "densenet121")
    assert searched > 1.9 * others


@pytest.mark.parametrize("layers", [2, 5, 10])
def test_reading_all_before_takes_as_many_times_the_memory_as_there_are_layers(layers):
    chain, joined = stack(layers, joined=False), stack(layers, joined=True)
    assert joined.peak_activation_bytes / chain.peak_activation_bytes == layers


@pytest.mark.parametrize("network", FEED_FORWARD + BRANCHING)
def test_the_document_states_what_is_counted(network):
    cost = cost_in_place(network)
    cells = (
        f"`{network}`",
        f"{max(own_bytes(cost)) / 1e6:.2f}",
        f"{cost.peak_activation_bytes_given_order / 1e6:.2f}",
        f"{cost.peak_activation_bytes / 1e6:.2f}",
        f"{factor(cost):.2f}",
        f"{factor(cost, best=True):.2f}",
        f"{waiting(cost):.2f}",
        f"{worst(cost):.2f}",
    )
    assert f"| {' | '.join(cells)} |" in DOCUMENT.read_text(encoding="utf-8")
