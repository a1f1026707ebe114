"""Convolutions with an optional activation: plain, grouped, dilated, depthwise, mixed, separable.

A 1×1 convolution is ``conv`` with k=1; bias and activation are parameters of each of them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from opscope.core.text import Value
from opscope.graph.activations import Activation
from opscope.graph.design import Flag, Size
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import OnChannels, OnImage, divisors
from opscope.graph.windows import output_size, same_padding

Padding = Annotated[int, msgspec.Meta(ge=0, le=1024)]
"""Zeros on each side of H and W."""


class Conv(OnImage, frozen=True, kw_only=True):
    """2-D convolution; ``groups`` and ``dilation`` make it grouped or dilated.

    The kernel is square; W = H and padding that keeps H at stride 1 unless said otherwise. ``bn``
    puts a BatchNorm behind it, ``skip`` adds the input to the result.

    Source: Tang et al., behaviour study, Table 1.
    """

    kind: ClassVar[str] = "conv"

    cin: Size
    cout: Size
    k: Size
    s: Size = 1
    pad: Padding | None = None
    groups: Size = 1
    dilation: Size = 1
    bias: Flag = 1
    bn: Flag = 0
    act: Activation = Activation.NONE
    skip: Flag = 0

    def check(self) -> None:
        """Refuse groups that do not divide the channels, kernels and skips that do not fit."""
        for name in ("cin", "cout"):
            channels = getattr(self, name)
            if channels % self.groups:
                raise self.refuse(f"groups must divide {name}", divisors(channels), name, "groups")
        side = min(self.h, self.width)
        padding = same_padding(self.k, self.dilation) if self.pad is None else self.pad
        if self._output_side(padding) < 1:
            needed = (self.dilation * (self.k - 1) + 1 - side + 1) // 2
            raise self.refuse(
                "the kernel is larger than the padded input",
                f"Use a smaller kernel or dilation, a larger input, or pad={needed} or more.",
                *("h", "k", "pad", "dilation"),
            )
        if self.skip and (self.cin, side) != (self.cout, self._output_side(padding)):
            remedy = "Use cin = cout, s=1 and padding that keeps h, or leave skip out."
            raise self.refuse("skip adds the input, of another shape", remedy, "skip", "cout", "s")

    def _output_side(self, padding: int) -> int:
        side = min(self.h, self.width)
        return output_size(side, self.k, self.s, 2 * padding, self.dilation)

    def implied(self) -> dict[str, Value]:
        """Padding keeps H at stride 1 where left out."""
        return {**super().implied(), "pad": same_padding(self.k, self.dilation)}

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return (N, Cin, H, W)."""
        return batch, self.cin, self.h, self.width

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one convolution, what is to follow it, and its activation."""
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
        if self.bn:
            y = net.batch_norm(y)
        y = net.activate(y, self.act)
        return net.add(y, x) if self.skip else y


class DWConv(OnChannels, frozen=True, kw_only=True):
    """Depthwise convolution: as many groups as channels, each filter sees one channel.

    Source: Tang et al., behaviour study, Table 1.
    """

    kind: ClassVar[str] = "dwconv"

    k: Size
    s: Size = 1
    pad: Padding | None = None
    dilation: Size = 1
    bias: Flag = 1
    act: Activation = Activation.NONE

    def check(self) -> None:
        """Refuse kernels that do not fit."""
        self._grouped().check()

    def implied(self) -> dict[str, Value]:
        """Padding keeps H at stride 1 where left out."""
        return self._grouped().implied()

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add one depthwise convolution and its activation."""
        return self._grouped().layers(net, x)

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


class MixConv(OnChannels, frozen=True, kw_only=True):
    """Depthwise convolution whose kernel differs between groups of channels.

    Channels are cut into ``groups`` equal parts, what is left over joining the first; their kernels
    are k, k + 2, k + 4 and so on; the parts are joined again.

    Source: Tan and Le, MixConv, Sec. 3.1 and 3.2 (equal partition).
    """

    kind: ClassVar[str] = "mixconv"

    groups: Annotated[int, msgspec.Meta(ge=2, le=32)] = 4
    k: Size = 3
    s: Size = 1
    bias: Flag = 1
    act: Activation = Activation.NONE

    def check(self) -> None:
        """Refuse fewer channels than groups, and even kernels, whose outputs differ in size."""
        if self.groups > self.c:
            remedy = f"Use groups=2 to {self.c}." if self.c > 1 else "Use more channels."
            raise self.refuse("each group needs a channel", remedy, "c", "groups")
        if self.k % 2 == 0:
            raise self.refuse("kernels must be odd to be joined", "Use k=1, 3, 5 or 7.", "k")

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add a Slice and a depthwise convolution per group, Concat, and the activation."""
        part = x.channels // self.groups
        sizes = [x.channels - part * (self.groups - 1)] + [part] * (self.groups - 1)
        mixed = [
            net.conv(piece, size, self.k + 2 * n, s=self.s, groups=size, bias=bool(self.bias))
            for n, (piece, size) in enumerate(zip(net.split(x, *sizes), sizes, strict=True))
        ]
        return net.activate(net.concat(*mixed), self.act)


class SpatialConv(OnImage, frozen=True, kw_only=True):
    """Spatially separable convolution: K×1 from Cin to Cout, then 1×K from Cout to Cout.

    Source: Szegedy et al., Rethinking the Inception Architecture, Sec. 3.2 and Fig. 3.
    """

    kind: ClassVar[str] = "spatialconv"

    cin: Size
    cout: Size
    k: Size
    s: Size = 1
    bias: Flag = 1
    act: Activation = Activation.NONE

    def check(self) -> None:
        """Refuse kernels that do not fit: even ones on a single pixel."""
        side = min(self.h, self.width)
        if output_size(side, self.k, self.s, 2 * same_padding(self.k)) < 1:
            raise self.refuse(
                "the kernel is larger than the padded input", "Use an odd k.", "h", "k"
            )

    def input_shape(self, batch: int) -> tuple[int, ...]:
        """Return (N, Cin, H, W)."""
        return batch, self.cin, self.h, self.width

    def layers(self, net: Network, x: Tensor) -> Tensor:
        """Add both convolutions, each striding along its own axis, and the activation."""
        bias = bool(self.bias)
        y = net.conv(x, self.cout, (self.k, 1), s=(self.s, 1), bias=bias)
        y = net.conv(y, self.cout, (1, self.k), s=(1, self.s), bias=bias)
        return net.activate(y, self.act)


DESIGNS = (Conv, DWConv, MixConv, SpatialConv)
