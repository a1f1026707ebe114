"""Blocks that shuffle channels: the units of ShuffleNetV1 and V2."""

from __future__ import annotations

import math
from typing import ClassVar

from opscope.graph.blocks.base import StridedBlock
from opscope.graph.blocks.parts import shuffle_unit_v1, shuffle_unit_v2
from opscope.graph.design import Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import divisors


class _Shuffling(StridedBlock, frozen=True, kw_only=True):
    """A unit that keeps its channels at stride 1 and, as published, doubles them at stride 2."""

    @property
    def usual_cout(self) -> int:
        """Output channels where none are given: Cin, and twice as many where the unit strides."""
        return self.cin if self.s == 1 else 2 * self.cin

    def check(self) -> None:
        """Refuse even kernels and other channels than Cin at stride 1."""
        super().check()
        if self.s == 1 and self.channels != self.cin:
            raise self.refuse(
                "at stride 1 the unit keeps its channels",
                f"Use cout={self.cin}, or s=2.",
                *("cin", "cout", "s"),
            )


class ShuffleNetV1(_Shuffling, frozen=True, kw_only=True):
    """Grouped 1×1, Shuffle, depthwise K×K, grouped 1×1; added, or at stride 2 joined, to the input.

    Source: Zhang et al., ShuffleNet, Fig. 2 (b, c); bottleneck Cout / 4 and, by default, 3 groups.
    """

    name: ClassVar[str] = "shufflenet_v1"

    groups: Size = 3

    def check(self) -> None:
        """Refuse channels that cannot be grouped, or none left to join at stride 2."""
        super().check()
        if self.channels % 4:
            raise self.refuse(
                "cout must be four times its bottleneck", "Use multiples of 4.", "cin", "cout"
            )
        if self.s > 1 and self.channels <= self.cin:
            raise self.refuse(
                "a striding unit joins new channels to the input's",
                f"Use a cout above {self.cin}.",
                *("cin", "cout", "s"),
            )
        grouped = (self.cin, self.channels // 4, self.channels)  # and so Cout - Cin
        if any(channels % self.groups for channels in grouped):
            raise self.refuse(
                "groups must divide cin, cout and cout/4",
                divisors(math.gcd(*grouped)),
                *("cin", "cout", "groups"),
            )

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one ShuffleNet unit."""
        return shuffle_unit_v1(net, x, self.channels, groups=self.groups, k=self.k, s=self.s)


class ShuffleNetV2(_Shuffling, frozen=True, kw_only=True):
    """Half the channels pass, half go through 1×1, depthwise K×K, 1×1; joined and shuffled.

    Source: Ma et al., ShuffleNet V2, Fig. 3 (c, d).
    """

    name: ClassVar[str] = "shufflenet_v2"

    def check(self) -> None:
        """Refuse odd channels, which cannot be halved."""
        super().check()
        if self.channels % 2:
            raise self.refuse("cout must be even to be halved", "Use even numbers.", "cin", "cout")

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one ShuffleNetV2 unit."""
        return shuffle_unit_v2(net, x, self.channels, k=self.k, s=self.s)


DESIGNS = (ShuffleNetV1, ShuffleNetV2)
