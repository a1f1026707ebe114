"""Execution: what a platform really ran, beside what it was asked to run."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from opscope.core.configuration import Precision
from opscope.core.record import Record

FORMATS = {
    Precision.FP32: ("f32",),
    Precision.BF16: ("bf16",),
    Precision.FP16: ("f16",),
    Precision.INT8: ("i8",),
    Precision.UINT8: ("i8",),
}
"""Number formats of kernels that count as running in a precision. Kernels that multiply integers
of 8 bits, signed or not, are ``i8``."""


class Execution(Record, frozen=True, kw_only=True):
    """What a platform really ran of a workload.

    Attributes:
        as_asked: Share of the MACs, 0 to 1, that kernels of the precision asked for computed; of
            the element-wise operations in a network without MACs. None where the platform does not
            tell the formats of its kernels.
        kernels: Types of the executed nodes, as the runtime calls them, with how many of each.
        fused: Operators of the graph that one executed node does the work of, joined by ``+`` as
            in ``Conv+Relu``, with how many such nodes there are.
        devices: Devices that ran the nodes, as the runtime calls them, with how many each; empty
            where there is but one to choose.
        builds_s: Where a platform builds a workload several times, since builds differ: duration of
            a call of each, by a short timing of its own, in the order built. The fastest ran.
        output_error: Largest difference of an output from onnxruntime's in FP32: its root mean
            square over the standard deviation of the latter. None where there is no output.
    """

    as_asked: Annotated[float, Meta(ge=0, le=1)] | None = None
    kernels: tuple[tuple[str, int], ...] = ()
    fused: tuple[tuple[str, int], ...] = ()
    devices: tuple[tuple[str, int], ...] = ()
    builds_s: tuple[float, ...] = ()
    output_error: float | None = None
