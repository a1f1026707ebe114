"""What a deployment must show before it is timed: every copy, its precision, its outputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import onnx

from opscope.core.configuration import Precision, Workload
from opscope.core.execution import Execution
from opscope.core.platform import PlatformInfo
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import build
from opscope.platforms.base import Arrays, ExecutedNode, Platform, TimedDeployment
from opscope.platforms.execution import copy_of, missing_copies, share_as_asked, usual_steps
from opscope.platforms.reference import output_error, run_reference

TOLERANCE = {
    Precision.FP32: 2e-3,
    Precision.BF16: 0.2,
    Precision.FP16: 0.02,
    Precision.INT8: 0.6,
    Precision.UINT8: 0.6,
}
"""Largest error of an output, in standard deviations of the right one.

Over operators, blocks, stacks of 8 and networks with drawn weights, errors reached 7e-6 in FP32,
0.08 in BF16 and 0.35 in 8 bits; FP16 was not seen (docs/precisions.md). Outputs that have nothing
to do with the right ones are off by 1.4, such of one image too few by 0.8 or more."""


class Verified(NamedTuple):
    """What a deployment really ran, and the time that finding out took inside runtimes.

    Attributes:
        load_s: Seconds that runtimes loaded for it, besides the deployment itself.
        run_s: Seconds that they ran.
        times: Whether the runtime said how long each step takes.
        steps: Of a stack, what each of its copies has a step for.
    """

    execution: Execution
    load_s: float
    run_s: float
    times: bool = False
    steps: frozenset[str] = frozenset()


class VerifiedCopies(NamedTuple):
    """What each copy of a stack has a step for, and the time that finding out took.

    Attributes:
        load_s: Seconds that runtimes loaded for it, besides the deployment itself.
        run_s: Seconds that they ran.
    """

    steps: frozenset[str]
    load_s: float
    run_s: float


class _Told(NamedTuple):
    """What a deployment tells of what it executes."""

    executed: tuple[ExecutedNode, ...]
    load_s: float = 0.0
    run_s: float = 0.0


def verified(
    platform: Platform,
    workload: Workload,
    deployment: TimedDeployment,
    seed: int,
    *,
    profiled: bool = False,
) -> Verified:
    """Return what a deployment, bound to inputs drawn from ``seed`` and called, really ran.

    Of one that is being profiled another tells it, as some profile no more once they have told.

    Raises:
        UnsupportedWorkload: If no part of it ran in the precision asked for.
        PlatformError: If it leaves out copies of a stack, if what was asked for in FP32 did not
            wholly run so, or if its outputs are wrong.
    """
    info, graph = platform.info(), build(workload)
    inputs = graph.draw_inputs(seed)
    executed, load_s, run_s = _told(platform, workload, deployment, seed, inputs, profiled=profiled)
    _check_copies(info, workload, executed)
    share = share_as_asked(graph, executed, workload.precision)
    _check_precision(info, workload, executed, share)
    error = None
    if info.computes and graph.outputs:
        reference = run_reference(graph, seed, inputs)
        error = output_error(deployment.outputs(), reference.outputs)
        load_s, run_s = load_s + reference.load_s, run_s + reference.run_s
    if error is not None and not error <= _tolerance(info, workload):
        raise PlatformError(
            f"{info.name} computes another result than onnxruntime does in fp32: it "
            f"is off by {_times(error)} standard deviations of the right one",
            where=str(workload),
        )
    execution = Execution(
        as_asked=share,
        kernels=_counts(node.kind for node in executed),
        fused=_counts(_fused(workload, executed)),
        devices=_counts(node.device for node in executed if node.device),
        builds_s=deployment.builds_s,
        output_error=error,
    )
    times = any(node.time_s is not None for node in executed)
    return Verified(execution, load_s, run_s, times, usual_steps(workload.copies, executed))


def verified_copies(
    platform: Platform,
    workload: Workload,
    deployment: TimedDeployment,
    seed: int,
    steps: frozenset[str],
) -> VerifiedCopies:
    """Return what a stack's deployment, bound and called, has a step for in each of its copies.

    Args:
        platform: Where it was prepared.
        workload: The stack.
        deployment: Of it.
        seed: Of its weights and inputs.
        steps: What each copy of a deeper stack of the same layer has a step for, if there is one.

    Raises:
        PlatformError: If it leaves out copies.
    """
    inputs = build(workload).draw_inputs(seed)
    executed, load_s, run_s = _told(platform, workload, deployment, seed, inputs)
    _check_copies(platform.info(), workload, executed, steps)
    return VerifiedCopies(usual_steps(workload.copies, executed), load_s, run_s)


def _tolerance(info: PlatformInfo, workload: Workload) -> float:
    """Return the largest error explained by the precision asked for, or by rounded weights."""
    return max(TOLERANCE[workload.precision], TOLERANCE[info.weights])


def _counts(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items()))


def _fused(workload: Workload, executed: Sequence[ExecutedNode]) -> Iterator[str]:
    """Yield the operators that each executed node stands for, where it stands for several."""
    nodes = onnx.ModelProto.FromString(build(workload).structure).graph.node
    operators = {node.name: node.op_type for node in nodes}
    for step in executed:
        if len(step.sources) > 1:
            yield "+".join(operators.get(source, "?") for source in step.sources)


def _told(
    platform: Platform,
    workload: Workload,
    deployment: TimedDeployment,
    seed: int,
    inputs: Arrays,
    *,
    profiled: bool = False,
) -> _Told:
    """Return what is executed; of a deployment that cannot tell it, another one does."""
    if not profiled and platform.info().tells != "profiled":
        return _Told(deployment.executed())
    profile = Instrumentation(profile=True)
    other = platform.prepare(workload, seed=seed, instrumentation=profile)
    if not isinstance(other, TimedDeployment):
        return _Told(())
    with closing(other):
        other.bind(inputs)
        run_s = sum(other.sample(1).durations_s)
        return _Told(other.executed(), other.load_s, run_s)


def _check_copies(
    info: PlatformInfo,
    workload: Workload,
    executed: Sequence[ExecutedNode],
    steps: frozenset[str] = frozenset(),
) -> None:
    if not workload.copies or not executed:
        return
    if missing := missing_copies(workload.copies, executed, steps):
        left_out = ", ".join(map(str, missing))
        raise PlatformError(
            f"{info.name} leaves out copies {left_out} of the stack of "
            f"{workload.copies}, so that its time says nothing of a layer's",
            where=str(workload),
            remedy="Use the meter call-latency.",
        )


def _check_precision(
    info: PlatformInfo, workload: Workload, executed: Sequence[ExecutedNode], share: float | None
) -> None:
    if share is None or share == 1 or (share > 0 and workload.precision is not Precision.FP32):
        return
    layers = [n for n in executed if any(copy_of(source) is not None for source in n.sources)]
    kernels = Counter(f"{n.kind} in {n.format}" for n in layers or executed if n.format)
    ran = ", ".join(name for name, _ in kernels.most_common(3))
    what = f"{info.name} runs it as {ran}"
    if share:
        raise PlatformError(f"{what}: {share:.0%} of it in fp32", where=str(workload))
    raise UnsupportedWorkload(f"{what}: none of it in {workload.precision}")


def _times(error: float) -> str:
    return f"{error:.2g}" if math.isfinite(error) else "any number of"
