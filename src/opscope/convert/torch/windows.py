"""Windows that slide over H and W without weights: pooling, and padding by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from opscope.convert.torch.construction import Construction, Convert, Step, Value

_MAX = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
_AVERAGE = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
_MEAN = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
_LARGEST = {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d, 3: nn.AdaptiveMaxPool3d}
_OVER_ALL = {"GlobalAveragePool": _MEAN, "GlobalMaxPool": _LARGEST}
_MODES = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}


def paddings(step: Step, rank: int) -> tuple[list[int], list[int]]:
    """Return the padding before each axis of the window, and that after it."""
    pads = list(step.get("pads") or [0] * (2 * rank))
    return pads[:rank], pads[rank:]


def around(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """Return padding as `torch.nn.functional.pad` takes it: the last axis first."""
    pairs = list(zip(before, after, strict=True))
    return [size for pair in reversed(pairs) for size in pair]


def _max_pool(construction: Construction, step: Step) -> Value:
    """PyTorch takes padding of half a window at most, the same at both ends; else it is put on."""
    kernel, options = _window(step)
    before, after = paddings(step, len(kernel))
    x = construction.value(step.inputs[0])
    if not _native(kernel, before, after):
        x = construction.call(
            step, nn.functional.pad, x, around(before, after), value=float("-inf")
        )
        before = [0] * len(kernel)
    dilation = tuple(step.get("dilations") or [1] * len(kernel))
    pool = _MAX[len(kernel)](kernel, padding=tuple(before), dilation=dilation, **options)
    return construction.add(step, pool, x)


def _average_pool(construction: Construction, step: Step) -> Value:
    """Padding that PyTorch does not take is put on, and what it must not count taken off again."""
    kernel, options = _window(step)
    if set(step.get("dilations") or [1]) != {1}:
        raise step.refuse("average pooling has no dilation")
    before, after = paddings(step, len(kernel))
    counted = bool(step.get("count_include_pad", 0))
    kind = _AVERAGE[len(kernel)]
    x = construction.value(step.inputs[0])
    if _native(kernel, before, after):
        pool = kind(kernel, padding=tuple(before), count_include_pad=counted, **options)
        return construction.add(step, pool, x)
    if options["ceil_mode"]:
        raise step.refuse("average pooling that rounds up takes the same padding at both ends")
    padded = construction.call(step, nn.functional.pad, x, around(before, after))
    pool = kind(kernel, **options)
    y = construction.add(step, pool, padded)
    if counted:
        return y
    inside = torch.ones(1, 1, *construction.shape(step.inputs[0])[2:])
    share = pool(nn.functional.pad(inside, around(before, after)))
    return construction.call(step, torch.mul, y, construction.buffer(step, 1 / share))


def _over_all(construction: Construction, step: Step) -> Value:
    rank = len(construction.shape(step.inputs[0])) - 2
    pool = _OVER_ALL[step.operator][rank](1)
    return construction.add(step, pool, construction.value(step.inputs[0]))


def _pad(construction: Construction, step: Step) -> Value:
    rank = len(construction.shape(step.inputs[0]))
    pads = construction.numbers(step, 1)
    if step.has(3):
        raise step.refuse("padding of named axes only")
    mode = _MODES[step.get("mode", "constant")]
    fill = float(construction.array(step.inputs[2])) if step.has(2) else 0.0
    options: dict[str, Any] = {"value": fill} if mode == "constant" else {}
    sizes = around(pads[:rank], pads[rank:])
    while sizes[-2:] == [0, 0]:  # leading axes without padding need not be named
        del sizes[-2:]
    x = construction.value(step.inputs[0])
    return construction.call(step, nn.functional.pad, x, sizes, mode=mode, **options)


def _window(step: Step) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return the kernel, and what maximum and average pooling have in common."""
    kernel = tuple(step.get("kernel_shape"))
    strides = tuple(step.get("strides") or [1] * len(kernel))
    return kernel, {"stride": strides, "ceil_mode": bool(step.get("ceil_mode", 0))}


def _native(kernel: Sequence[int], before: Sequence[int], after: Sequence[int]) -> bool:
    return before == after and all(2 * p <= k for p, k in zip(before, kernel, strict=True))


OPERATORS: dict[str, Convert] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _over_all,
    "GlobalMaxPool": _over_all,
    "MaxPool": _max_pool,
    "Pad": _pad,
}
