"""From what was read off a machine to a diagnosis: figures, a verdict with its reason, advice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from opscope.analysis.machine.advice import advise
from opscope.analysis.machine.series import disturbed, drift, expectation, noise, visits
from opscope.analysis.machine.sharing import counted, shared, suffices
from opscope.analysis.machine.speed import bandwidth, copy_bandwidth, peaks, ridge
from opscope.core.diagnosis import Diagnosis, Examination, Quality
from opscope.core.measurement import Measurement
from opscope.core.readings import Round

_GOOD_ROUNDS = 12
_POOR_WIDTH = 0.05
_GOOD_RANGE, _POOR_RANGE = 0.03, 0.15
_GOOD_DISTURBED, _POOR_DISTURBED = 0.05, 0.5
_MUCH = 0.1
"""Processors' worth of time that others take, or share of rounds in which they share the core, from
which they are named as a cause."""

_LEAST_S = 1.0
"""Shortest time over which the kernel's counts of processor time say anything."""

_WORST_FIRST: tuple[Quality, ...] = ("poor", "usable", "good")


def diagnose(examined: Examination) -> Diagnosis:
    """Return how good the machine is for measuring.

    Args:
        examined: At least one of its kernels was measured.
    """
    kernels = [kernel for kernel in examined.kernels if visits(kernel)]
    steady = [kernel for kernel in kernels if kernel.role == "steadiness"] or kernels
    measured = [kernel.trial.measurement("latency_s") for kernel in kernels]
    whole = max(filter(None, measured), key=lambda measurement: len(measurement.rounds))
    kept, share = counted(steady, whole)
    if suffices(share):
        steady, usual = kept, expectation(kept, share)
    else:
        usual = expectation(steady)
    starts = [visit.start_s for kernel in kernels for visit in visits(kernel)]
    absent = dict(examined.environment.absent)
    top = peaks(kernels)
    moved = bandwidth(kernels, examined.environment.caches, absent)
    found = Diagnosis(
        platform=examined.platform,
        environment=examined.environment,
        quality="good",
        verdict="",
        span_s=max(starts) - min(starts),
        rounds=len(whole.rounds),
        noise=noise(steady),
        drift=drift(steady),
        expectation=usual,
        disturbed=disturbed(kernels),
        shared=_shared(whole, absent),
        counted=share,
        steal=_worth(whole.rounds, "steal", lambda seen: seen.steal_s, absent),
        neighbours=_worth(whole.rounds, "neighbours", lambda seen: seen.others_s, absent),
        frequency_hz=_frequency(whole.rounds, absent),
        temperature_c=_temperature(whole.rounds, absent),
        isolation=whole.isolation,
        peaks=top,
        bandwidth=moved,
        copy_bandwidth=copy_bandwidth(examined.copied),
        ridge=ridge(top, moved),
        missing={
            str(kernel.trial.job.workload): kernel.trial.reason
            for kernel in examined.kernels
            if not visits(kernel)
        },
        absent=absent,
    )
    quality, verdict = _judged(found)
    return msgspec.structs.replace(found, quality=quality, verdict=verdict, advice=advise(found))


def _shared(whole: Measurement, absent: dict[str, str]) -> float | None:
    share = shared(whole)
    if share is None:
        absent["shared"] = "not available, because it says nothing unless one core here computes"
    return share


def _worth(
    rounds: Sequence[Round],
    fact: str,
    read: Callable[[Round], float | None],
    absent: dict[str, str],
) -> float | None:
    """Return processors' worth of time from what each round says passed since the one before."""
    span_s = rounds[-1].start_s - rounds[0].start_s if rounds else 0.0
    passed = [seconds for seen in rounds[1:] if (seconds := read(seen)) is not None]
    if span_s < _LEAST_S:
        absent[fact] = f"not available, because the rounds took less than {_LEAST_S:g} s"
        return None
    if not passed:
        absent[fact] = "not available, because /proc/stat cannot be read or counts nothing"
        return None
    return max(0.0, sum(passed) / span_s)


