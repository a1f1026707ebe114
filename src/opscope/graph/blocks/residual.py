"""Residual blocks: ResNet's two and ResNeXt's."""

from __future__ import annotations

from typing import ClassVar, Literal

from opscope.graph.blocks.base import StridedBlock
from opscope.graph.blocks.parts import residual_basic, residual_bottleneck
from opscope.graph.design import Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import divisors


class ResNetBasic(StridedBlock, frozen=True, kw_only=True):
    """Two K×K convolutions and a shortcut, projected where the shape changes.

    Source: He et al., Deep Residual Learning, Fig. 5 (left).
    """

    name: ClassVar[str] = "resnet_basic"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one basic residual block."""
        return residual_basic(net, x, self.channels, k=self.k, s=self.s)


class _Bottleneck(StridedBlock, frozen=True, kw_only=True):
    """1×1 reduction, K×K and 1×1 convolution, and a shortcut.

    Attributes:
        reduction: Output channels for each channel of the K×K convolution.
    """

    reduction: Size = 4

    @property
    def middle(self) -> int:
        """Channels of the K×K convolution."""
        return self.channels // self.reduction

    def check(self) -> None:
        """Refuse even kernels and reductions that do not divide the channels."""
        super().check()
        if self.channels % self.reduction:
            raise self.refuse(
                "reduction must divide cout", divisors(self.channels), "cin", "cout", "reduction"
            )


class ResNetBottleneck(_Bottleneck, frozen=True, kw_only=True):
    """Bottleneck of 1×1, K×K and 1×1; ``stride_in`` says whether the 1×1 or the 3×3 strides.

    Source: He et al., Deep Residual Learning, Fig. 5 (right); the first 1×1 strides as in the
    authors' model, the 3×3 as in later ones.
    """

    name: ClassVar[str] = "resnet_bottleneck"

    stride_in: Literal["1x1", "3x3"] = "1x1"

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one bottleneck block."""
        return residual_bottleneck(
            net,
            x,
            self.channels,
            middle=self.middle,
            k=self.k,
            s=self.s,
            stride_in=self.stride_in,
        )


class ResNeXt(_Bottleneck, frozen=True, kw_only=True):
    """Bottleneck whose K×K convolution has ``groups`` groups, the cardinality.

    Source: Xie et al., Aggregated Residual Transformations, Fig. 3 (c) and Table 1 (32×4d: 32
    groups, half of Cout between).
    """

    name: ClassVar[str] = "resnext"

    reduction: Size = 2
    groups: Size = 32

    def check(self) -> None:
        """Refuse groups that do not divide the middle channels."""
        super().check()
        if self.middle % self.groups:
            raise self.refuse(
                f"groups must divide cout/reduction = {self.middle}",
                divisors(self.middle),
                *("cin", "cout", "groups"),
            )

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one grouped bottleneck block."""
        return residual_bottleneck(
            net, x, self.channels, middle=self.middle, k=self.k, s=self.s, groups=self.groups
        )


DESIGNS = (ResNetBasic, ResNetBottleneck, ResNeXt)
