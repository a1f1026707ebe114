"""ShuffleNetV1 and V2. Padding is symmetric, as the authors' PyTorch code has it."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

from opscope.graph.blocks.parts import shuffle_unit_v1, shuffle_unit_v2
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork, round_channels

_UNITS = (4, 8, 4)
"""Units in stages 2, 3 and 4; the first of each strides."""

_V1_CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Output channels of stage 2 by groups; each stage has twice those of the one before."""


class ShuffleNetV1(ImageNetwork, frozen=True, kw_only=True):
    """ShuffleNet s×: grouped 1×1 convolutions between which channels are shuffled.

    The default of 8 groups is the network that the behaviour study measured: the 140 M MACs and
    67.6 % accuracy of its Table 4 are those of "ShuffleNet 1× (g = 8)". Widths other than 1 round
    to multiples of four times the groups, which must divide the bottleneck of every unit. The first
    convolution widens in whole steps above 1: at 1.5 it still has 24 channels, which the published
    MACs require.

    Source: Zhang et al., ShuffleNet, Table 1 and Sec. 3.3; the authors' `network.py` for widths.

    Attributes:
        groups: Groups of the 1×1 convolutions: 1, 2, 3, 4 or 8.
    """

    name: ClassVar[str] = "shufflenet_v1"

    groups: Size = 8

    def check(self) -> None:
        """Refuse groups without published channels."""
        super().check()
        if self.groups not in _V1_CHANNELS:
            raise self.refuse(
                "channels for so many groups were never published",
                f"Use {', '.join(map(str, _V1_CHANNELS))}.",
                "groups",
            )

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        steps = math.floor(self.width) if self.width > 1 else self.width
        y = net.conv_bn(x, round_channels(24 * steps, self.groups), 3, s=2)
        y = net.max_pool(y, 3, s=2, pad=1)
        first = round_channels(_V1_CHANNELS[self.groups] * self.width, 4 * self.groups)
        for stage, units in enumerate(_UNITS):
            for unit in range(units):
                y = shuffle_unit_v1(
                    net,
                    y,
                    first * 2**stage,
                    groups=self.groups,
                    s=2 if unit == 0 else 1,
                    group_first=stage > 0 or unit > 0,
                )
        return self.classify(net, y)


class _V2Channels(NamedTuple):
    """Output channels of stages 2, 3 and 4, and of the last convolution."""

    stages: tuple[int, int, int]
    last: int


_V2_CHANNELS = {
    0.5: _V2Channels((48, 96, 192), 1024),
    1.0: _V2Channels((116, 232, 464), 1024),
    1.5: _V2Channels((176, 352, 704), 1024),
    2.0: _V2Channels((244, 488, 976), 2048),
}


class ShuffleNetV2(ImageNetwork, frozen=True, kw_only=True):
    """ShuffleNetV2: half the channels pass each unit untouched.

    Widths are names of the table's columns, whose channels are not proportional to them; between
    columns a multiplier would stand for a network that nobody published, so others are refused.

    Source: Ma et al., ShuffleNet V2, Table 5.
    """

    name: ClassVar[str] = "shufflenet_v2"

    def check(self) -> None:
        """Refuse widths without published channels."""
        super().check()
        if self.width not in _V2_CHANNELS:
            raise self.refuse(
                "channels for this width were never published",
                f"Use {', '.join(map(str, _V2_CHANNELS))}.",
                "width",
            )

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        stages, last = _V2_CHANNELS[self.width]
        y = net.max_pool(net.conv_bn(x, 24, 3, s=2), 3, s=2, pad=1)
        for channels, units in zip(stages, _UNITS, strict=True):
            for unit in range(units):
                y = shuffle_unit_v2(net, y, channels, s=2 if unit == 0 else 1)
        return self.classify(net, net.conv_bn(y, last, 1))


DESIGNS: tuple[type[Design], ...] = (ShuffleNetV1, ShuffleNetV2)
