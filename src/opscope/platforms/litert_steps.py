"""What LiteRT executes: operators of the file, those its XNNPACK delegate took, and its kernels."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from opscope.core.record import Record
from opscope.errors import PlatformError
from opscope.platforms.base import ExecutedNode
from opscope.platforms.litert_profile import Kernel

DELEGATE = "DELEGATE"

_NO_ARITHMETIC = {
    *("CONCATENATION", "PAD", "PADV2", "RESHAPE", "SLICE", "SPLIT", "STRIDED_SLICE", "TRANSPOSE"),
    *("QUANTIZE", "DEQUANTIZE"),
}
"""Operators that only carry data, or change its format."""

_FORMATS = {"float32": "f32", "float16": "f16", "int8": "i8", "uint8": "i8"}

MATRICES = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL"}
_MATRIX = "product"
_KERNELS = {
    "Add": "ADD",
    "Average Pooling": "AVERAGE_POOL_2D",
    "Batch Matrix Multiply": _MATRIX,
    "Clamp": "RELU",
    "Constant Pad": "PAD",
    "Convolution": _MATRIX,
    "Copy": "CONCATENATION",
    "Divide": "DIV",
    "Dynamic Fully Connected": _MATRIX,
    "Fully Connected": _MATRIX,
    "GELU": "GELU",
    "HardSwish": "HARD_SWISH",
    "Leaky ReLU": "LEAKY_RELU",
    "Max Pooling": "MAX_POOL_2D",
    "Maximum": "MAXIMUM",
    "Mean": "MEAN",
    "Minimum": "MINIMUM",
    "Multiply": "MUL",
    "Sigmoid": "LOGISTIC",
    "Slice": "SLICE",
    "Softmax": "SOFTMAX",
    "Static Reshape": "RESHAPE",
    "Subtract": "SUB",
    "Tanh": "TANH",
    "Transpose": "TRANSPOSE",
}
"""Which operator a kernel of XNNPACK is there for, by what stands before its types."""

_ALIKE = dict.fromkeys(MATRICES, _MATRIX) | dict.fromkeys(("RELU6", "RELU_N1_TO_1"), "RELU")


class Operator(Record, frozen=True, kw_only=True):
    """An operator of the file as the interpreter has it.

    Attributes:
        number: Its place in the file.
        code: Its kind.
        name: Of the first tensor it yields.
        format: Number format it computes in; empty where nothing is computed.
        part: Which part of the network that XNNPACK took over it is in; None if in none.
    """

    number: int
    code: str
    name: str
    format: str
    part: int | None


def operators(interpreter: Any) -> list[Operator]:
    """Return the operators of an interpreter whose tensors are allocated.

    Those that unpack weights stored in FP16 for XNNPACK, once as it is prepared, are left out.
    """
    details = interpreter._get_ops_details()  # noqa: SLF001 - there is no other way to them
    parts = _parts(details)
    found = []
    for detail in details:
        code, number = detail["op_name"], detail["index"]
        # Of what an operator takes and yields, the activations are what its kernel computes in.
        types = [type_.__name__ for type_ in (*detail["result_types"], *detail["operand_types"])]
        unpacks = code == "DEQUANTIZE" and types[-1] == "float16" and number in parts
        if code == DELEGATE or unpacks:
            continue
        computes = code not in _NO_ARITHMETIC
        name = interpreter._get_tensor_details(int(detail["outputs"][0]), 0)["name"]  # noqa: SLF001
        found.append(
            Operator(
                number=number,
                code=code,
                name=name,
                format=_FORMATS.get(types[0], "") if computes else "",
                part=parts.get(number),
            )
        )
    return found


def check_delegate(found: Sequence[Operator]) -> None:
    """Refuse a network that XNNPACK has taken no product of matrices of, as no one would run it.

    Raises:
        PlatformError: If it has such products, and all run without XNNPACK.
    """
    products = [operator for operator in found if operator.code in MATRICES]
    if products and all(operator.part is None for operator in products):
        raise PlatformError(
            f"litert runs every {products[0].code} without XNNPACK, several times slower",
            remedy="Use a build of LiteRT with XNNPACK, on a processor that it supports.",
        )


def executed(
    found: Sequence[Operator],
    sources: Mapping[str, tuple[str, ...]],
    kernels: Sequence[Kernel] = (),
) -> tuple[ExecutedNode, ...]:
    """Return the operators as steps.

    With ``kernels`` their kinds are those of the kernels, and an operator that XNNPACK merged with
    others is part of the step before it; unless kernels and operators do not go together.
    """
    ran = _matched(found, kernels)
    steps: list[ExecutedNode] = []
    for operator in found:
        own, of = ran.get(operator.number, []), sources.get(operator.name, ())
        if ran and not own:
            if steps and not operator.code.startswith("PAD"):  # which goes with what follows
                steps[-1] = replace(steps[-1], sources=(*steps[-1].sources, *of))
            continue
        where = " (XNNPACK)" if operator.part is not None else ""
        times = [kernel.time_s for kernel in own if kernel.time_s is not None]
        steps.append(
            ExecutedNode(
                name=operator.name,
                kind=" + ".join(kernel.kind for kernel in own) or f"{operator.code}{where}",
                sources=of,
                format=operator.format,
                time_s=sum(times) if times else None,
            )
        )
    return tuple(steps)


def _parts(details: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """Return the part that each operator is in: what lies between a delegate's inputs and outputs.

    An operator outside would yield a tensor that the delegate takes, so the way back ends there.
    """
    maker = {int(t): d for d in details if d["op_name"] != DELEGATE for t in d["outputs"]}
    parts: dict[int, int] = {}
    delegates = [detail for detail in details if detail["op_name"] == DELEGATE]
    for part, delegate in enumerate(delegates):
        given = {int(tensor) for tensor in delegate["inputs"]}
        queue = [int(tensor) for tensor in delegate["outputs"]]
        while queue:
            tensor = queue.pop()
            found = maker.get(tensor)
            if tensor in given or found is None or found["index"] in parts:
                continue
            parts[found["index"]] = part
            queue += [int(other) for other in found["inputs"]]
    return parts


def _matched(found: Sequence[Operator], kernels: Sequence[Kernel]) -> dict[int, list[Kernel]]:
    """Return the kernels of each operator, by its number; nothing if they do not go together.

    Kernels run in the operators' order, part by part.
    """
    ran = {kernel.number: [kernel] for kernel in kernels if not kernel.delegated}
    parts = [
        [operator for operator in found if operator.part == part]
        for part in sorted({operator.part for operator in found if operator.part is not None})
    ]
    runs = _runs(kernels)
    if set(ran) != {o.number for o in found if o.part is None} or len(runs) != len(parts):
        return {}
    for inside, run in zip(parts, runs, strict=True):
        aligned = _aligned(inside, run)
        if not aligned:
            return {}
        ran |= aligned
    return ran


def _runs(kernels: Sequence[Kernel]) -> list[list[Kernel]]:
    """Return the delegate's kernels, those of one part together, which are numbered from 0."""
    runs: list[list[Kernel]] = []
    for kernel in kernels:
        if kernel.delegated and (not runs or kernel.number <= runs[-1][-1].number):
            runs.append([])
        if kernel.delegated:
            runs[-1].append(kernel)
    return runs


