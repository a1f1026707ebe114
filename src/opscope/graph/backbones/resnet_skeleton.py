"""The ResNet-50 skeleton of the backbone analysis: one network, its convolutional block exchanged.

Which configurations the paper measures is declared in ``studies/backbone-analysis``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from opscope.core.record import Record
from opscope.graph.activations import Activation
from opscope.graph.backbones.base import Backbone
from opscope.graph.blocks.parts import RESIDUAL_SCALE, shortcut
from opscope.graph.design import Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Pair

STAGES: tuple[tuple[int, int], ...] = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Channels and blocks of conv2 to conv5 (Table III)."""


class Block(StrEnum):
    """What convolves space in a block; each comes with and without bottleneck layers."""

    STANDARD = "standard"
    SPATIALLY_SEPARABLE = "spatially_separable"
    DEPTHWISE_SEPARABLE = "depthwise_separable"


class Layer(Record, frozen=True, kw_only=True):
    """One convolution of a block, with BatchNorm and ReLU."""

    k: Pair
    s: int = 1
    depthwise: bool = False

    def add(
        self,
        net: Network,
        x: Tensor,
        channels: int,
        *,
        act: Activation = Activation.RELU,
        scale: float = 1.0,
    ) -> Tensor:
        """Add the convolution; a depthwise one keeps the input's channels."""
        cout, groups = (x.channels, x.channels) if self.depthwise else (channels, 1)
        return net.conv_bn(x, cout, self.k, s=self.s, groups=groups, act=act, scale=scale)


class ResnetSkeleton(Backbone, frozen=True, kw_only=True):
    """ResNet-50 straightened and without its head, with one of six convolutional blocks.

    A 7×7 convolution to 64 channels and a 3×3 max pool, both at stride 2, then stages of 3, 4, 6
    and 3 residual blocks of 64, 128, 256 and 512 channels. Shapes: (N, 3, input, input) to
    (N, 512, input / 32, input / 32), halves rounded up.

    Three things Table III and its caption leave open are decided so:

    - *Strides.* The caption puts a stride of 2 into each block, the output sizes allow one in each
      of conv3, conv4 and conv5 and none in conv2. It is in their first block, as in ResNet-50:
      only there do all layers have about the same number of operations, which Sec. III-A asks for.
    - *Its convolution* is the block's last that sees space: K×K, K×1 after 1×K, or the depthwise
      one, as in MobileNetV1, which Table II names for that block.
    - *The order* of the spatially separable pair is Table III's, 1×K before K×1; Table II turns it.

    Attributes:
        block: What convolves space.
        bottleneck: Whether 1×1 convolutions stand before and after it. After a depthwise
            convolution stands one anyway.
        k: Kernel size, odd.
        input: Height and width of the image.

    Source: Hafner et al., BackboneAnalysis, Sec. III-A and Table III.
    """

    name: ClassVar[str] = "resnet_skeleton"

    block: Block = Block.STANDARD
    bottleneck: Flag = 0
    k: Size = 3
    input: Size = 224

    def check(self) -> None:
        """Refuse even kernels."""
        self.refuse_even(self.k)

    def build(self, net: Network, batch: int) -> Tensor:
        """Add stem and stages."""
        x = net.conv_bn(net.input((batch, 3, self.input, self.input)), 64, 7, s=2)
        x = net.max_pool(x, 3, s=2, pad=1)
        for channels, blocks in STAGES:
            for index in range(blocks):
                strides = index == 0 and channels != x.channels
                x = self._residual(net, x, channels, 2 if strides else 1)
        return x

    def _residual(self, net: Network, x: Tensor, channels: int, s: int) -> Tensor:
        """Add one block and its shortcut; the last ReLU follows their sum, as in ResNet-50."""
        *first, last = self._layers(s)
        y = x
        for layer in first:
            y = layer.add(net, y, channels)
        y = last.add(net, y, channels, act=Activation.NONE, scale=RESIDUAL_SCALE)
        return net.activate(net.add(y, shortcut(net, x, channels, s)), Activation.RELU)

    def _layers(self, s: int) -> list[Layer]:
        k = self.k
        spatial: Mapping[Block, list[Layer]] = {
            Block.STANDARD: [Layer(k=k, s=s)],
            Block.SPATIALLY_SEPARABLE: [Layer(k=(1, k)), Layer(k=(k, 1), s=s)],
            Block.DEPTHWISE_SEPARABLE: [Layer(k=k, s=s, depthwise=True)],
        }
        before = [Layer(k=1)] if self.bottleneck else []
        mixes = self.bottleneck or self.block is Block.DEPTHWISE_SEPARABLE
        after = [Layer(k=1)] if mixes else []
        return [*before, *spatial[self.block], *after]


DESIGNS: tuple[type[Backbone], ...] = (ResnetSkeleton,)