def _frequency(rounds: Sequence[Round], absent: dict[str, str]) -> tuple[float, float] | None:
    seen = [hertz for round_ in rounds if (hertz := round_.frequency_hz) is not None]
    if not seen:
        absent["frequency_hz"] = "not available, because cpufreq shows no scaling_cur_freq"
        return None
    return min(seen), max(seen)


def _temperature(rounds: Sequence[Round], absent: dict[str, str]) -> float | None:
    seen = [degrees for round_ in rounds if (degrees := round_.temperature_c) is not None]
    if not seen:
        absent["temperature_c"] = "not available, because there is no thermal zone to read"
    return max(seen, default=None)


def _judged(found: Diagnosis) -> tuple[Quality, str]:
    """Return the quality and the sentence that gives its reason: the worst flaw and its cause."""
    flaws = _flaws(found)
    quality = min((flaw for flaw, _ in flaws), key=_WORST_FIRST.index, default=_WORST_FIRST[-1])
    worst = [text for flaw, text in flaws if flaw == quality]
    if not worst:
        expected, wanted = found.expectation, found.expectation.wanted
        worst = [
            f"±{wanted:.0%} takes {expected.rounds} rounds, "
            f"and its speed stays within {found.drift.range:.1%}"
        ]
    return quality, f"{quality} for measuring: {'; '.join([*worst, *_causes(found)])}"


def _flaws(found: Diagnosis) -> list[tuple[Quality, str]]:
    flaws = _flaws_of_precision(found)
    if not suffices(found.counted):
        text = f"another hardware thread shared the core in {_shared_rounds(found)}"
        flaws.append(("poor", text))
    if found.drift.range > _GOOD_RANGE:
        bad = found.drift.range > _POOR_RANGE
        text = f"its speed moved by {found.drift.range:.0%} in {found.span_s:.0f} s"
        flaws.append(("poor" if bad else "usable", text))
    if (share := sum(found.disturbed.values())) > _GOOD_DISTURBED:
        bad = share > _POOR_DISTURBED
        flaws.append(("poor" if bad else "usable", f"{share:.0%} of the calls were disturbed"))
    return flaws


def _shared_rounds(found: Diagnosis) -> str:
    return f"{1 - found.counted:.0%} of the rounds"


def _flaws_of_precision(found: Diagnosis) -> list[tuple[Quality, str]]:
    expected, wanted = found.expectation, f"±{found.expectation.wanted:.0%}"
    if expected.after_least is None:
        return [("poor", f"{found.rounds} rounds in {found.span_s:.1f} s are too few to tell")]
    seen = min(expected.most_rounds, found.rounds)
    width, after = expected.after_least, expected.least_rounds
    if expected.after_most is not None:
        width, after = expected.after_most, expected.most_rounds
    if width > _POOR_WIDTH:
        return [("poor", f"figures are uncertain by ±{width:.1%} after {after} rounds")]
    if expected.rounds is None:
        return [("usable", f"{wanted} usually takes more than {seen} rounds")]
    if expected.rounds_mostly is None:
        return [("usable", f"{wanted} sometimes takes more than {seen} rounds")]
    if expected.rounds > _GOOD_ROUNDS:
        return [("usable", f"{wanted} takes {expected.rounds} rounds")]
    return []


def _causes(found: Diagnosis) -> list[str]:
    causes = []
    if found.neighbours and found.neighbours > _MUCH:
        of = found.environment.processors or found.environment.cores
        causes.append(f"other processes kept {found.neighbours:.1f} of {of} processors busy")
    if suffices(found.counted) and found.counted < 1 - _MUCH:
        causes.append(f"another hardware thread shared the core in {_shared_rounds(found)}")
    if found.steal and found.steal > _MUCH:
        causes.append(f"the hypervisor gave {found.steal:.1f} processors to others")
    return causes
