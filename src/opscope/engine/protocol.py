"""The protocol: in which order the members of a cohort are visited, round by round."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def visiting_order(members: Sequence[T], *, seed: str, round_: int) -> list[T]:
    """Return the members in the order of this round, shuffled.

    The order follows from the seed, so that a run can be repeated exactly.
    """
    order = list(members)
    random.Random(f"{seed}/{round_}").shuffle(order)  # noqa: S311 - an order, not a secret
    return order
