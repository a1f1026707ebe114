"""MobileNetV1, V2, V3-Large and V3-Small.

Padding is symmetric, where the original TensorFlow code pads more at the bottom and right; kernels
being odd, every tensor has the same size in both conventions, and so have the counts.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from opscope.graph.activations import Activation
from opscope.graph.blocks.parts import Squeeze, inverted_residual, separable
from opscope.graph.design import Design
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork, round_channels
from opscope.graph.zoo.stages import Stage, add_stage

_V1_SEPARABLE = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *(((512, 1),) * 5),
    (1024, 2),
    (1024, 1),
)

_V2_STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


class MobileNetV1(ImageNetwork, frozen=True, kw_only=True):
    """MobileNet: thirteen depthwise separable convolutions with ReLU.

    The width multiplier's channels are cut to whole numbers of at least 8, as the authors' code
    does, not rounded to multiples of 8.

    Source: Howard et al., MobileNets, Table 1; `mobilenet_v1.py` of TensorFlow-Slim for widths.
    """

    name: ClassVar[str] = "mobilenet_v1"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        y = net.conv_bn(x, self._scale(32), 3, s=2)
        for channels, stride in _V1_SEPARABLE:
            y = separable(net, y, self._scale(channels), s=stride)
        return self.classify(net, y)

    def _scale(self, channels: int) -> int:
        return max(8, int(channels * self.width))


class MobileNetV2(ImageNetwork, frozen=True, kw_only=True):
    """MobileNetV2: inverted residuals with linear bottlenecks and ReLU6.

    The last convolution keeps its 1280 channels at widths below 1.

    Source: Sandler et al., MobileNetV2, Table 2 and Sec. 6.1.
    """

    name: ClassVar[str] = "mobilenet_v2"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        act = Activation.RELU6
        y = net.conv_bn(x, round_channels(32 * self.width), 3, s=2, act=act)
        for stage in _V2_STAGES:
            y = add_stage(net, y, stage, act=act, width=self.width)
        y = net.conv_bn(y, round_channels(1280 * max(1.0, self.width)), 1, act=act)
        return self.classify(net, y)


class _Bneck(NamedTuple):
    """One row of MobileNetV3's tables: absolute expansion size, ``RE`` or ``HS``."""

    k: int
    expanded: int
    channels: int
    squeezed: bool
    act: Activation
    stride: int


_RE, _HS = Activation.RELU, Activation.HARD_SWISH

_LARGE = (
    _Bneck(3, 16, 16, False, _RE, 1),
    _Bneck(3, 64, 24, False, _RE, 2),
    _Bneck(3, 72, 24, False, _RE, 1),
    _Bneck(5, 72, 40, True, _RE, 2),
    _Bneck(5, 120, 40, True, _RE, 1),
    _Bneck(5, 120, 40, True, _RE, 1),
    _Bneck(3, 240, 80, False, _HS, 2),
    _Bneck(3, 200, 80, False, _HS, 1),
    _Bneck(3, 184, 80, False, _HS, 1),
    _Bneck(3, 184, 80, False, _HS, 1),
    _Bneck(3, 480, 112, True, _HS, 1),
    _Bneck(3, 672, 112, True, _HS, 1),
    _Bneck(5, 672, 160, True, _HS, 2),
    _Bneck(5, 960, 160, True, _HS, 1),
    _Bneck(5, 960, 160, True, _HS, 1),
)

_SMALL = (
    _Bneck(3, 16, 16, True, _RE, 2),
    _Bneck(3, 72, 24, False, _RE, 2),
    _Bneck(3, 88, 24, False, _RE, 1),
    _Bneck(5, 96, 40, True, _HS, 2),
    _Bneck(5, 240, 40, True, _HS, 1),
    _Bneck(5, 240, 40, True, _HS, 1),
    _Bneck(5, 120, 48, True, _HS, 1),
    _Bneck(5, 144, 48, True, _HS, 1),
    _Bneck(5, 288, 96, True, _HS, 2),
    _Bneck(5, 576, 96, True, _HS, 1),
    _Bneck(5, 576, 96, True, _HS, 1),
)


class _MobileNetV3(ImageNetwork, frozen=True, kw_only=True):
    """What both sizes share: hard-swish at the ends, hard-sigmoid gates, a layer after pooling.

    The last convolution has six times the channels of the last block; the layer after pooling is a
    1×1 convolution with bias and without BatchNorm ("NBN"), and keeps its channels at widths below
    1. At other widths an expansion keeps its ratio to the channels that come in.

    Source: Howard et al., Searching for MobileNetV3, Sec. 5 and Tables 1, 2; `mobilenet_v3.py` of
    TensorFlow-Slim for widths.
    """

    blocks: ClassVar[tuple[_Bneck, ...]]
    last: ClassVar[int]

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        published = 16
        y = net.conv_bn(x, round_channels(published * self.width), 3, s=2, act=_HS)
        for block in self.blocks:
            y = self._block(net, y, block, expansion=block.expanded / published)
            published = block.channels
        y = net.global_average_pool(net.conv_bn(y, 6 * y.channels, 1, act=_HS))
        last = round_channels(self.last * max(1.0, self.width))
        y = net.activate(net.conv(y, last, 1), _HS)
        return net.fully_connected(net.flatten(y), self.classes)

    def _block(self, net: Network, x: Tensor, block: _Bneck, *, expansion: float) -> Tensor:
        expanded = round_channels(expansion * x.channels)
        squeeze = Squeeze(channels=round_channels(expanded / 4), gate=Activation.HARD_SIGMOID)
        return inverted_residual(
            net,
            x,
            round_channels(block.channels * self.width),
            expanded=expanded,
            k=block.k,
            s=block.stride,
            act=block.act,
            squeeze=squeeze if block.squeezed else None,
        )


class MobileNetV3Large(_MobileNetV3, frozen=True, kw_only=True):
    """MobileNetV3-Large. Source: Howard et al., Searching for MobileNetV3, Table 1."""

    name: ClassVar[str] = "mobilenet_v3_large"
    blocks: ClassVar[tuple[_Bneck, ...]] = _LARGE
    last: ClassVar[int] = 1280


class MobileNetV3Small(_MobileNetV3, frozen=True, kw_only=True):
    """MobileNetV3-Small. Source: Howard et al., Searching for MobileNetV3, Table 2."""

    name: ClassVar[str] = "mobilenet_v3_small"
    blocks: ClassVar[tuple[_Bneck, ...]] = _SMALL
    last: ClassVar[int] = 1024


DESIGNS: tuple[type[Design], ...] = (MobileNetV1, MobileNetV2, MobileNetV3Large, MobileNetV3Small)
