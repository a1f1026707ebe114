"""Cells found by architecture search: a genotype is data, one builder draws it. No network here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opscope.core.record import Record
from opscope.graph.activations import Activation
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, Padding

_INPUTS = (0, 1)
"""The states that a cell does not make itself."""


class Cell(Record, frozen=True, kw_only=True):
    """What happens within a cell, as a table.

    State 0 is the output of the cell before the last, state 1 that of the last cell. Each pair of
    edges is added up and becomes the next state.

    Attributes:
        edges: The operation of each edge, a key of `OPERATIONS`, and the state it reads.
        outputs: The states that are concatenated to the output, in this order.
        stride: 2 for a reduction cell, whose edges from states 0 and 1 halve H and W.
    """

    edges: tuple[tuple[str, int], ...]
    outputs: tuple[int, ...]
    stride: int = 1


class Genotype(Record, frozen=True, kw_only=True):
    """The two cells that a search found."""

    normal: Cell
    reduction: Cell


class CellBuilder:
    """Draws cells into a network, padded as PyTorch does; subclasses draw other frameworks' way."""

    def __init__(self, net: Network) -> None:
        self.net = net

    def padding(self, x: Tensor, k: int, s: int) -> Padding:  # noqa: ARG002 - others need them
        """Return the padding of a window of odd size ``k`` at stride ``s`` over ``x``."""
        return k // 2

    def halve(self, x: Tensor, cout: int) -> Tensor:
        """Add a 1×1 convolution at every other row and column."""
        return self.net.conv(x, cout, 1, s=2, bias=False)

    def cell(self, cell: Cell, before: Tensor | None, last: Tensor, channels: int) -> Tensor:
        """Add a cell; without a cell ``before`` the last one, state 0 is ``last`` as it is.

        Args:
            cell: The table to draw.
            before: Output of the cell before the last, (N, C, H, W) or (N, C, 2H, 2W).
            last: Output of the last cell, (N, C', H, W).
            channels: Channels of each state within the cell.

        Returns:
            The output, with ``channels`` times the number of its states as channels.
        """
        states = [last if before is None else self.match(before, last, channels)]
        states.append(self.project(last, channels))
        for pair in zip(cell.edges[::2], cell.edges[1::2], strict=True):
            ends = [self._edge(cell, states, *edge, channels) for edge in pair]
            states.append(self.net.add(*ends))
        return self.net.concat(*(states[state] for state in cell.outputs))

    def stack(
        self,
        genotype: Genotype,
        before: Tensor,
        last: Tensor,
        channels: int,
        repeats: int,
        *,
        bypass: bool = False,
    ) -> Tensor:
        """Add three stages of ``repeats`` normal cells, a reduction cell between stages.

        Channels double with each reduction. With ``bypass`` the normal cell after a reduction
        reads, as state 0, what the reduction cell itself read there, else the reduction's input.
        """
        for stage in range(3):
            width = channels * 2**stage
            if stage:
                reduced = self.cell(genotype.reduction, before, last, width)
                before, last = before if bypass else last, reduced
            for _ in range(repeats):
                before, last = last, self.cell(genotype.normal, before, last, width)
        return last

    def _edge(
        self, cell: Cell, states: list[Tensor], operation: str, source: int, channels: int
    ) -> Tensor:
        stride = cell.stride if source in _INPUTS else 1
        return OPERATIONS[operation](self, states[source], channels, stride)

    def match(self, before: Tensor, last: Tensor, channels: int) -> Tensor:
        """Bring an output to the H and W of the ``last`` one, and to ``channels``."""
        if before.shape[2:] == last.shape[2:]:
            return self.project(before, channels)
        return self.reduce(before, channels)

    def project(self, x: Tensor, channels: int) -> Tensor:
        """Add ReLU, 1×1 convolution and BatchNorm."""
        x = self.net.activate(x, Activation.RELU)
        return self.net.conv_bn(x, channels, 1, act=Activation.NONE)

    def reduce(self, x: Tensor, channels: int) -> Tensor:
        """Add a factorised reduction: ReLU, then two 1×1 convolutions at stride 2, one shifted.

        The second starts one row and column further, so that together they see both diagonals.
        Zeros after the last row and column stand in where H is odd.
        """
        x = self.net.activate(x, Activation.RELU)
        height, width = x.shape[2:]
        padded = self.net.pad(x, 0, 0, height % 2, width % 2) if height % 2 or width % 2 else x
        shifted = self.net.crop(padded, 1, 1)
        halves = (self.halve(x, channels // 2), self.halve(shifted, channels - channels // 2))
        return self.net.batch_norm(self.net.concat(*halves))

    def separable(self, x: Tensor, channels: int, k: int, s: int) -> Tensor:
        """Add a depthwise separable convolution twice, the first time strided."""
        for stride in (s, 1):
            x = self.depthwise_separable(x, channels, k, stride)
        return x

    def depthwise_separable(
        self, x: Tensor, channels: int, k: int, s: int, *, dilation: int = 1
    ) -> Tensor:
        """Add ReLU, depthwise convolution, 1×1 convolution and BatchNorm."""
        x = self.net.activate(x, Activation.RELU)
        pad = self.padding(x, dilation * (k - 1) + 1, s)
        x = self.net.conv(
            x, x.channels, k, s=s, pad=pad, groups=x.channels, dilation=dilation, bias=False
        )
        return self.net.conv_bn(x, channels, 1, act=Activation.NONE)

    def max_pool(self, x: Tensor, k: int, s: int) -> Tensor:
        """Add max pooling."""
        return self.net.max_pool(x, k, s=s, pad=self.padding(x, k, s))

    def average_pool(self, x: Tensor, k: int, s: int) -> Tensor:
        """Add average pooling; padding does not count."""
        return self.net.average_pool(x, k, s=s, pad=self.padding(x, k, s))


OPERATIONS: Mapping[str, Callable[[CellBuilder, Tensor, int, int], Tensor]] = {
    "skip_connect": lambda cells, x, channels, s: x if s == 1 else cells.reduce(x, channels),
    "max_pool_3x3": lambda cells, x, _, s: cells.max_pool(x, 3, s),
    "avg_pool_3x3": lambda cells, x, _, s: cells.average_pool(x, 3, s),
    "sep_conv_3x3": lambda cells, x, channels, s: cells.separable(x, channels, 3, s),
    "sep_conv_5x5": lambda cells, x, channels, s: cells.separable(x, channels, 5, s),
    "sep_conv_7x7": lambda cells, x, channels, s: cells.separable(x, channels, 7, s),
    "dil_conv_3x3": lambda cells, x, channels, s: cells.depthwise_separable(
        x, channels, 3, s, dilation=2
    ),
    "dil_conv_5x5": lambda cells, x, channels, s: cells.depthwise_separable(
        x, channels, 5, s, dilation=2
    ),
}
"""What an edge may be, under the names of the DARTS search space, given channels and stride."""
