"""What backbones share: their kind, and the check of their kernels. The networks live beside."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.graph.design import Design

Depth = Annotated[int, msgspec.Meta(ge=1, le=1000)]
"""A count of blocks."""


class Backbone(Design, frozen=True, kw_only=True):
    """A stack of blocks without a head: its output is a feature map (N, C, H, W)."""

    kind: ClassVar[str] = "backbone"

    def refuse_even(self, k: int) -> None:
        """Refuse a kernel that no equal padding on both sides keeps at the size of its input.

        Raises:
            ConfigurationError: If ``k`` is even.
        """
        if k % 2 == 0:
            raise self.refuse("the kernel must be odd", f"Use k={k - 1} or k={k + 1}.", "k")
