"""The steps finding: how a quantity grows with a count of channels, why, and what to keep.

Source: behaviour study, Sec. 4.1 (Finding 1) and App. B.2 (Finding 8).
"""

from __future__ import annotations

from opscope.analysis.responses import Response
from opscope.analysis.steps import Steps, find_steps
from opscope.core.finding import Effect, Finding, Guideline
from opscope.core.measurement import Trust, Verdict
from opscope.core.platform import Origin, PlatformInfo

_FP32_LANES = (("avx512f", 16, "AVX-512"), ("avx2", 8, "AVX2"), ("asimd", 4, "Neon"))
"""FP32 values in a vector register, widest extension first."""

ENOUGH = 6
"""Fewest values of x that can show steps."""


def channels_finding(response: Response, study: str) -> Finding:
    """Return what ``response``, which has at least `ENOUGH` values of x, says about steps."""
    steps = find_steps(
        [point.x for point in response.points],
        [point.y for point in response.points],
        intervals=_intervals(response),
    )
    platform = response.platform
    return Finding(
        kind="steps",
        study=study,
        platform=platform.name,
        fingerprint=platform.fingerprint,
        precision=response.precision,
        fixed=response.fixed,
        x=response.x,
        quantity=response.quantity,
        verdict=steps.verdict,
        characteristic=_characteristic(response, steps),
        cause=_cause(response, steps),
        implication=_implication(response, steps),
        points=response.points,
        effects=_effects(response, steps),
        edges=tuple((edge.low, edge.high) for edge in steps.edges),
        guideline=Guideline(
            parameter=response.x, allowed=steps.recommended, of=len(response.points)
        ),
        origin=response.origin,
        derivation=response.derivation,
        trust=_trust(response),
        left_out=response.left_out,
    )


def _intervals(response: Response) -> list[tuple[float, float]] | None:
    intervals = [point.interval for point in response.points if point.interval]
    return intervals if len(intervals) == len(response.points) else None


def _characteristic(response: Response, steps: Steps) -> str:
    return f"{response.quantity} of {response.fixed} against {response.x}: {steps.reason}"


def _cause(response: Response, steps: Steps) -> str:
    """Say what the period matches; a match is a likely cause, not a proven one."""
    if steps.period is None or steps.period_interval is None:
        return "not established"
    if response.origin is not Origin.MEASURED:
        return f"a property of {response.platform.name}'s model"
    low, high = steps.period_interval
    if not response.platform.instruction_set:
        return "not established: the platform's instruction set is not known"
    lanes, extension = _lanes(response.platform)
    multiple = round(steps.period / lanes) if lanes else 0
    if not multiple or not low <= multiple * lanes <= high:
        return "not established: the period is no multiple of a vector register's width"
    vectors = f"{multiple} registers" if multiple > 1 else "one register"
    return (
        f"likely padding to the vector width: {multiple * lanes} channels fill {vectors} of "
        f"{lanes} {response.precision} values ({extension}), and a partly filled one takes as long"
    )


def _lanes(platform: PlatformInfo) -> tuple[int, str]:
    for flag, lanes, name in _FP32_LANES:
        if flag in platform.instruction_set:
            return lanes, name
    return 0, ""


def _implication(response: Response, steps: Steps) -> str:
    """Say what the recommended counts mean; the words follow from them, not from the verdict."""
    kept, of = len(steps.recommended), len(response.points)
    if kept == 1:
        return f"no smaller {response.x} is faster over this range: take the largest"
    if kept == of:
        return f"no value of {response.x} is to be preferred: each costs less than all larger ones"
    return (
        f"keep the {kept} of {of} values of {response.x} beyond which more costs more; any other "
        "costs as much as a larger one, or more"
    )


def _effects(response: Response, steps: Steps) -> tuple[Effect, ...]:
    effects = [
        Effect(
            name="slope inside steps" if steps.edges else "slope",
            value=steps.slope,
            unit=f"{response.quantity} per {response.x}",
            interval=steps.slope_interval,
        ),
        Effect(name="scatter about the fit", value=steps.noise, unit="relative"),
    ]
    if steps.period is not None:
        period = Effect(
            name="period",
            value=steps.period,
            unit=response.x,
            interval=steps.period_interval,
        )
        effects.insert(0, period)
    effects += [
        Effect(
            name=f"rise between {edge.low:g} and {edge.high:g}",
            value=edge.rise,
            unit=response.quantity,
            interval=edge.rise_interval,
        )
        for edge in steps.edges
    ]
    return tuple(effects)


def _trust(response: Response) -> Trust:
    lost = sum(response.left_out.values())
    total = lost + len(response.points)
    if 2 * lost > total:
        return Trust(
            verdict=Verdict.UNTRUSTED,
            reason=f"{lost} of {total} trials gave no figure that can be trusted",
        )
    if response.unassessed:
        return Trust(
            verdict=Verdict.NOT_ASSESSED,
            reason=f"{response.unassessed} of {len(response.points)} figures were imported",
        )
    return Trust()
