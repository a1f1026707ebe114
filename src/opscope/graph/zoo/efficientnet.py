"""EfficientNet B0 to B4 and Lite0 to Lite2: one baseline, scaled in width, depth and input.

Padding is symmetric, which gives the sizes of TensorFlow's convention.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import msgspec

from opscope.graph.activations import Activation
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork, Width, round_channels
from opscope.graph.zoo.stages import Stage, add_stage

Depth = Annotated[float, msgspec.Meta(gt=0, le=16)]
"""A multiplier of the blocks in each stage: 1 is the baseline."""

_STAGES = (
    Stage(1, 16, 1, 1, squeezed=True),
    Stage(6, 24, 2, 2, squeezed=True),
    Stage(6, 40, 2, 2, k=5, squeezed=True),
    Stage(6, 80, 3, 2, squeezed=True),
    Stage(6, 112, 3, 1, k=5, squeezed=True),
    Stage(6, 192, 4, 2, k=5, squeezed=True),
    Stage(6, 320, 1, 1, squeezed=True),
)


class EfficientNetB0(ImageNetwork, frozen=True, kw_only=True):
    """EfficientNet-B0: inverted residuals with Swish and squeeze-and-excitation.

    ``width`` and ``depth`` multiply this baseline in the larger ones too, whose defaults are their
    publication's. Numbers of blocks are rounded up.

    Source: Tan and Le, EfficientNet, Table 1; the authors' `efficientnet_builder.py` for the
    coefficients of B1 to B4.

    Attributes:
        depth: Multiplier of the blocks in each stage.
    """

    name: ClassVar[str] = "efficientnet_b0"

    depth: Depth = 1.0

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        act = Activation.SWISH
        y = net.conv_bn(x, round_channels(32 * self.width), 3, s=2, act=act)
        for stage in _STAGES:
            deeper = stage._replace(blocks=math.ceil(stage.blocks * self.depth))
            y = add_stage(net, y, deeper, act=act, width=self.width)
        y = net.conv_bn(y, round_channels(1280 * self.width), 1, act=act)
        return self.classify(net, y)


class EfficientNetB1(EfficientNetB0, frozen=True, kw_only=True):
    """EfficientNet-B1, deeper."""

    name: ClassVar[str] = "efficientnet_b1"
    input: Size = 240
    depth: Depth = 1.1


class EfficientNetB2(EfficientNetB0, frozen=True, kw_only=True):
    """EfficientNet-B2, deeper and wider."""

    name: ClassVar[str] = "efficientnet_b2"
    input: Size = 260
    width: Width = 1.1
    depth: Depth = 1.2


class EfficientNetB3(EfficientNetB0, frozen=True, kw_only=True):
    """EfficientNet-B3, deeper and wider."""

    name: ClassVar[str] = "efficientnet_b3"
    input: Size = 300
    width: Width = 1.2
    depth: Depth = 1.4


class EfficientNetB4(EfficientNetB0, frozen=True, kw_only=True):
    """EfficientNet-B4, deeper and wider."""

    name: ClassVar[str] = "efficientnet_b4"
    input: Size = 380
    width: Width = 1.4
    depth: Depth = 1.8


class EfficientNetLite0(ImageNetwork, frozen=True, kw_only=True):
    """EfficientNet-Lite0: ReLU6 instead of Swish, and no squeeze-and-excitation.

    ``depth`` leaves the first and last stage alone, ``width`` the first and last convolution.

    Source: Liu, Higher accuracy on vision models with EfficientNet-Lite; the authors'
    `efficientnet_lite_builder.py` for the coefficients and what they leave alone.

    Attributes:
        depth: Multiplier of the blocks in each stage between the first and the last.
    """

    name: ClassVar[str] = "efficientnet_lite0"

    depth: Depth = 1.0

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        act = Activation.RELU6
        y = net.conv_bn(x, 32, 3, s=2, act=act)
        for stage in _STAGES:
            depth = 1.0 if stage in {_STAGES[0], _STAGES[-1]} else self.depth
            blocks = math.ceil(stage.blocks * depth)
            plain = stage._replace(blocks=blocks, squeezed=False)
            y = add_stage(net, y, plain, act=act, width=self.width)
        return self.classify(net, net.conv_bn(y, 1280, 1, act=act))


class EfficientNetLite1(EfficientNetLite0, frozen=True, kw_only=True):
    """EfficientNet-Lite1, deeper."""

    name: ClassVar[str] = "efficientnet_lite1"
    input: Size = 240
    depth: Depth = 1.1


class EfficientNetLite2(EfficientNetLite0, frozen=True, kw_only=True):
    """EfficientNet-Lite2, deeper and wider."""

    name: ClassVar[str] = "efficientnet_lite2"
    input: Size = 260
    width: Width = 1.1
    depth: Depth = 1.2


DESIGNS: tuple[type[Design], ...] = (
    EfficientNetB0,
    EfficientNetB1,
    EfficientNetB2,
    EfficientNetB3,
    EfficientNetB4,
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
)
