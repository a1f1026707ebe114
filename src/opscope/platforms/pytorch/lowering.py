"""Lowering: the kernels that inductor made of a network, in the names of the graph's nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import onnx
from msgspec.structs import replace

from opscope.convert.torch import Sources
from opscope.graph import Graph
from opscope.platforms.execution import Seen

GENERATED = "generated"
"""Kind of a kernel that inductor wrote itself; others are named after what they call."""

_FORMATS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "uint8": "i8", "int8": "i8"}
_LAYERS = {"Conv", "Gemm", "MatMul"}
_NARROW_FIRST = ("bfloat16", "float16", "float32")


def steps_of(kernels: Sequence[Any], sources: Sources) -> list[Seen]:
    """Return the kernels of inductor's scheduler, in its order, as steps.

    A library's kernel is told by the node that it ends with. What inductor generates may mention
    other kernels' nodes, where it only brings their operands into another layout: that does not
    count. Must be called while inductor still holds the graph.
    """
    libraries = {id(k): _names([_last(k)], sources) for k in kernels if _called(k)}
    taken = {name for names in libraries.values() for name in names}
    computed = {name for k in kernels for name in _names(_origins(k, named=True), sources)}
    packed = _unpacking(kernels)
    steps = []
    for kernel in kernels:
        if id(kernel) in libraries:
            kind = _called(kernel).removeprefix("torch.ops.").removesuffix(".default")
            names, format_ = libraries[id(kernel)], _operands_format(kernel)
        elif _computes(kernel):
            own = _names(_origins(kernel, named=True), sources)
            lent = _names(_origins(kernel, named=False), sources)
            names = [*own, *(name for name in lent if name not in computed)]
            names = [name for name in names if name not in taken]
            taken.update(names)  # of several kernels of one node, the first stands for it
            kind, format_ = GENERATED, _ends_format(kernel)
        else:
            continue
        takes, yields = _tensors(kernel)
        steps.append(
            Seen(
                name=kernel.get_name(),
                kind=kind,
                names=tuple(names),
                takes=tuple(packed.get(name, name) for name in takes),
                yields=tuple(yields),
                added=kind == GENERATED and not names,
                format=format_ if names or kind != GENERATED else "",
            )
        )
    return steps


def with_layers(graph: Graph, steps: Sequence[Seen]) -> list[Seen]:
    """Return the steps with the layers that libraries' kernels begin with, which they do not tell.

    A kernel that ends with a ReLU after a sum may have begun with either summand's convolution: it
    is the one that no other kernel mentions.
    """
    nodes = onnx.ModelProto.FromString(graph.structure).graph.node
    maker = {tensor: node for node in nodes for tensor in node.output}
    mentioned = {name for step in steps for name in step.names}
    found = []
    for step in steps:
        if step.kind != GENERATED and step.names:
            begun = _back_to_layer(maker, step.names, mentioned)
            mentioned.update(begun)
            step = replace(step, names=(*step.names, *begun))  # noqa: PLW2901 - the same, told better
        found.append(step)
    return found


def _back_to_layer(
    maker: Mapping[str, onnx.NodeProto], names: Sequence[str], mentioned: AbstractSet[str]
) -> list[str]:
    """Return the nodes that lead from an unmentioned layer to ``names``, the layer last, if any."""
    made = {node.name: node for node in maker.values()}
    if any(made[name].op_type in _LAYERS for name in names):
        return []
    queue: list[tuple[str, ...]] = [(name,) for name in names]
    for path in queue:
        for tensor in made[path[-1]].input:
            node = maker.get(tensor)
            if node is None or node.name in mentioned:
                continue
            if node.op_type in _LAYERS:
                return [*path[1:], node.name]
            queue.append((*path, node.name))
    return []


def _called(kernel: Any) -> str:
    """Return the library's function that a kernel calls, if it calls one."""
    return (kernel.is_extern() and getattr(kernel.node, "python_kernel_name", None)) or ""


def _computes(kernel: Any) -> bool:
    """Whether inductor generates it; else it unpacks what a library's kernel yields."""
    return all(part.node is not None and not part.is_extern() for part in kernel.get_nodes())


def _unpacking(kernels: Iterable[Any]) -> Mapping[str, str]:
    """Return what each tensor was before it was unpacked from a library's results."""
    packed = {}
    for kernel in kernels:
        takes, yields = _tensors(kernel)
        if not _called(kernel) and not _computes(kernel) and len(takes) == 1:
            packed.update(dict.fromkeys(yields, takes[0]))
    return packed


def _tensors(kernel: Any) -> tuple[list[str], list[str]]:
    """Return the names of the tensors that a kernel takes and of those that it yields."""
    parts = kernel.get_nodes()
    takes = {d.name: None for part in parts for d in part.read_writes.reads}
    yields = {d.name: None for part in parts for d in part.read_writes.writes}
    return [name for name in takes if name not in yields], list(yields)


def _last(kernel: Any) -> Any:
    """Return the node that a library's kernel ends with: the last of those it was lowered from."""
    origins = set(kernel.node.get_origins())
    graph = next((origin.graph.nodes for origin in origins), ())
    return next((node for node in reversed(graph) if node in origins), None)


def _origins(kernel: Any, *, named: bool) -> list[Any]:
    """Return what the parts of a generated kernel were lowered from.

    Args:
        kernel: The kernel.
        named: Take the parts that yield what a node yields, or else those that lead there only.
    """
    return [
        origin
        for part in (kernel.get_nodes() if _computes(kernel) else ())
        if bool(getattr(part.node, "origin_node", None)) == named
        for origin in part.node.get_origins()
    ]


def _names(origins: Iterable[Any], sources: Sources) -> list[str]:
    """Return the graph's nodes behind nodes that inductor lowered, each once."""
    behind: Iterator[str] = (
        name
        for origin in origins
        for provenance in (origin.meta.get("from_node") or () if origin else ())
        for name in sources.get(provenance.name, ())
    )
    return list(dict.fromkeys(behind))


def _operands_format(kernel: Any) -> str:
    """Return the format of the first operand of a library's kernel."""
    formats = (_FORMATS.get(_dtype(operand), "") for operand in kernel.node.inputs)
    return next(filter(None, formats), "")


def _ends_format(kernel: Any) -> str:
    """Return the format of the numbers that a generated kernel takes and yields.

    It computes in FP32 on the way; of narrower floating-point numbers at either end, it is theirs.
    """
    from torch._inductor.virtualized import V

    takes, yields = _tensors(kernel)
    dtypes = {str(V.graph.get_dtype(name)).removeprefix("torch.") for name in (*takes, *yields)}
    return next((_FORMATS[dtype] for dtype in _NARROW_FIRST if dtype in dtypes), "")


def _dtype(operand: Any) -> str:
    """Return the number format of an operand; nothing where it is no one tensor."""
    try:
        return str(operand.get_dtype()).removeprefix("torch.")
    except (AttributeError, NotImplementedError):
        return ""
