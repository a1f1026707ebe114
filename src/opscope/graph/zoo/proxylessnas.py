"""ProxylessNAS mobile and mobile-14, the networks searched for a phone's CPU.

Padding is symmetric, as the authors' PyTorch code has it.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from opscope.graph.activations import Activation
from opscope.graph.blocks.parts import inverted_residual
from opscope.graph.design import Design
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork, round_channels


class _Block(NamedTuple):
    """One block: the stage whose channels it has, expansion, kernel and stride."""

    stage: int
    expansion: int
    k: int
    stride: int = 1


_BLOCKS = (
    _Block(0, 1, 3),
    *(_Block(1, 3, 5, 2), _Block(1, 3, 3)),
    *(_Block(2, 3, 7, 2), _Block(2, 3, 3), _Block(2, 3, 5), _Block(2, 3, 5)),
    *(_Block(3, 6, 7, 2), _Block(3, 3, 5), _Block(3, 3, 5), _Block(3, 3, 5)),
    *(_Block(4, 6, 5), _Block(4, 3, 5), _Block(4, 3, 5), _Block(4, 3, 5)),
    *(_Block(5, 6, 7, 2), _Block(5, 6, 7), _Block(5, 3, 7), _Block(5, 3, 7)),
    _Block(6, 6, 7),
)


class ProxylessMobile(ImageNetwork, frozen=True, kw_only=True):
    """ProxylessNAS (mobile): inverted residuals with ReLU6, kernels of 3, 5 and 7.

    The second stage's last two blocks were searched away. The last convolution keeps its channels
    at widths below 1.

    Source: Cai et al., ProxylessNAS, Fig. 4 (c); channels as in the authors' published network.
    """

    name: ClassVar[str] = "proxyless_mobile"
    stem: ClassVar[int] = 32
    stages: ClassVar[tuple[int, ...]] = (16, 32, 40, 80, 96, 192, 320)
    last: ClassVar[int] = 1280

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add every layer."""
        act = Activation.RELU6
        y = net.conv_bn(x, round_channels(self.stem * self.width), 3, s=2, act=act)
        for block in _BLOCKS:
            y = inverted_residual(
                net,
                y,
                round_channels(self.stages[block.stage] * self.width),
                expanded=block.expansion * y.channels,
                k=block.k,
                s=block.stride,
                act=act,
            )
        y = net.conv_bn(y, round_channels(self.last * max(1.0, self.width)), 1, act=act)
        return self.classify(net, y)


class ProxylessMobile14(ProxylessMobile, frozen=True, kw_only=True):
    """ProxylessNAS (mobile-14): the same blocks, about 1.4 times as wide.

    ``width`` multiplies these wider channels. Source: the authors' published network.
    """

    name: ClassVar[str] = "proxyless_mobile_14"
    stem: ClassVar[int] = 48
    stages: ClassVar[tuple[int, ...]] = (24, 40, 56, 112, 136, 256, 448)
    last: ClassVar[int] = 1792


DESIGNS: tuple[type[Design], ...] = (ProxylessMobile, ProxylessMobile14)
