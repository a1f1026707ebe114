"""Convolutions with an optional activation: plain, grouped, dilated, depthwise."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.graph.activations import Activation
from opscope.graph.design import Design, Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network, output_size, same_padding

Padding = Annotated[int, msgspec.Meta(ge=0, le=1024)]
"""Zeros on each side of H and W."""


class Conv(Design, frozen=True, kw_only=True):
    """2-D convolution; ``groups`` and ``dilation`` make it grouped or dilated.

    The kernel is square; W = H and padding that keeps H at stride 1 unless said otherwise.
    """

    kind: ClassVar[str] = "conv"

    h: Size
    w: Size | None = None
    cin: Size
    cout: Size
    k: Size
    s: Size = 1
    pad: Padding | None = None
    groups: Size = 1
    dilation: Size = 1
    bias: Flag = 1
    act: Activation = Activation.NONE

    def check(self) -> None:
        """Refuse groups that do not divide the channels and kernels that do not fit."""
        for name in ("cin", "cout"):
            channels = getattr(self, name)
            if channels % self.groups:
                raise self.refuse(f"groups must divide {name}", _divisors(channels), name, "groups")
        side = min(self.h, self.w or self.h)
        padding = same_padding(self.k, self.dilation) if self.pad is None else self.pad
        if output_size(side, self.k, self.s, 2 * padding, self.dilation) < 1:
            needed = (self.dilation * (self.k - 1) + 1 - side + 1) // 2
            raise self.refuse(
                "the kernel is larger than the padded input",
                f"Use a smaller kernel or dilation, a larger input, or pad={needed} or more.",
                *("h", "k", "pad", "dilation"),
            )

    def build(self, net: Network, batch: int) -> Tensor:
        """Add one convolution and its activation."""
        x = net.input((batch, self.cin, self.h, self.w or self.h))
        y = net.conv(
            x,
            self.cout,
            self.k,
            s=self.s,
            pad=self.pad,
            groups=self.groups,
            dilation=self.dilation,
            bias=bool(self.bias),
        )
        return net.activate(y, self.act)


class DWConv(Design, frozen=True, kw_only=True):
    """Depthwise convolution: as many groups as channels, each filter sees one channel."""

    kind: ClassVar[str] = "dwconv"

    h: Size
    w: Size | None = None
    c: Size
    k: Size
    s: Size = 1
    pad: Padding | None = None
    dilation: Size = 1
    bias: Flag = 1
    act: Activation = Activation.NONE

    def check(self) -> None:
        """Refuse kernels that do not fit."""
        self._grouped().check()

    def build(self, net: Network, batch: int) -> Tensor:
        """Add one depthwise convolution and its activation."""
        return self._grouped().build(net, batch)

    def _grouped(self) -> Conv:
        return Conv(
            h=self.h,
            w=self.w,
            cin=self.c,
            cout=self.c,
            k=self.k,
            s=self.s,
            pad=self.pad,
            groups=self.c,
            dilation=self.dilation,
            bias=self.bias,
            act=self.act,
        )


def _divisors(channels: int) -> str:
    divisors = [str(d) for d in range(1, channels + 1) if channels % d == 0]
    return f"Use {', '.join(divisors[:-1])} or {divisors[-1]}." if divisors[1:] else "Use 1."


DESIGNS: tuple[type[Design], ...] = (Conv, DWConv)
