"""Blocks that join branches along the channels: Dense and Inception."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.core.text import Value
from opscope.graph.blocks.base import Block
from opscope.graph.blocks.parts import Branches, dense_layer, inception_module
from opscope.graph.design import Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network

_SHARES = 16  # Inception's branches are 4, 8, 2 and 2 sixteenths of Cout


class Dense(Block, frozen=True, kw_only=True):
    """``depth`` dense layers, each of which joins ``growth`` new channels to its input.

    ``bottleneck`` · growth channels lie between the 1×1 and the K×K convolution of a layer.

    Source: Huang et al., DenseNet, Sec. 3 (DenseNet-B) and Table 1 (growth 32).
    """

    name: ClassVar[str] = "dense"

    k: Size = 3
    growth: Size = 32
    bottleneck: Size = 4
    depth: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1

    def check(self) -> None:
        """Refuse even kernels."""
        self.need_odd("k")

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one or more dense layers."""
        for _ in range(self.depth):
            x = dense_layer(net, x, self.growth, bottleneck=self.bottleneck, k=self.k)
        return x


class Inception(Block, frozen=True, kw_only=True):
    """Inception module: 1×1, 3×3, 5×5 and max-pool branches, joined.

    Branches share Cout as in GoogLeNet's module 3a, which cin=192, cout=256 is: 1/4, 1/2, 1/8 and
    1/8, after reductions to 3/8 and 1/16. ``batch_norm`` adds BatchNorm after each convolution.

    Source: Szegedy et al., Going Deeper with Convolutions, Fig. 2 (b) and Table 1.
    """

    name: ClassVar[str] = "inception"

    cout: Size | None = None
    batch_norm: Flag = 0

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.cout or self.cin

    def implied(self) -> dict[str, Value]:
        """W is H, and Cout Cin, where left out."""
        return {**super().implied(), "cout": self.cin}

    def check(self) -> None:
        """Refuse channels that the branches cannot share."""
        if self.channels % _SHARES:
            raise self.refuse(
                f"cout must be a multiple of {_SHARES}, which the branches share",
                f"Use cout={-(-self.channels // _SHARES) * _SHARES}.",
                *("cin", "cout"),
            )

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one Inception module."""
        share = self.channels // _SHARES
        branches = Branches(
            one=4 * share,
            three_reduce=6 * share,
            three=8 * share,
            five_reduce=share,
            five=2 * share,
            pool=2 * share,
        )
        return inception_module(net, x, branches, batch_norm=bool(self.batch_norm))


DESIGNS = (Dense, Inception)
