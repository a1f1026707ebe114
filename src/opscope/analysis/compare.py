"""Comparing two sides: the ratio of each configuration, its interval, and the verdict in words."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence

import msgspec

from opscope.core.comparison import Compared, Figure, Outcome, Overall, Paired
from opscope.core.measurement import Verdict
from opscope.core.platform import Origin
from opscope.core.trial import Trial
from opscope.stats.paired import mean_interval, most_by_chance

_FINEST = 3
_LEAST_SITTINGS = 3

_FACTOR = 3
"""From so many times as large on, a factor says more than per cent."""

_WORDS = {"latency_s": {Outcome.LOWER: "faster", Outcome.HIGHER: "slower"}}
_USUAL_WORDS = {Outcome.LOWER: "lower", Outcome.HIGHER: "higher"}


def figure_of(trial: Trial, quantity: str) -> Figure:
    """Return what a trial has of a quantity, or why it has nothing."""
    if trial.status != "ok":
        return Figure(status=trial.status, reason=trial.reason)
    measurement = trial.measurement(quantity)
    if measurement is None:
        return Figure(status="missing", reason=f"no {quantity} was read")
    return Figure.of(measurement)


def merged(figures: Sequence[Figure]) -> Figure:
    """Return one figure for several sittings: their mean; the first without one, if any is."""
    values = [figure.value for figure in figures if figure.value is not None]
    if len(values) < len(figures):
        return next(figure for figure in figures if figure.value is None)
    bounds = [bound for figure in figures for bound in figure.interval or ()]
    doubted = [figure.trust for figure in figures if figure.trust.verdict is Verdict.UNTRUSTED]
    return msgspec.structs.replace(
        figures[0],
        value=statistics.fmean(values),
        interval=(min(bounds), max(bounds)) if bounds else None,
        derivation=f"{figures[0].derivation}; mean of {len(figures)} sittings",
        trust=doubted[0] if doubted else figures[0].trust,
    )


def compare_figures(workload: str, quantity: str, a: Figure, b: Figure) -> Compared:
    """Compare figures that were taken apart: errors are independent and add up by their squares."""
    if reason := _missing(a, b) or _untrusted(a, b) or _unsure(a, b):
        return _unknown(workload, a, b, reason)
    assert a.value is not None  # noqa: S101 - else it were missing
    assert b.value is not None  # noqa: S101 - else it were missing
    told = (a.sampled or b.sampled) and not (_is_bare(a) or _is_bare(b))
    interval = _propagated(a, b) if told else None
    return _judged(workload, quantity, a, b, ratio=b.value / a.value, interval=interval)


def compare_paired(
    workload: str, quantity: str, a: Figure, b: Figure, sittings: Sequence[Paired]
) -> Compared:
    """Compare figures that were taken in turns, by the ratio in each sitting.

    What disturbed both sides alike does not count against them, so the trust of each figure by
    itself does not decide. Sittings in doubt are left out.
    """
    logs = [s.log_ratio for s in sittings if s.log_ratio is not None and not s.doubt]
    reason = _missing(a, b)
    if len(logs) < _LEAST_SITTINGS:
        reason = reason or next(sitting.doubt for sitting in sittings if sitting.doubt)
    interval = mean_interval(logs)
    if reason or interval is None:
        return _unknown(workload, a, b, reason)
    found = _judged(
        workload,
        quantity,
        a,
        b,
        ratio=math.exp(statistics.fmean(logs)),
        interval=(math.exp(interval[0]), math.exp(interval[1])),
    )
    return msgspec.structs.replace(
        found,
        rounds=sum(sitting.rounds for sitting in sittings),
        sittings=tuple(map(math.exp, logs)),
    )


def overall(quantity: str, compared: Sequence[Compared]) -> Overall:
    """Return what all configurations together show."""
    told = [item for item in compared if item.ratio is not None]
    ratio, interval = _geometric_mean(told) if told else (None, None)
    return Overall(
        ratio=ratio,
        interval=interval,
        counts=dict(Counter(item.outcome.value for item in compared)),
        by_chance=most_by_chance(sum(item.interval is not None for item in compared)),
        statement=_overall_statement(quantity, ratio, interval, len(told)),
    )


def _geometric_mean(told: Sequence[Compared]) -> tuple[float, tuple[float, float] | None]:
    """Return the geometric mean of these ratios, their errors independent; and its interval."""
    middle = math.fsum(math.log(item.ratio or 1) for item in told) / len(told)
    if all(item.interval is None for item in told):
        return math.exp(middle), None
    if shared := _by_sitting(told):
        return math.exp(middle), (math.exp(shared[0]), math.exp(shared[1]))
    sides = [_log_errors(item.ratio, item.interval) for item in told]
    under, over = (math.hypot(*errors) / len(told) for errors in zip(*sides, strict=True))
    return math.exp(middle), (math.exp(middle - under), math.exp(middle + over))


def _by_sitting(told: Sequence[Compared]) -> tuple[float, float] | None:
    """Return the interval of the mean over sittings, whose processes err alike in every ratio."""
    most = max(len(item.sittings) for item in told)
    whole = [item.sittings for item in told if len(item.sittings) == most]
    if len(told) == 1 or most < _LEAST_SITTINGS:
        return None
    means = [statistics.fmean(map(math.log, ratios)) for ratios in zip(*whole, strict=True)]
    return mean_interval(means)


def _judged(
    workload: str,
    quantity: str,
    a: Figure,
    b: Figure,
    *,
    ratio: float,
    interval: tuple[float, float] | None,
) -> Compared:
    outcome = _outcome(interval or (ratio, ratio))
    return Compared(
        workload=workload,
        a=a,
        b=b,
        outcome=outcome,
        statement=_statement(quantity, outcome, ratio, interval),
        ratio=ratio,
        interval=interval,
    )


def _unknown(workload: str, a: Figure, b: Figure, reason: str) -> Compared:
    statement = f"cannot be told: {reason}"
    return Compared(workload=workload, a=a, b=b, outcome=Outcome.UNKNOWN, statement=statement)


def _missing(a: Figure, b: Figure) -> str:
    """Return why there is no figure, what failed before what only lacks."""
    sides = sorted((("A", a), ("B", b)), key=lambda side: side[1].status == "missing")
    for name, figure in sides:
        if figure.value is None:
            return f"{name} {figure.status}: {figure.reason}".rstrip(": ")
    return ""


def _untrusted(a: Figure, b: Figure) -> str:
    for name, figure in (("A", a), ("B", b)):
        if figure.trust.verdict is Verdict.UNTRUSTED:
            return f"{name} untrusted because {figure.trust.reason}"
    return ""


def _unsure(a: Figure, b: Figure) -> str:
    for name, figure in (("A", a), ("B", b)):
        if figure.sampled and not figure.interval:
            return f"{name} has no interval"
        if min([figure.value or 0, *(figure.interval or ())]) <= 0:
            return f"{name} may be zero"
    return ""


def _is_bare(figure: Figure) -> bool:
    """Whether a figure was measured elsewhere and its error not told; a simulator has none."""
    elsewhere = figure.trust.verdict is Verdict.NOT_ASSESSED
    return elsewhere and figure.origin is Origin.MEASURED and not figure.interval


def _propagated(a: Figure, b: Figure) -> tuple[float, float]:
    """Return the interval of B over A; on the logarithmic scale errors of a ratio are symmetric."""
    a_under, a_over = _log_errors(a.value, a.interval)
    b_under, b_over = _log_errors(b.value, b.interval)
    middle = math.log((b.value or 0) / (a.value or 1))
    low, high = middle - math.hypot(b_under, a_over), middle + math.hypot(b_over, a_under)
    return math.exp(low), math.exp(high)


def _log_errors(value: float | None, interval: tuple[float, float] | None) -> tuple[float, float]:
    """Return how far an interval reaches to both sides; not at all where there is none."""
    if not value or not interval:
        return 0.0, 0.0
    return math.log(value / interval[0]), math.log(interval[1] / value)


def _outcome(interval: tuple[float, float]) -> Outcome:
    if interval[1] < 1:
        return Outcome.LOWER
    return Outcome.HIGHER if interval[0] > 1 else Outcome.SAME


def _statement(
    quantity: str, outcome: Outcome, ratio: float, interval: tuple[float, float] | None
) -> str:
    low, high = interval or (ratio, ratio)
    words = _WORDS.get(quantity, _USUAL_WORDS)
    if outcome is Outcome.SAME:
        return f"no difference shown ({_signed(low - 1, high - 1)})" if low < high else "the same"
    told = "" if interval else ", as reported, without interval"
    factors = (1 / high, 1 / low) if outcome is Outcome.LOWER else (low, high)
    if factors[0] >= _FACTOR:
        return f"B is {words[outcome]} by a factor of {_factors(*factors)}{told}"
    sizes = (1 - high, 1 - low) if outcome is Outcome.LOWER else (low - 1, high - 1)
    return f"B is {words[outcome]} by {_range(*sizes)}{told}"


def _overall_statement(
    quantity: str, ratio: float | None, interval: tuple[float, float] | None, count: int
) -> str:
    if ratio is None:
        return "no configuration can be compared"
    said = _statement(quantity, _outcome(interval or (ratio, ratio)), ratio, interval)
    return f"{said} in the geometric mean of {count} configuration{'s' if count > 1 else ''}"


def _range(low: float, high: float) -> str:
    """Return a span of shares in per cent, as in ``4–6 %``, as fine as it takes to tell it."""
    digits = _digits(low, high)
    first, second = (f"{100 * value:.{digits}f}" for value in (low, high))
    return f"{first} %" if first == second else f"{first}–{second} %"


def _factors(low: float, high: float) -> str:
    """Return a span of factors, as in ``12.1–12.4``, to the digits that tell it apart."""
    digits = next((n for n in range(2, 5) if f"{low:.{n}g}" != f"{high:.{n}g}"), 3)
    first, second = (f"{float(f'{value:.{digits}g}'):,.15g}" for value in (low, high))
    return first if first == second else f"{first}–{second}"


def _signed(low: float, high: float) -> str:
    digits = _digits(low, high)
    first, second = (f"{100 * value:+.{digits}f}".replace("-", "−") for value in (low, high))
    return f"{first} … {second} %"


def _digits(low: float, high: float) -> int:
    """Return decimals so that the span is told and no bound becomes zero that is none."""
    for digits in range(_FINEST):
        step = 10**-digits / 100
        small = min((abs(value) for value in (low, high) if value), default=step)
        if (high - low or small) >= 2 * step and small >= step / 2:
            return digits
    return _FINEST
