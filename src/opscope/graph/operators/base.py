"""What operators and blocks share: the tensor they take, kept apart from the layers they add."""

from __future__ import annotations

from typing import ClassVar

from opscope.core.text import Value
from opscope.graph.design import Design, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network


class Layer(Design, frozen=True, kw_only=True):
    """What is done to one tensor, wherever that tensor comes from, so that it can be stacked.

    Attributes:
        fusible: Whether runtimes merge it with a neighbour of its kind, as they do by element.
    """

    fusible: ClassVar[bool] = False

    def build(self, net: Network, batch: int) -> Tensor:
        """Add the input and the layers."""
        return self.layers(net, net.input(self.input_shape(batch)))

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return the shape of the tensor that the layers take."""
        raise NotImplementedError

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add the layers after ``x`` and return what they yield."""
        raise NotImplementedError


class OnImage(Layer, frozen=True, kw_only=True):
    """A layer on images or feature maps.

    Attributes:
        h: Height of the input.
        w: Width of the input; H where left out.
    """

    h: Size
    w: Size | None = None

    @property
    def width(self) -> int:
        """Width of the input."""
        return self.w or self.h

    def implied(self) -> dict[str, Value]:
        """W is H where left out."""
        return {"w": self.h}


class OnChannels(OnImage, frozen=True, kw_only=True):
    """A layer on feature maps whose channels it keeps or treats alike.

    Attributes:
        c: Channels of the input.
    """

    c: Size

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return (N, C, H, W)."""
        return batch, self.c, self.h, self.width


def divisors(channels: int) -> str:
    """Return the sentence that lists the divisors, as in ``Use 1, 2, 3 or 6.``."""
    found = [str(d) for d in range(1, channels + 1) if channels % d == 0]
    return f"Use {', '.join(found[:-1])} or {found[-1]}." if found[1:] else "Use 1."
