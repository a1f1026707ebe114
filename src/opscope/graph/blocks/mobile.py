"""Blocks around a depthwise convolution: MobileNetV1 to V3 and MBConv; SE by itself."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.blocks.base import Block, StridedBlock
from opscope.graph.blocks.parts import Squeeze, inverted_residual, separable, squeeze_excite
from opscope.graph.design import Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network


class MobileNetV1(StridedBlock, frozen=True, kw_only=True):
    """Depthwise K×K and 1×1 convolution, each with BatchNorm and activation.

    Source: Howard et al., MobileNets, Fig. 3 (right).
    """

    name: ClassVar[str] = "mobilenet_v1"

    act: Activation = Activation.RELU

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the depthwise separable convolution."""
        return separable(net, x, self.channels, k=self.k, s=self.s, act=self.act)


class _Inverted(StridedBlock, frozen=True, kw_only=True):
    """Expansion, depthwise convolution, squeeze-and-excitation if any, linear projection.

    Attributes:
        expansion: Channels of the depthwise convolution for each input channel.
    """

    expansion: Size = 6
    act: Activation = Activation.RELU6

    @property
    def expanded(self) -> int:
        """Channels of the depthwise convolution."""
        return self.expansion * self.cin

    def squeeze(self) -> Squeeze | None:
        """Return how squeeze-and-excitation is done, if it is."""
        return None

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the inverted residual."""
        return inverted_residual(
            net,
            x,
            self.channels,
            expanded=self.expanded,
            k=self.k,
            s=self.s,
            act=self.act,
            squeeze=self.squeeze(),
        )


class MobileNetV2(_Inverted, frozen=True, kw_only=True):
    """Inverted residual with a linear bottleneck; ReLU6.

    Source: Sandler et al., MobileNetV2, Fig. 4 (d) and Table 2.
    """

    name: ClassVar[str] = "mobilenet_v2"


class MobileNetV2SE(_Inverted, frozen=True, kw_only=True):
    """The MobileNetV2 block with SE between the depthwise and the last 1×1 convolution.

    SE squeezes to 1 / ``reduction`` of the expanded channels; its gate is a hard sigmoid.

    Source: Tang et al., behaviour study, Fig. 2, which follows Howard et al., Searching for
    MobileNetV3, Sec. 5.3.
    """

    name: ClassVar[str] = "mobilenet_v2_se"

    reduction: Size = 4

    def squeeze(self) -> Squeeze | None:
        """Return SE on the expanded channels."""
        return Squeeze(
            channels=max(1, self.expanded // self.reduction), gate=Activation.HARD_SIGMOID
        )


class MobileNetV3(_Inverted, frozen=True, kw_only=True):
    """Inverted residual with HardSwish, and SE unless ``se`` is 0.

    SE squeezes to 1 / ``reduction`` of the expanded channels; its gate is a hard sigmoid.

    Source: Howard et al., Searching for MobileNetV3, Fig. 4, Sec. 5.2 and 5.3.
    """

    name: ClassVar[str] = "mobilenet_v3"

    act: Activation = Activation.HARD_SWISH
    se: Flag = 1
    reduction: Size = 4

    def squeeze(self) -> Squeeze | None:
        """Return SE on the expanded channels, unless it is switched off."""
        if not self.se:
            return None
        return Squeeze(
            channels=max(1, self.expanded // self.reduction), gate=Activation.HARD_SIGMOID
        )


class MBConv(_Inverted, frozen=True, kw_only=True):
    """Inverted residual with Swish and SE, which squeezes to 1 / ``reduction`` of Cin.

    Source: Tan and Le, EfficientNet, Sec. 4; squeezing relative to Cin as the published
    EfficientNet-B0 does (ratio 0.25).
    """

    name: ClassVar[str] = "mbconv"

    act: Activation = Activation.SWISH
    reduction: Size = 4

    def squeeze(self) -> Squeeze | None:
        """Return SE with the block's own activation inside."""
        return Squeeze(channels=max(1, self.cin // self.reduction), act=self.act)


class SE(Block, frozen=True, kw_only=True):
    """Squeeze-and-excitation by itself, squeezing to 1 / ``reduction`` of Cin.

    Source: Hu et al., Squeeze-and-Excitation Networks, Sec. 3 and 6.1 (reduction).
    """

    name: ClassVar[str] = "se"

    reduction: Size = 16

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add global pooling, two 1×1 layers and the multiplication."""
        return squeeze_excite(net, x, Squeeze(channels=max(1, self.cin // self.reduction)))


DESIGNS = (MobileNetV1, MobileNetV2, MobileNetV2SE, MobileNetV3, MBConv, SE)
