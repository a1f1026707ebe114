"""What a runtime executed, told in the names of the graph's own nodes; and copies it left out.

Runtimes fuse nodes and name the rest after one of them, so that most of a graph's nodes are found
by name and the others by what they take and yield.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import onnx

from opscope.core.configuration import Precision
from opscope.core.execution import FORMATS
from opscope.core.record import Record
from opscope.cost import count_layers
from opscope.graph import Graph
from opscope.platforms.base import ExecutedNode

_GO_ON = {"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"}
"""Operators into which a runtime folds what follows, naming the result after it."""


class Seen(Record, frozen=True, kw_only=True):
    """One step as the runtime tells it.

    Attributes:
        names: Names of the graph's nodes or tensors that it mentions, others among them.
        takes: Names of the runtime's tensors that it takes, where known.
        yields: Names of the runtime's tensors that it yields, where known.
        added: Whether the runtime added it, whatever it mentions: a change of layout.
    """

    name: str
    kind: str
    names: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    yields: tuple[str, ...] = ()
    added: bool = False
    format: str = ""
    device: str = ""
    time_s: float | None = None


def attribute(graph: Graph, steps: Sequence[Seen]) -> tuple[ExecutedNode, ...]:
    """Return the steps with the graph's nodes that each does the work of.

    A node that no step mentions belongs to a step that mentions none and lies where the node
    does; else, if what follows is folded into its kind, to the step of what follows; else to the
    step of what it takes last. A step that mentions only what others mention before it shares
    that with them.
    """
    nodes, makers = _nodes(graph)
    step_of: dict[str, int] = {}
    shared: dict[int, list[str]] = {}
    for number, step in enumerate(steps):
        told = [name if name in nodes else makers.get(name, "") for name in step.names]
        mentioned = [] if step.added else [name for name in told if name]
        new = {name: number for name in mentioned if name not in step_of}
        step_of |= new
        if mentioned and not new:
            shared[number] = mentioned
    shared |= _unnamed(nodes, steps, step_of, shared)
    for node in reversed(list(nodes.values())):
        if node.operator in _GO_ON:
            _follow(step_of, node.name, node.consumers)
    for node in nodes.values():
        _follow(step_of, node.name, node.producers[::-1])
    sources: dict[int, list[str]] = defaultdict(list)
    for name in nodes:
        sharing = {number for number, names in shared.items() if name in names}
        for number in sharing | ({step_of[name]} if name in step_of else set()):
            sources[number].append(name)
    return tuple(
        ExecutedNode(
            name=step.name,
            kind=step.kind,
            sources=tuple(sources[number]),
            format=step.format,
            device=step.device,
            time_s=step.time_s,
        )
        for number, step in enumerate(steps)
    )


def share_as_asked(
    graph: Graph, executed: Sequence[ExecutedNode], precision: Precision
) -> float | None:
    """Return the share of a graph's work that kernels of ``precision`` did.

    Work is MACs; in a graph without any, element-wise operations, or else nodes; in a stack, that
    of its copies. A node that several steps do the work of is judged by the one named after it,
    else by the first that computes. Source nodes of a step whose format is not told count neither
    way; None if that leaves nothing.
    """
    counted = count_layers(graph)
    layers = [layer for layer in counted if copy_of(layer.name) is not None] or counted
    work = {layer.name: layer.macs or 0 for layer in layers}
    if not any(work.values()):
        work = {layer.name: layer.elementwise_ops or 0 for layer in layers}
    if not any(work.values()):
        work = dict.fromkeys(work, 1)
    told: dict[str, bool] = {}
    for node in executed:
        for name in node.sources if node.format else ():
            if name not in told or name == node.name:
                told[name] = node.format in FORMATS.get(precision, ())
    known = sum(work.get(name, 0) for name in told)
    return (
        sum(work.get(name, 0) for name, right in told.items() if right) / known if known else None
    )


def undisturbed(times_s: Sequence[float]) -> float | None:
    """Return the mean of the faster half: clocks of whole microseconds need a mean."""
    return statistics.fmean(sorted(times_s)[: (len(times_s) + 1) // 2]) if times_s else None


def missing_copies(
    copies: int, executed: Sequence[ExecutedNode], needed: Collection[str] = ()
) -> tuple[int, ...]:
    """Return which copies of a stack the executed graph does not wholly hold.

    A step that does the work of several copies at once counts for the first of them. A copy is
    missing if it has no step, or lacks one that it needs.

    Args:
        copies: How many there should be.
        executed: What runs.
        needed: Names that steps of each copy have, as a deeper stack of the same layer shows them:
            of two copies either may be the odd one. By default those of `usual_steps`.
    """
    wanted = set(needed or usual_steps(copies, executed))
    held = _held(copies, executed)
    return tuple(n for n, names in held.items() if not names or wanted - names)


def usual_steps(copies: int, executed: Sequence[ExecutedNode]) -> frozenset[str]:
    """Return the names of nodes that at least half of the copies in a stack have a step for."""
    counts = Counter(name for names in _held(copies, executed).values() for name in names)
    return frozenset(name for name, count in counts.items() if 2 * count >= copies)


def _held(copies: int, executed: Sequence[ExecutedNode]) -> dict[int, set[str]]:
    held = {number: set[str]() for number in range(copies)}
    for node in executed:
        copy, names = owner(node)
        if copy in held:
            held[copy].update(names)
    return held


def owner(node: ExecutedNode) -> tuple[int | None, tuple[str, ...]]:
    """Return the copy that a step counts for, if any, and the names of its nodes there."""
    names: dict[str, list[str]] = {}
    for source in node.sources:
        part, _, name = source.partition("/")
        names.setdefault(part, []).append(name)
    first = next(iter(names), "")
    return copy_of(first), tuple(names.get(first, ()))


def copy_of(name: str) -> int | None:
    """Return the number of the copy that a node belongs to, if any."""
    part = name.partition("/")[0]
    number = part.removeprefix("copy")
    return int(number) if number.isdigit() and number != part else None


class _Node(NamedTuple):
    name: str
    operator: str
    producers: list[str]
    consumers: list[str]


def _nodes(graph: Graph) -> tuple[Mapping[str, _Node], Mapping[str, str]]:
    """Return the graph's nodes by name, in order, with their neighbours; and who makes a tensor."""
    model = onnx.ModelProto.FromString(graph.structure)
    nodes: dict[str, _Node] = {}
    maker: dict[str, str] = {}
    for number, node in enumerate(model.graph.node):
        name = node.name or f"node{number}"
        producers = [maker[tensor] for tensor in node.input if tensor in maker]
        nodes[name] = _Node(name, node.op_type, producers, [])
        maker.update(dict.fromkeys(node.output, name))
        for producer in producers:
            nodes[producer].consumers.append(name)
    position = {name: number for number, name in enumerate(nodes)}
    for found in nodes.values():
        found.producers.sort(key=position.__getitem__)
    return nodes, maker


