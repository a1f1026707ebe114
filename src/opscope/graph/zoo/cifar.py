"""Caffe's two example networks for CIFAR-10, without BatchNorm. They end in logits."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork


class Cifar10Full(ImageNetwork, frozen=True, kw_only=True):
    """Caffe's cifar10_full as CMSIS-NN runs it, the CNN of not-all-ops, Fig. 1.

    Against Caffe's file, every pooling is max pooling and the two local response normalisations
    are left out: those kernels a microcontroller has not. The layer sizes and the operations are
    those of the CMSIS-NN paper, whose authors wrote not-all-ops too. CMSIS-NN's example program
    is smaller: 16 and 32 channels in the later convolutions.

    Source: Lai et al., CMSIS-NN, Table 1; Caffe, examples/cifar10/cifar10_full.prototxt.
    """

    name: ClassVar[str] = "cifar10_full"
    smallest: ClassVar[int] = 8
    convolutions: ClassVar[tuple[int, ...]] = (32, 32, 64)

    input: Size = 32
    classes: Size = 10

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add three times 5×5 convolution, ReLU and 3×3/2 pooling that rounds up; classifier."""
        for number, cout in enumerate(self.convolutions):
            x = self._pooled(net, net.conv(x, self.scaled(cout), 5), number)
        return self.classifier(net, net.flatten(x))

    def classifier(self, net: Network, x: Tensor) -> Tensor:
        """Add the fully connected layer from (N, C) to (N, classes)."""
        return net.fully_connected(x, self.classes)

    def _pooled(self, net: Network, x: Tensor, number: int) -> Tensor:
        """Add pooling and ReLU; the first is pooled before ReLU, as Caffe has it."""
        if number == 0:
            return net.activate(net.max_pool(x, 3, s=2, ceil=True), Activation.RELU)
        return self.pool(net, net.activate(x, Activation.RELU))

    def pool(self, net: Network, x: Tensor) -> Tensor:
        """Add the pooling after the second and third convolution."""
        return net.max_pool(x, 3, s=2, ceil=True)


class Cifar10Quick(Cifar10Full, frozen=True, kw_only=True):
    """Caffe's cifar10_quick: average pooling, and a fully connected layer of 64 in between.

    Source: Caffe, examples/cifar10/cifar10_quick.prototxt.
    """

    name: ClassVar[str] = "cifar10_quick"

    def classifier(self, net: Network, x: Tensor) -> Tensor:
        """Add two fully connected layers without activation between them, as Caffe has it."""
        return net.fully_connected(net.fully_connected(x, self.scaled(64)), self.classes)

    def pool(self, net: Network, x: Tensor) -> Tensor:
        """Add average pooling."""
        return net.average_pool(x, 3, s=2, ceil=True)


DESIGNS: tuple[type[Design], ...] = (Cifar10Full, Cifar10Quick)
