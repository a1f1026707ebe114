"""SqueezeNet 1.0 and 1.1: squeeze and expand layers without BatchNorm. They end in logits."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.design import Design
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Pair
from opscope.graph.zoo.base import ImageNetwork


class SqueezeNet(ImageNetwork, frozen=True, kw_only=True):
    """SqueezeNet 1.0; poolings round up and the last ReLU stays, as in Caffe and torchvision.

    Source: Iandola et al., SqueezeNet, Table 1.
    """

    name: ClassVar[str] = "squeezenet"
    smallest: ClassVar[int] = 21
    stem: ClassVar[tuple[int, int]] = (96, 7)
    fires: ClassVar[tuple[tuple[int, ...], ...]] = ((16, 16, 32), (32, 48, 48, 64), (64,))

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add stem, fire modules with pooling between, and a 1×1 convolution as classifier."""
        channels, k = self.stem
        x = self._conv(net, x, self.scaled(channels), k, s=2, pad=0)
        for group in self.fires:
            x = net.max_pool(x, 3, s=2, ceil=True)
            for squeezed in group:
                x = self._fire(net, x, squeezed)
        x = self._conv(net, x, self.classes, 1)
        return net.flatten(net.global_average_pool(x))

    def _fire(self, net: Network, x: Tensor, squeezed: int) -> Tensor:
        """Squeeze by 1×1, expand fourfold by 1×1 and by 3×3 side by side (paper, Fig. 1)."""
        expanded = self.scaled(4 * squeezed)
        x = self._conv(net, x, self.scaled(squeezed), 1)
        return net.concat(*(self._conv(net, x, expanded, k) for k in (1, 3)))

    def _conv(
        self, net: Network, x: Tensor, cout: int, k: Pair, s: int = 1, pad: int | None = None
    ) -> Tensor:
        return net.activate(net.conv(x, cout, k, s=s, pad=pad), Activation.RELU)


class SqueezeNet11(SqueezeNet, frozen=True, kw_only=True):
    """SqueezeNet 1.1: a smaller stem and earlier pooling, for 2.4 times fewer MACs.

    Source: the authors' release 1.1; torchvision's squeezenet1_1.
    """

    name: ClassVar[str] = "squeezenet1_1"
    smallest: ClassVar[int] = 17
    stem: ClassVar[tuple[int, int]] = (64, 3)
    fires: ClassVar[tuple[tuple[int, ...], ...]] = ((16, 16), (32, 32), (48, 48, 64, 64))


DESIGNS: tuple[type[Design], ...] = (SqueezeNet, SqueezeNet11)
