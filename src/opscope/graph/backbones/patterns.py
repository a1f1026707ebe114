"""Stacks of one macro-architecture design pattern, deep or wide, as form-follows-function has them.

What the paper leaves open is chosen here, with its reasons: see `Pattern`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated, ClassVar

import msgspec

from opscope.graph.backbones.base import Backbone, Depth
from opscope.graph.blocks.parts import separable
from opscope.graph.design import Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import divisors

Ratio = Annotated[float, msgspec.Meta(gt=0, le=16)]
"""Channels between the 1×1 convolutions of a bottleneck, per channel of its input."""


class Pattern(Backbone, frozen=True, kw_only=True):
    """``depth`` copies of a pattern, one after another: (N, width, input, input) stays that shape.

    The paper varies depth and width and leaves the rest open. Chosen here:

    - The *input* is a feature map of ``width`` channels, so that each layer is the pattern, the
      first one too, and counts are proportional to depth. It stays at 28×28: at width 64, batch 1
      to 32 then move a tensor from 0.2 to 6.4 MB, across the third-level caches Sec. 2.2 is about.
    - A *layer* of depth is one instance of the pattern, which may be two or three convolutions.
      Sec. 2.1 finds bottlenecks slower than standard convolutions of the same depth, which one of
      three convolutions counted singly would hardly be.
    - *K* is 3, the kernel that Sec. 1 factorises.
    - *BatchNorm and ReLU* follow each convolution, as in the networks the patterns come from.
      There are no shortcuts, and no strides.

    Attributes:
        depth: Instances of the pattern.
        width: Channels.
        k: Kernel size, odd.
        input: Height and width of the feature map.

    Source: Does Form Follow Function, Sec. 1 for the patterns, Sec. 2.1 for depth and width.
    """

    depth: Depth = 10
    width: Size = 64
    k: Size = 3
    input: Size = 28

    def check(self) -> None:
        """Refuse even kernels."""
        self.refuse_even(self.k)

    def build(self, net: Network, batch: int) -> Tensor:
        """Add the feature map as input, and the pattern ``depth`` times."""
        x = net.input((batch, self.width, self.input, self.input))
        for _ in range(self.depth):
            x = self.layer(net, x)
        return x

    def layer(self, net: Network, x: Tensor) -> Tensor:
        """Add one instance of the pattern; the shape stays."""
        raise NotImplementedError


class StandardConv(Pattern, frozen=True, kw_only=True):
    """K×K convolutions."""

    name: ClassVar[str] = "standard_conv"

    def layer(self, net: Network, x: Tensor) -> Tensor:
        """Add K×K."""
        return net.conv_bn(x, self.width, self.k)


class FactorisedConv(Pattern, frozen=True, kw_only=True):
    """Each K×K convolution replaced by 1×K and K×1, in the order of Sec. 1."""

    name: ClassVar[str] = "factorised_conv"

    def layer(self, net: Network, x: Tensor) -> Tensor:
        """Add 1×K and K×1."""
        return net.conv_bn(net.conv_bn(x, self.width, (1, self.k)), self.width, (self.k, 1))


class DepthwiseSeparableConv(Pattern, frozen=True, kw_only=True):
    """A depthwise K×K and a 1×1 convolution, as in MobileNetV1."""

    name: ClassVar[str] = "depthwise_separable_conv"

    def layer(self, net: Network, x: Tensor) -> Tensor:
        """Add depthwise K×K and 1×1."""
        return separable(net, x, self.width, k=self.k)


class BottleneckConv(Pattern, frozen=True, kw_only=True):
    """1×1 convolutions decrease and restore the channels around K×K (Sec. 1).

    Attributes:
        ratio: Channels inside per channel outside. The paper gives none; a quarter is that of the
            ResNet and SqueezeNet blocks it names.
    """

    name: ClassVar[str] = "bottleneck_conv"

    ratio: Ratio = 0.25

    @property
    def inner(self) -> int:
        """Channels between the 1×1 convolutions."""
        return round(self.ratio * self.width)

    def check(self) -> None:
        """Refuse even kernels and a part of a channel."""
        super().check()
        if not math.isclose(self.inner, self.ratio * self.width, rel_tol=1e-9):
            step = Fraction(self.ratio).limit_denominator(1000).denominator
            raise self.refuse(
                f"{self.ratio * self.width:g} is not a number of channels",
                f"Use a width that is a multiple of {step}, or another ratio.",
                *("width", "ratio"),
            )

    def layer(self, net: Network, x: Tensor) -> Tensor:
        """Add 1×1, K×K and 1×1."""
        y = net.conv_bn(net.conv_bn(x, self.inner, 1), self.inner, self.k)
        return net.conv_bn(y, self.width, 1)


class DepthwiseBottleneckConv(BottleneckConv, frozen=True, kw_only=True):
    """A bottleneck whose K×K convolution is depthwise.

    The default ratio keeps the order the paper reports: of the six patterns this one has the
    fewest multiply-accumulates (Sec. 2.2), which MobileNetV2's six-fold expansion would not.
    """

    name: ClassVar[str] = "depthwise_bottleneck_conv"

    def layer(self, net: Network, x: Tensor) -> Tensor:
        """Add 1×1, depthwise K×K and 1×1."""
        y = net.conv_bn(x, self.inner, 1)
        y = net.conv_bn(y, self.inner, self.k, groups=self.inner)
        return net.conv_bn(y, self.width, 1)


class GroupedConv(Pattern, frozen=True, kw_only=True):
    """K×K convolutions whose channels mix within groups only.

    Attributes:
        groups: Groups. The paper gives none; 4 divides all its widths and leaves the depthwise
            bottleneck the fewest multiply-accumulates, which ResNeXt's 32 would not.
    """

    name: ClassVar[str] = "grouped_conv"

    groups: Size = 4

    def check(self) -> None:
        """Refuse even kernels and groups that do not divide the channels."""
        super().check()
        if self.width % self.groups:
            remedy = divisors(self.width)
            raise self.refuse("groups must divide width", remedy, "width", "groups")

    def layer(self, net: Network, x: Tensor) -> Tensor:
        """Add grouped K×K."""
        return net.conv_bn(x, self.width, self.k, groups=self.groups)


DESIGNS: tuple[type[Pattern], ...] = (
    StandardConv,
    FactorisedConv,
    BottleneckConv,
    DepthwiseSeparableConv,
    DepthwiseBottleneckConv,
    GroupedConv,
)
