"""The protocol: in which order a cohort's deployments are visited, preparation by preparation."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

from opscope.core.study import Protocol

T = TypeVar("T")


def rounds_of(protocol: Protocol, preparation: int) -> range:
    """Return the numbers of the rounds that fall on one preparation, as even a share as can be."""
    share, rest = divmod(protocol.rounds, protocol.preparations)
    start = preparation * share + min(preparation, rest)
    return range(start, start + share + (preparation < rest))


def visiting_orders(
    protocol: Protocol, preparation: int, members: Sequence[T], seed: str
) -> Iterator[tuple[int, list[T]]]:
    """Yield each round of a preparation with its own shuffled order of the members.

    The order follows from the seed, so that a run can be repeated exactly.
    """
    for number in rounds_of(protocol, preparation):
        order = list(members)
        random.Random(f"{seed}/{number}").shuffle(order)  # noqa: S311 - an order, not a secret
        yield number, order
