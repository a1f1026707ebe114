"""Inception V1 (GoogLeNet) and V3, both with BatchNorm and without the heads used in training.

Their modules are tables of branches. They end in logits, without softmax.
"""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.blocks.parts import Branches, inception_module
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Pair
from opscope.graph.zoo.base import ImageNetwork

Branch = tuple[tuple[int, Pair], ...]
"""Convolutions in a row: output channels and kernel of each."""

_V1_MODULES: tuple[tuple[tuple[int, int, int, int, int, int], ...], ...] = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""Modules between poolings: 1×1 | 1×1, 3×3 | 1×1, 5×5 | pooling, 1×1 (paper, Table 1)."""


class Inception(ImageNetwork, frozen=True, kw_only=True):
    """What Inception networks share: branches of convolutions, side by side."""

    def conv(self, net: Network, x: Tensor, cout: int, k: Pair, s: int = 1) -> Tensor:
        """Add convolution, BatchNorm and ReLU; H and W stay at stride 1, and shrink unpadded."""
        return net.conv_bn(x, self.scaled(cout), k, s=s, pad=None if s == 1 else 0)

    def branch(self, net: Network, x: Tensor, branch: Branch, s: int = 1) -> Tensor:
        """Add the convolutions of one branch, the last with stride ``s``."""
        *first, (cout, k) = branch
        for channels, kernel in first:
            x = self.conv(net, x, channels, kernel)
        return self.conv(net, x, cout, k, s)


class InceptionV1(Inception, frozen=True, kw_only=True):
    """GoogLeNet with BatchNorm, in which 3×3 stands for the paper's 5×5.

    TF-slim's inception_v1 and torchvision's googlenet both are so; the paper's has 5×5 and no
    BatchNorm, and its weights are not the ones in use.

    Source: Szegedy et al., Going Deeper with Convolutions, Table 1.
    """

    name: ClassVar[str] = "inception_v1"
    smallest: ClassVar[int] = 15

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add stem, nine modules with pooling between, and classifier."""
        x = net.conv_bn(x, self.scaled(64), 7, s=2)
        x = net.max_pool(x, 3, s=2, ceil=True)
        x = self.conv(net, self.conv(net, x, 64, 1), 192, 3)
        for group, k in zip(_V1_MODULES, (3, 3, 2), strict=True):
            x = net.max_pool(x, k, s=2, ceil=True)
            for channels in group:
                names = Branches.__struct_fields__
                widths = dict(zip(names, map(self.scaled, channels), strict=True))
                x = inception_module(net, x, Branches(**widths), batch_norm=True, five=3)
        return self.classify(net, x)


class InceptionV3(Inception, frozen=True, kw_only=True):
    """Inception V3, with 5×5 and 7×7 factorised into smaller kernels.

    Zeros around the image do not count in average pooling, as in TF-slim; in torchvision they do.

    Source: Szegedy et al., Rethinking the Inception Architecture, Table 1 and Figs. 5 to 7 and 10,
    with the channels of TF-slim's and torchvision's inception_v3.
    """

    name: ClassVar[str] = "inception_v3"
    smallest: ClassVar[int] = 75

    input: Size = 299

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add stem, modules at 1/8, 1/16 and 1/32 of the input, and classifier."""
        x = self._stem(net, x)
        for pooled in (32, 64, 64):
            x = self._module(net, x, pooled, ((64, 1),), ((48, 1), (64, 5)), _DOUBLE)
        x = self._reduction(net, x, ((384, 3),), _DOUBLE)
        for c in (128, 160, 160, 192):
            once = ((c, 1), (c, (1, 7)), (192, (7, 1)))
            twice = ((c, 1), (c, (7, 1)), (c, (1, 7)), (c, (7, 1)), (192, (1, 7)))
            x = self._module(net, x, 192, ((192, 1),), once, twice)
        wide = ((192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3))
        x = self._reduction(net, x, ((192, 1), (320, 3)), wide)
        for _ in range(2):
            x = self._expanded(net, x)
        return self.classify(net, x)

    def _stem(self, net: Network, x: Tensor) -> Tensor:
        x = self.conv(net, x, 32, 3, 2)
        x = net.conv_bn(x, self.scaled(32), 3, pad=0)
        x = net.max_pool(self.conv(net, x, 64, 3), 3, s=2)
        x = net.conv_bn(self.conv(net, x, 80, 1), self.scaled(192), 3, pad=0)
        return net.max_pool(x, 3, s=2)

    def _module(self, net: Network, x: Tensor, pooled: int, *branches: Branch) -> Tensor:
        parts = [self.branch(net, x, branch) for branch in branches]
        return net.concat(*parts, self._pooled(net, x, pooled))

    def _reduction(self, net: Network, x: Tensor, *branches: Branch) -> Tensor:
        """Add branches with stride 2 and pooling side by side (paper, Fig. 10)."""
        parts = [self.branch(net, x, branch, 2) for branch in branches]
        return net.concat(*parts, net.max_pool(x, 3, s=2))

    def _expanded(self, net: Network, x: Tensor) -> Tensor:
        """Add a module whose branches fork into 1×3 and 3×1 (paper, Fig. 7)."""
        parts = [self.conv(net, x, 320, 1)]
        for branch in (((384, 1),), ((448, 1), (384, 3))):
            y = self.branch(net, x, branch)
            parts += [self.conv(net, y, 384, (1, 3)), self.conv(net, y, 384, (3, 1))]
        return net.concat(*parts, self._pooled(net, x, 192))

    def _pooled(self, net: Network, x: Tensor, cout: int) -> Tensor:
        return self.conv(net, net.average_pool(x, 3, pad=1), cout, 1)


_DOUBLE: Branch = ((64, 1), (96, 3), (96, 3))

DESIGNS: tuple[type[Design], ...] = (InceptionV1, InceptionV3)
