"""The network that MAC tunnel vision scales in input, width, depth and groups.

Which configurations are measured is declared in ``studies/mac-tunnel-vision``.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from opscope.graph.backbones.base import Backbone, Depth
from opscope.graph.blocks.parts import residual_bottleneck
from opscope.graph.design import Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network

MULTIPLES = (2, 4, 8)
"""Widths of the stages, in base widths (Sec. II, In/Out Feature Size)."""

Groups = Size | Literal["depthwise", "nan"]
"""A number of groups, or as many as channels; ``nan`` is how the paper writes that."""


class ScaledResnet(Backbone, frozen=True, kw_only=True):
    """Stages of residual 1×1, grouped 3×3, 1×1 blocks, 2, 4 and 8 times as wide as the base.

    Shapes: (N, 3, input, input) to (N, 8 · width, input / 16, input / 16), halves rounded up.

    The paper gives block, multiples and ranges. What it leaves open is chosen so: a 3×3 convolution
    at stride 2 makes ``width`` channels of the image; the 3×3 of each stage's first block strides
    by 2; all three convolutions of a block have the stage's width; BatchNorm follows each; the
    input of a block is added to its output, as in the ResNet its Sec. II starts from; there is no
    head, so that only the block's operations count.

    Attributes:
        width: Base width, 4 to 256 in the paper.
        depth: Blocks in each stage.
        groups: Groups of the 3×3 convolutions, 1 to 256 in the paper, or ``depthwise``. Stages
            with fewer channels than groups are depthwise; where all are, this is ``depthwise``.
        input: Height and width of the image, 32 to 1024 in the paper.

    Source: Chenna, Bridging the MAC Tunnel Vision, Sec. II, key parameters 1 to 5, and Fig. 3.
    """

    name: ClassVar[str] = "scaled_resnet"

    width: Size = 32
    depth: Depth = 2
    groups: Groups = 1
    input: Size = 224

    def __post_init__(self) -> None:
        """Spell depthwise in one way, so that one network has one name."""
        if self.groups == "nan" or self._exceed(MULTIPLES[-1] * self.width - 1):
            msgspec.structs.force_setattr(self, "groups", "depthwise")

    def check(self) -> None:
        """Refuse groups that neither divide the channels of a stage nor exceed them."""
        for multiple in MULTIPLES:
            channels = multiple * self.width
            if channels % self._groups(channels):
                raise self.refuse(
                    f"groups must divide the {channels} channels of a stage or exceed them",
                    f"Use a divisor of {MULTIPLES[0] * self.width}, or depthwise.",
                    *("width", "groups"),
                )

    def build(self, net: Network, batch: int) -> Tensor:
        """Add stem and stages."""
        x = net.conv_bn(net.input((batch, 3, self.input, self.input)), self.width, 3, s=2)
        for multiple in MULTIPLES:
            channels = multiple * self.width
            groups = self._groups(channels)
            for index in range(self.depth):
                s = 1 if index else 2
                x = residual_bottleneck(net, x, channels, middle=channels, s=s, groups=groups)
        return x

    def _groups(self, channels: int) -> int:
        """Return the groups of a 3×3 convolution of ``channels``."""
        if isinstance(self.groups, str) or self._exceed(channels):
            return channels
        return self.groups

    def _exceed(self, channels: int) -> bool:
        return isinstance(self.groups, int) and self.groups > channels


DESIGNS: tuple[type[Backbone], ...] = (ScaledResnet,)
