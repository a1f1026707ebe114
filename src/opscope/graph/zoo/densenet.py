"""DenseNet-121: each layer sees the outputs of all before it in its block. It ends in logits."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.blocks.parts import dense_layer
from opscope.graph.design import Design
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork


class DenseNet121(ImageNetwork, frozen=True, kw_only=True):
    """DenseNet-121, growth 32, with bottlenecks and compression by half.

    Each layer's output is joined to what its block has so far by one Concat, as Keras does, so
    that no more is kept than the next layer reads. The multiplier scales growth and stem.

    Source: Huang et al., Densely Connected Convolutional Networks, Table 1.
    """

    name: ClassVar[str] = "densenet121"
    smallest: ClassVar[int] = 29
    blocks: ClassVar[tuple[int, ...]] = (6, 12, 24, 16)
    growth: ClassVar[int] = 32

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add stem, dense blocks with transitions between, and classifier."""
        x = net.conv_bn(x, self.scaled(2 * self.growth), 7, s=2)
        x = net.max_pool(x, 3, s=2, pad=1)
        for block, depth in enumerate(self.blocks):
            if block:
                x = net.conv(_normalise(net, x), max(1, x.channels // 2), 1, bias=False)
                x = net.average_pool(x, 2, s=2)
            for _ in range(depth):
                x = dense_layer(net, x, self.scaled(self.growth))
        return self.classify(net, _normalise(net, x))


def _normalise(net: Network, x: Tensor) -> Tensor:
    return net.activate(net.batch_norm(x), Activation.RELU)


DESIGNS: tuple[type[Design], ...] = (DenseNet121,)
