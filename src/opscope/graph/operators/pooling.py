"""Pooling: maximum and average over a window, and the average over all pixels."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.graph.design import Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import OnChannels
from opscope.graph.windows import output_size


class _Windowed(OnChannels, frozen=True, kw_only=True):
    kind: ClassVar[str] = "pool"

    k: Size
    s: Size = 1
    pad: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0

    def check(self) -> None:
        """Refuse windows that do not fit, and padding in which a whole window would lie."""
        if self.pad >= self.k:
            raise self.refuse(
                "padding must be smaller than the window",
                f"Use pad=0 to {self.k - 1}." if self.k > 1 else "Use pad=0.",
                *("k", "pad"),
            )
        side = min(self.h, self.width)
        if output_size(side, self.k, self.s, 2 * self.pad) < 1:
            raise self.refuse(
                "the window is larger than the padded input",
                f"Use k={side + 2 * self.pad} or less, or a larger input.",
                *("h", "k", "pad"),
            )


class MaxPool(_Windowed, frozen=True, kw_only=True):
    """Maximum over a K×K window.

    Source: Tang et al., behaviour study, Table 1; Lai et al., Not All Ops, Fig. 1.
    """

    name: ClassVar[str] = "max"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one max pooling."""
        return net.max_pool(x, self.k, s=self.s, pad=self.pad)


class AveragePool(_Windowed, frozen=True, kw_only=True):
    """Average over a K×K window; padding is not counted.

    Source: Tang et al., behaviour study, Table 1.
    """

    name: ClassVar[str] = "average"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one average pooling."""
        return net.average_pool(x, self.k, s=self.s, pad=self.pad)


class GlobalPool(OnChannels, frozen=True, kw_only=True):
    """Average over all pixels: (N, C, H, W) to (N, C, 1, 1).

    Source: Tang et al., behaviour study, Sec. 4.2 (global pooling in SE).
    """

    kind: ClassVar[str] = "pool"
    name: ClassVar[str] = "global"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one global average pooling."""
        return net.global_average_pool(x)


DESIGNS = (MaxPool, AveragePool, GlobalPool)
