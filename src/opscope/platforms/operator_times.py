"""Operator times: how long the steps took that a runtime timed by its own clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from opscope.platforms.base import ExecutedNode
from opscope.platforms.execution import owner


def operator_times(
    copies: int, preparations: Sequence[Sequence[ExecutedNode]]
) -> tuple[ExecutedNode, ...]:
    """Return the steps that were timed, of a network all, of a stack those of one of its copies.

    Times are means over preparations and copies; what does the same in the same way is the same
    step, whatever it is called there, in a network the first to the first and so on. A step that
    does work of several copies is the first one's. What does none of any copy's is left out: what
    begins and ends a stack, changes of layout that mention no node.

    Args:
        copies: Copies in the stack; 0 of a network.
        preparations: What each preparation executed.
    """
    alike: dict[tuple[ExecutedNode, int], list[ExecutedNode]] = {}
    for executed in preparations:
        met = Counter[ExecutedNode]()
        for node in executed:
            step = _of_copy(node) if copies else node
            if step.time_s is None or (copies and not step.sources):
                continue
            what = replace(step, name="", time_s=None)
            alike.setdefault((what, met[what]), []).append(step)
            met[what] += not copies
    shares = len(preparations) * max(1, copies)
    return tuple(
        replace(steps[0], time_s=sum(step.time_s or 0.0 for step in steps) / shares)
        for steps in alike.values()
    )


def total_s(steps: Sequence[ExecutedNode]) -> float | None:
    """Return the time of all steps together; None where none was timed."""
    times = [step.time_s for step in steps if step.time_s is not None]
    return sum(times) if times else None


def _of_copy(node: ExecutedNode) -> ExecutedNode:
    """Return a step named after what it does of a layer, without a source if it does nothing."""
    copy, names = owner(node)
    sources = names if copy is not None else ()
    return replace(node, name=" + ".join(sources), sources=sources)
