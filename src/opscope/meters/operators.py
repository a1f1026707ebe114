"""The meter of operator times: what each step took by the clocks of the runtime itself."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement, Scope, Stop, Trust, Verdict
from opscope.core.platform import PlatformInfo
from opscope.core.study import Instrumentation
from opscope.errors import MeasurementError
from opscope.graph.stacks import Term, layer_terms, stackable
from opscope.meters.base import Readings
from opscope.meters.latency import CallLatencyMeter
from opscope.platforms.base import ExecutedNode
from opscope.platforms.operator_times import operator_times, total_s

_NO_INTERVAL = "runtimes do not say how far single times lie apart"


class OperatorTimesMeter(CallLatencyMeter):
    """How long each operator takes inside a network, as the runtime's own profile has it.

    Of a network that is each step that the runtime executes; of an operator or block those of a
    copy of it, on average over its deeper stack. It is visited as for a latency, until the interval
    of a whole call is narrow enough, while the runtime takes the times. They begin and end inside a
    call, so that what lies between the steps is in none of them.
    """

    instrumentation: ClassVar[Instrumentation] = Instrumentation(profile=True)
    quantities: ClassVar[tuple[str, ...]] = ("operator_time_s", "profiled_call_s")

    def terms(self, workload: Workload) -> tuple[Term, ...]:
        """Return the deeper stack of an operator or block, or else the network itself."""
        whole = workload
        if stackable(workload.configuration) and not workload.copies:
            whole = layer_terms(workload)[0].workload
        return (Term(workload=whole, coefficient=1.0),)

    def conclude(
        self, readings: Readings, info: PlatformInfo, stopped: Stop
    ) -> tuple[Measurement, ...]:
        """Return ``operator_time_s`` of all steps and of each, and ``profiled_call_s`` of the call.

        Times are as doubtful as the calls that they were taken in; else they are not assessed.

        Raises:
            MeasurementError: If there is no sample at all, or the runtime took no times.
        """
        (call,) = super().conclude(readings, info, stopped)
        copies = readings.terms[0].workload.copies
        steps = operator_times(copies, readings.executed)
        if (together_s := total_s(steps)) is None:
            raise MeasurementError(f"{info.name} took no times of what it executed")
        whole, what = "the network", "all steps"
        if copies:
            whole, what = f"a stack of {copies} copies", f"a copy in a stack of {copies}"
        trusted = call.trust.verdict is Verdict.TRUSTED
        each = Measurement(
            quantity="operator_time_s",
            value=together_s,
            unit="s",
            origin=info.origin,
            derivation=f"{what}, by the clocks of {info.runtime}",
            interval_note=_NO_INTERVAL,
            trust=Trust(verdict=Verdict.NOT_ASSESSED, reason=_NO_INTERVAL)
            if trusted
            else call.trust,
        )
        profiled = replace(
            call, quantity="profiled_call_s", derivation=f"{whole}, profiled; {call.derivation}"
        )
        return (each, profiled, *(_of_step(each, step) for step in steps))


def _of_step(each: Measurement, step: ExecutedNode) -> Measurement:
    scope = Scope(
        kind="node",
        node=step.name,
        sources=step.sources,
        kernel=step.kind,
        format=step.format,
        device=step.device,
    )
    return replace(each, value=step.time_s, scope=scope)
