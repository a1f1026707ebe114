"""What the designs of building blocks share: their input, and the parameters most of them have."""

from __future__ import annotations

from typing import ClassVar

from opscope.core.text import Value
from opscope.graph.design import Size
from opscope.graph.operators.base import OnImage


class Block(OnImage, frozen=True, kw_only=True):
    """A building block on feature maps.

    Attributes:
        cin: Channels of the input.
    """

    kind: ClassVar[str] = "block"

    cin: Size

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return (N, Cin, H, W)."""
        return batch, self.cin, self.h, self.width

    def need_odd(self, field: str) -> None:
        """Refuse an even kernel, which no padding alike on both sides lets keep H."""
        if getattr(self, field) % 2 == 0:
            raise self.refuse("a block's kernel must be odd to keep H", "Use 1, 3, 5 or 7.", field)


class StridedBlock(Block, frozen=True, kw_only=True):
    """A block with a spatial kernel that may stride and change the channels.

    Attributes:
        cout: Channels of the output; `usual_cout` where left out.
        k: Kernel size, odd.
        s: Stride.
    """

    cout: Size | None = None
    k: Size = 3
    s: Size = 1

    def check(self) -> None:
        """Refuse even kernels."""
        self.need_odd("k")

    @property
    def usual_cout(self) -> int:
        """Output channels where none are given: as many as come in."""
        return self.cin

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.cout or self.usual_cout

    def implied(self) -> dict[str, Value]:
        """W is H, and Cout the usual one, where left out."""
        return {**super().implied(), "cout": self.usual_cout}