def _unnamed(
    nodes: Mapping[str, _Node],
    steps: Sequence[Seen],
    step_of: dict[str, int],
    sharing: Collection[int],
) -> dict[int, list[str]]:
    """Find the nodes behind steps that mention none; add them to ``step_of``, the first counting.

    They lie between what the steps before it and the steps after it mention. If nothing does, the
    step is a part of what the next ones do.
    """
    named = defaultdict(list)
    for name, number in step_of.items():
        named[number].append(name)
    makers = {tensor: [n] for n, step in enumerate(steps) for tensor in step.yields}
    before = {n: [m for t in s.takes for m in makers.get(t, [])] for n, s in enumerate(steps)}
    after: dict[int, list[int]] = defaultdict(list)
    for number, earlier in before.items():
        for maker in earlier:
            after[maker].append(number)
    producers = {name: node.producers for name, node in nodes.items()}
    consumers = {name: node.consumers for name, node in nodes.items()}
    found: dict[int, list[str]] = defaultdict(list)
    for number, step in enumerate(steps):
        if number in named or number in sharing or step.added or not (step.takes or step.yields):
            continue
        behind = [n for m in _nearest(before, number, named) for n in named[m]]
        ahead = [n for m in _nearest(after, number, named) for n in named[m]]
        roots = [name for name, node in nodes.items() if not (behind or node.producers)]
        below = _reach(consumers, behind, step_of) | _reach(consumers, roots, step_of, own=True)
        above = _reach(producers, ahead, step_of) if ahead else below
        found[number] = [name for name in nodes if name in below & above] or ahead
    for number, names in found.items():
        step_of |= {name: number for name in names if name not in step_of}
    return found


def _nearest(
    links: Mapping[int, Sequence[int]], start: int, named: Mapping[int, Sequence[str]]
) -> list[int]:
    """Return the first steps along ``links`` that mention nodes."""
    found: list[int] = []
    seen, queue = {start}, [start]
    while queue:
        for number in links.get(queue.pop(), ()):
            if number not in seen:
                seen.add(number)
                (found if number in named else queue).append(number)
    return found


def _reach(
    links: Mapping[str, Sequence[str]],
    starts: Sequence[str],
    step_of: Mapping[str, int],
    *,
    own: bool = False,
) -> set[str]:
    """Return the nodes that no step mentions along ``links``, the starts among them if ``own``."""
    queue = list(starts) if own else [name for start in starts for name in links[start]]
    found: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in step_of and name not in found:
            found.add(name)
            queue += links[name]
    return found


def _follow(step_of: dict[str, int], name: str, neighbours: Sequence[str]) -> None:
    """Put a node that has no step into that of the first neighbour that has one."""
    steps = [step_of[neighbour] for neighbour in neighbours if neighbour in step_of]
    if steps:
        step_of.setdefault(name, steps[0])
