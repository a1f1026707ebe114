"""Windows: how ONNX pads what slides over H and W, in TFLite's terms of SAME, VALID and PAD."""

from __future__ import annotations

import numpy as np

from opscope.convert.tflite.builder import Builder, Value
from opscope.convert.tflite.layout import NHWC
from opscope.core.record import Record

SAME, VALID = 0, 1
"""The schema's Padding."""

Pair = tuple[int, int]

_LOWEST = float(np.finfo(np.float32).min)


class Side(Record, frozen=True, kw_only=True):
    """One of the two axes that a window slides over.

    Attributes:
        size: Elements of the input.
        output: Elements of the output.
        kernel: Elements that the window spans, gaps of dilation included.
        stride: Elements that it moves by.
        pads: Elements that ONNX puts before and after.
    """

    size: int
    output: int
    kernel: int
    stride: int
    pads: Pair

    @property
    def reached(self) -> int:
        """Elements after the last one that some window reaches; negative if none gets that far."""
        return (self.output - 1) * self.stride + self.kernel - self.size - self.pads[0]

    @property
    def is_same(self) -> bool:
        """Whether TensorFlow's SAME pads as much."""
        total = max(0, (self.output - 1) * self.stride + self.kernel - self.size)
        fits = self.output == -(-self.size // self.stride)
        return fits and self.pads[0] == total // 2

    @property
    def is_valid(self) -> bool:
        """Whether no window reaches beyond the input."""
        return self.pads[0] == 0 and self.reached <= 0

    @property
    def zeros(self) -> Pair:
        """Elements to add before and after where neither fits."""
        return self.pads[0], max(self.pads[1], self.reached)

    def counted(self, *, padding: bool) -> np.ndarray:
        """Return of each window the share of its elements that an average counts."""
        before, after = self.pads
        low, high = (-before, self.size + after) if padding else (0, self.size)
        start = np.arange(self.output) * self.stride - before
        inside = np.minimum(start + self.kernel, high) - np.maximum(start, low)
        return np.asarray(inside / self.kernel, np.float32)


def sides(builder: Builder, kernel: Pair, dilations: Pair = (1, 1)) -> tuple[Side, Side]:
    """Return both axes that the window of the node at hand slides over."""
    node = builder.node
    before, after = (builder.shape(name)[2:] for name in (node.input[0], node.output[0]))
    strides = builder.attribute("strides", [1, 1])
    pads = builder.attribute("pads", [0, 0, 0, 0])
    automatic = (builder.attribute("auto_pad") or b"NOTSET").decode()
    found = []
    for axis in (0, 1):
        span = dilations[axis] * (kernel[axis] - 1) + 1
        around = (pads[axis], pads[axis + 2])
        if automatic.startswith("SAME"):
            total = max(0, (after[axis] - 1) * strides[axis] + span - before[axis])
            less, more = total // 2, total - total // 2
            around = (less, more) if automatic == "SAME_UPPER" else (more, less)
        found.append(
            Side(
                size=before[axis],
                output=after[axis],
                kernel=span,
                stride=strides[axis],
                pads=around,
            )
        )
    return found[0], found[1]


def padded(
    builder: Builder,
    x: Value,
    found: tuple[Side, Side],
    *,
    lowest: bool = False,
    explicit: bool = False,
) -> tuple[Value, int]:
    """Return the image a window slides over, and how TFLite pads it.

    Args:
        builder: At the window's node.
        x: The image.
        found: Its two sides.
        lowest: Pad with the lowest number there is instead of zero.
        explicit: Do without SAME.
    """
    if all(side.is_valid for side in found):
        return x, VALID
    if not explicit and all(side.is_same for side in found):
        return x, SAME
    (top, bottom), (left, right) = (side.zeros for side in found)
    inputs = [x.index, builder.writer.constant([[0, 0], [top, bottom], [left, right], [0, 0]])]
    n, c, h, w = x.shape
    shape, name = (n, c, h + top + bottom, w + left + right), f"{builder.node.name}/pad"
    if lowest:
        inputs.append(builder.floats(_LOWEST))
        return builder.add("PADV2", inputs, shape, NHWC, "PadV2Options", name=name), VALID
    return builder.add("PAD", inputs, shape, NHWC, "PadOptions", name=name), VALID
