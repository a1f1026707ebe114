"""NASNet-A for ImageNet, mobile and large. How cells are drawn is said in `cells`."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Padding
from opscope.graph.zoo.base import ImageNetwork, round_channels, tensorflow_same
from opscope.graph.zoo.cells import Cell, CellBuilder, Genotype

NASNET_A = Genotype(
    normal=Cell(
        edges=(
            *(("sep_conv_5x5", 1), ("sep_conv_3x3", 0)),
            *(("sep_conv_5x5", 0), ("sep_conv_3x3", 0)),
            *(("avg_pool_3x3", 1), ("skip_connect", 0)),
            *(("avg_pool_3x3", 0), ("avg_pool_3x3", 0)),
            *(("sep_conv_3x3", 1), ("skip_connect", 1)),
        ),
        outputs=(0, 2, 3, 4, 5, 6),
    ),
    reduction=Cell(
        edges=(
            *(("sep_conv_5x5", 1), ("sep_conv_7x7", 0)),
            *(("max_pool_3x3", 1), ("sep_conv_7x7", 0)),
            *(("avg_pool_3x3", 1), ("sep_conv_5x5", 0)),
            *(("skip_connect", 3), ("avg_pool_3x3", 2)),
            *(("sep_conv_3x3", 2), ("max_pool_3x3", 1)),
        ),
        outputs=(3, 4, 5, 6),
        stride=2,
    ),
)
"""NASNet-A's cells (Zoph et al., Learning Transferable Architectures, Fig. 4)."""


class TensorFlowCells(CellBuilder):
    """Pads as TensorFlow does, and takes every other row and column by a 1×1 average pooling."""

    def padding(self, x: Tensor, k: int, s: int) -> Padding:
        """Return TensorFlow's padding."""
        return tensorflow_same(x, k, s)

    def halve(self, x: Tensor, cout: int) -> Tensor:
        """Add a pooling that keeps every other row and column, and a 1×1 convolution."""
        return self.net.conv(self.net.average_pool(x, 1, s=2), cout, 1, bias=False)


class NASNet(ImageNetwork, frozen=True, kw_only=True):
    """NASNet-A (N @ F): a 3×3 convolution, two reduction cells, three stages of N normal cells.

    Subclasses give N as ``repeats`` and F as 24 times ``filters``.

    Source: Zoph et al., Learning Transferable Architectures for Scalable Image Recognition, 2018,
    Figs. 2 and 4; the stem's channels and the skipped input after its reference implementation
    (TF-slim, ``nasnet.py``).
    """

    repeats: ClassVar[int]
    filters: ClassVar[int]
    stem: ClassVar[int]
    bypass: ClassVar[bool] = False
    smallest: ClassVar[int] = 3

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add stem, stages and classifier."""
        cells, filters = TensorFlowCells(net), round_channels(self.filters * self.width, 4)
        stem = round_channels(self.stem * self.width, 4)
        x = net.conv_bn(x, stem, 3, s=2, pad=0, act=Activation.NONE)
        before = cells.cell(NASNET_A.reduction, None, x, filters // 4)
        last = cells.cell(NASNET_A.reduction, x, before, filters // 2)
        x = cells.stack(NASNET_A, before, last, filters, self.repeats, bypass=self.bypass)
        return self.classify(net, net.activate(x, Activation.RELU))


class NASNetAMobile(NASNet, frozen=True, kw_only=True):
    """NASNet-A (4 @ 1056)."""

    name: ClassVar[str] = "nasnet_a_mobile"
    repeats: ClassVar[int] = 4
    filters: ClassVar[int] = 44
    stem: ClassVar[int] = 32


class NASNetALarge(NASNet, frozen=True, kw_only=True):
    """NASNet-A (6 @ 4032)."""

    name: ClassVar[str] = "nasnet_a_large"
    repeats: ClassVar[int] = 6
    filters: ClassVar[int] = 168
    stem: ClassVar[int] = 96
    bypass: ClassVar[bool] = True

    input: Size = 331


DESIGNS: tuple[type[Design], ...] = (NASNetAMobile, NASNetALarge)
