"""Windows that slide over H and W, as convolutions and pooling have them: padding and sizes."""

from __future__ import annotations

from typing import Any

from opscope.graph.graph import Tensor

Pair = int | tuple[int, int]
"""One number for both H and W, or (for H, for W)."""

Padding = int | tuple[int, int, int, int] | None
"""Zeros around H and W: on every side, or (top, left, bottom, right); None keeps H at stride 1."""


class Window:
    """A window that slides over H and W: its attributes, and the output size it makes."""

    def __init__(
        self,
        kernel: tuple[int, int],
        strides: tuple[int, int],
        pad: Padding,
        dilation: int = 1,
        *,
        ceil: bool = False,
    ) -> None:
        if pad is None:
            top, left = (same_padding(k, dilation) for k in kernel)
            pad = (top, left, top, left)
        self.kernel, self.strides, self.dilation, self.ceil = kernel, strides, dilation, ceil
        self.pads = (pad,) * 4 if isinstance(pad, int) else pad

    def attributes(self) -> dict[str, Any]:
        """Return what an ONNX node says of it, the dilation aside, which pooling does not have."""
        return {
            "kernel_shape": list(self.kernel),
            "strides": list(self.strides),
            "pads": list(self.pads),
        }

    def output(self, x: Tensor) -> tuple[int, ...]:
        """Return (H', W') for the H and W of ``x``."""
        around = [
            before + after for before, after in zip(self.pads[:2], self.pads[2:], strict=True)
        ]
        return tuple(
            output_size(side, k, s, zeros, self.dilation, ceil=self.ceil)
            for side, k, s, zeros in zip(
                x.shape[2:], self.kernel, self.strides, around, strict=True
            )
        )


def pair(value: Pair) -> tuple[int, int]:
    """Return ``value`` as (for H, for W)."""
    return (value, value) if isinstance(value, int) else value


def same_padding(k: int, dilation: int = 1) -> int:
    """Return the zeros on each side that keep H at stride 1 for an odd kernel."""
    return dilation * (k - 1) // 2


def output_size(
    side: int, k: int, s: int, zeros: int, dilation: int = 1, *, ceil: bool = False
) -> int:
    """Return H' for H: ⌊(H + zeros - dilation·(K - 1) - 1) / S⌋ + 1, or ⌈…⌉ + 1.

    Args:
        side: H.
        k: Kernel size.
        s: Stride.
        zeros: Zeros on both sides together.
        dilation: Distance between taps.
        ceil: Round up, as some pooling does.

    Source: the ONNX operator documentation of Conv and MaxPool.
    """
    free = side + zeros - dilation * (k - 1) - 1
    return (-(-free // s) if ceil else free // s) + 1
