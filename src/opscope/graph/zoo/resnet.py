"""Residual networks: ResNet 18 to 152, its TF-slim and pre-activation forms, and ResNeXt.

They end in logits, without softmax. Blocks as parts of other networks live elsewhere.
"""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.blocks import parts
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork


class ResNet(ImageNetwork, frozen=True, kw_only=True):
    """A 7×7 stem and four stages of residual units at 1/4, 1/8, 1/16 and 1/32 of the input.

    Source: He et al., Deep Residual Learning for Image Recognition, Table 1.
    """

    units: ClassVar[tuple[int, ...]]

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add stem, stages and classifier."""
        x = net.conv_bn(x, self.scaled(64), 7, s=2)
        x = net.max_pool(x, 3, s=2, pad=1)
        return self.classify(net, self.stages(net, x))

    def stages(self, net: Network, x: Tensor) -> Tensor:
        """Add the four stages."""
        for stage, units in enumerate(self.units):
            for unit in range(units):
                x = self.unit(net, x, 64 * 2**stage, self.stride(stage, unit))
        return x

    def stride(self, stage: int, unit: int) -> int:
        """Return the stride of a unit: 2 in the first of each stage but the first."""
        return 2 if stage and not unit else 1

    def unit(self, net: Network, x: Tensor, planes: int, s: int) -> Tensor:
        """Add one residual unit; ``planes`` are the channels of its 3×3 convolution."""
        raise NotImplementedError


class BasicResNet(ResNet, frozen=True, kw_only=True):
    """A ResNet of units with two 3×3 convolutions (He et al., Fig. 5, left)."""

    def unit(self, net: Network, x: Tensor, planes: int, s: int) -> Tensor:
        """Add 3×3, 3×3 and the shortcut."""
        return parts.residual_basic(net, x, self.scaled(planes), s=s)


class BottleneckResNet(ResNet, frozen=True, kw_only=True):
    """A ResNet of units with 1×1, 3×3 and 1×1 convolutions (He et al., Fig. 5, right).

    The 3×3 convolution strides, not the first 1×1 as in the paper: the form called v1.5, which
    torchvision has. ResNet-50 takes 3.86 G MACs with the paper's strides and 4.09 G with these.
    """

    groups: ClassVar[int] = 1
    group_planes: ClassVar[int] = 64

    def unit(self, net: Network, x: Tensor, planes: int, s: int) -> Tensor:
        """Add 1×1, 3×3 (grouped in ResNeXt), 1×1 and the shortcut."""
        middle = self.groups * self.scaled(planes * self.group_planes / 64)
        cout = self.scaled(4 * planes)
        return parts.residual_bottleneck(net, x, cout, middle=middle, s=s, groups=self.groups)


class ResNet18(BasicResNet, frozen=True, kw_only=True):
    """ResNet-18 (He et al., Table 1)."""

    name: ClassVar[str] = "resnet18"
    units: ClassVar[tuple[int, ...]] = (2, 2, 2, 2)


class ResNet34(BasicResNet, frozen=True, kw_only=True):
    """ResNet-34 (He et al., Table 1)."""

    name: ClassVar[str] = "resnet34"
    units: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)


class ResNet50(BottleneckResNet, frozen=True, kw_only=True):
    """ResNet-50 (He et al., Table 1; strides as in torchvision)."""

    name: ClassVar[str] = "resnet50"
    units: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)


class ResNet101(BottleneckResNet, frozen=True, kw_only=True):
    """ResNet-101 (He et al., Table 1; strides as in torchvision)."""

    name: ClassVar[str] = "resnet101"
    units: ClassVar[tuple[int, ...]] = (3, 4, 23, 3)


class ResNet152(BottleneckResNet, frozen=True, kw_only=True):
    """ResNet-152 (He et al., Table 1; strides as in torchvision)."""

    name: ClassVar[str] = "resnet152"
    units: ClassVar[tuple[int, ...]] = (3, 8, 36, 3)


class ResNeXt50(BottleneckResNet, frozen=True, kw_only=True):
    """ResNeXt-50, 32 groups of 4 channels (Xie et al., Aggregated Residual Transf., Table 1)."""

    name: ClassVar[str] = "resnext50_32x4d"
    units: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)
    groups: ClassVar[int] = 32
    group_planes: ClassVar[int] = 4


class ResNeXt101(BottleneckResNet, frozen=True, kw_only=True):
    """ResNeXt-101, 32 groups of 8 channels (torchvision's resnext101_32x8d)."""

    name: ClassVar[str] = "resnext101_32x8d"
    units: ClassVar[tuple[int, ...]] = (3, 4, 23, 3)
    groups: ClassVar[int] = 32
    group_planes: ClassVar[int] = 8


class ResNet50V1(ResNet50, frozen=True, kw_only=True):
    """ResNet-50 as TF-slim has it (``resnet_v1_50``), the behaviour study's ResNetV1_50.

    The last unit of each stage strides instead of the first of the next, so that the wide units
    run on fewer pixels: fewer MACs than either of the other forms.
    """

    name: ClassVar[str] = "resnet50_v1"

    def stride(self, stage: int, unit: int) -> int:
        """Return the stride of a unit: 2 in the last of each stage but the last."""
        last = unit == self.units[stage] - 1
        return 2 if last and stage < len(self.units) - 1 else 1

    def unit(self, net: Network, x: Tensor, planes: int, s: int) -> Tensor:
        """Add 1×1, 3×3, 1×1 and the shortcut, which strides by leaving pixels out."""
        cout = self.scaled(4 * planes)
        y = net.conv_bn(net.conv_bn(x, self.scaled(planes), 1), self.scaled(planes), 3, s=s)
        y = net.conv_bn(y, cout, 1, act=Activation.NONE, scale=parts.RESIDUAL_SCALE)
        x = parts.shortcut(net, x, cout) if s == 1 else net.max_pool(x, 1, s=s)
        return net.activate(net.add(y, x), Activation.RELU)


class ResNet50V2(ResNet50V1, frozen=True, kw_only=True):
    """ResNet-50 with BatchNorm and ReLU before convolutions, the behaviour study's ResNetV2_50.

    Strides are TF-slim's (``resnet_v2_50``), as in `ResNet50V1`, and so is the input of 299, at
    which its weights are published and the study's OPs hold; Keras has the same at 224.

    Source: He et al., Identity Mappings in Deep Residual Networks, Fig. 1(b) and appendix.
    """

    name: ClassVar[str] = "resnet50_v2"

    input: Size = 299

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add a stem without BatchNorm, the stages, BatchNorm with ReLU, and the classifier."""
        x = net.conv(x, self.scaled(64), 7, s=2)
        x = net.max_pool(x, 3, s=2, pad=1)
        x = net.batch_norm(self.stages(net, x))
        return self.classify(net, net.activate(x, Activation.RELU))

    def unit(self, net: Network, x: Tensor, planes: int, s: int) -> Tensor:
        """Add BatchNorm with ReLU, then 1×1, 3×3, 1×1 and the shortcut, never projected back."""
        cout = self.scaled(4 * planes)
        before = net.activate(net.batch_norm(x), Activation.RELU)
        y = net.conv_bn(before, self.scaled(planes), 1)
        y = net.conv_bn(y, self.scaled(planes), 3, s=s)
        y = net.conv(y, cout, 1)
        if s != 1:
            x = net.max_pool(x, 1, s=s)
        elif x.channels != cout:
            x = net.conv(before, cout, 1)
        return net.add(y, x)


DESIGNS: tuple[type[Design], ...] = (
    *(ResNet18, ResNet34, ResNet50, ResNet101, ResNet152),
    *(ResNet50V1, ResNet50V2),
    *(ResNeXt50, ResNeXt101),
)