def _aligned(inside: Sequence[Operator], run: Sequence[Kernel]) -> dict[int, list[Kernel]]:
    """Return the kernels of each operator of a part; nothing if products of matrices are amiss.

    No product is merged with another, so that what lies between two of them does so in both. A
    kernel that no operator asks for, such as an activation's bounds, belongs to the one before it.
    """
    wanted = _segments([_ALIKE.get(operator.code, operator.code) for operator in inside])
    given = _segments([_KERNELS.get(kernel.kind.partition(" (")[0], "") for kernel in run])
    if len(wanted) != len(given):
        return {}
    owner: dict[int, int] = {}
    start = place = 0
    for codes, kinds in zip(wanted, given, strict=True):
        matcher = difflib.SequenceMatcher(None, codes, kinds, autojunk=False)
        for a, b, length in matcher.get_matching_blocks():
            owner |= {place + b + n: inside[start + a + n].number for n in range(length)}
        start, place = start + len(codes), place + len(kinds)
    ran: dict[int, list[Kernel]] = {}
    number = inside[0].number
    for place, kernel in enumerate(run):
        number = owner.get(place, number)
        ran.setdefault(number, []).append(kernel)
    return ran


def _segments(kinds: Sequence[str]) -> list[list[str]]:
    """Return the kinds cut before each product of matrices."""
    segments: list[list[str]] = [[]]
    for kind in kinds:
        if kind == _MATRIX:
            segments.append([])
        segments[-1].append(kind)
    return segments
