"""The network that DARTS found, for ImageNet. How cells are drawn is said in `cells`."""

from __future__ import annotations

from typing import ClassVar

from opscope.graph.activations import Activation
from opscope.graph.design import Design
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo.base import ImageNetwork, round_channels
from opscope.graph.zoo.cells import Cell, CellBuilder, Genotype

DARTS_V2 = Genotype(
    normal=Cell(
        edges=(
            *(("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
            *(("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
            *(("sep_conv_3x3", 1), ("skip_connect", 0)),
            *(("skip_connect", 0), ("dil_conv_3x3", 2)),
        ),
        outputs=(2, 3, 4, 5),
    ),
    reduction=Cell(
        edges=(
            *(("max_pool_3x3", 0), ("max_pool_3x3", 1)),
            *(("skip_connect", 2), ("max_pool_3x3", 1)),
            *(("max_pool_3x3", 0), ("skip_connect", 2)),
            *(("skip_connect", 2), ("max_pool_3x3", 1)),
        ),
        outputs=(2, 3, 4, 5),
        stride=2,
    ),
)
"""The cells that second-order DARTS found (``DARTS_V2`` of the reference implementation)."""


class DARTSImageNet(ImageNetwork, frozen=True, kw_only=True):
    """DARTS on ImageNet: three 3×3 convolutions at stride 2, 14 cells of 48 channels at first.

    Without the auxiliary head, which is for training only.

    Source: Liu et al., DARTS: Differentiable Architecture Search, 2019, Sec. 3.3 and Figs. 4, 5;
    the stem after the reference implementation (``cnn/model.py``).
    """

    name: ClassVar[str] = "darts_imagenet"
    filters: ClassVar[int] = 48
    repeats: ClassVar[int] = 4

    def check(self) -> None:
        """Refuse images that cannot be halved five times."""
        if self.input % _REDUCED:
            nearest = max(_REDUCED, round(self.input / _REDUCED) * _REDUCED)
            raise self.refuse(
                f"the factorised reductions need a multiple of {_REDUCED}",
                f"Use {nearest}.",
                "input",
            )

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add stem, stages and classifier."""
        cells, filters = CellBuilder(net), round_channels(self.filters * self.width, 4)
        x = net.conv_bn(x, filters // 2, 3, s=2)
        before = net.conv_bn(x, filters, 3, s=2, act=Activation.NONE)
        x = net.activate(before, Activation.RELU)
        last = net.conv_bn(x, filters, 3, s=2, act=Activation.NONE)
        return self.classify(net, cells.stack(DARTS_V2, before, last, filters, self.repeats))


_REDUCED = 32

DESIGNS: tuple[type[Design], ...] = (DARTSImageNet,)
