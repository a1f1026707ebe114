"""A diagnosis finds what was done to synthetic readings."""

from itertools import chain

import msgspec
import numpy as np
import pytest

from opscope.analysis.machine import diagnose
from opscope.core.configuration import Precision, Workload
from opscope.core.diagnosis import Copied, Examination, Kernel
from opscope.core.environment import Environment
from opscope.core.measurement import Measurement
from opscope.core.platform import Origin, PlatformInfo
from opscope.core.readings import Round, Samples, Visit
from opscope.core.study import Job, MeterName
from opscope.core.trial import Trial

PLATFORM = PlatformInfo(
    name="made-up",
    family="made-up",
    device="none",
    runtime="none",
    runtime_version="1",
    precisions=(Precision.FP32, Precision.INT8),
    quantities=("latency_s",),
    origin=Origin.MEASURED,
    deployments="timed",
)
QUIET = Environment(
    opscope="0",
    python="3",
    system="none",
    kernel="none",
    cpu="none",
    cores=4,
    processors=8,
    caches={"L3": 1000},
    memory_bytes=1000,
    available_bytes=900,
    swap_used_bytes=0,
    governor="performance",
    turbo=False,
    virtual_machine=False,
    timer_s=5e-8,
)
PERIOD_S = 0.25


def usual(part):
    return {"frequency_hz": 3e9, "temperature_c": 40.0 + part, "contention": (1.0,) * 20}


def rounds(count=120, *, steal=0.0, others=0.0, **facts):
    """Return rounds in which others took so many processors' worth of time."""
    return tuple(
        Round(
            start_s=PERIOD_S * (number + 1),
            steal_s=steal * PERIOD_S,
            others_s=others * PERIOD_S,
            **(usual(number / count) | facts),
        )
        for number in range(count)
    )


def kernel(text, seconds, role, seen, *, slower=None, noise=0.001, preempted=0.0, **facts):
    """Return a kernel of known duration, ``slower(t)`` times as long at second t."""
    chance = np.random.default_rng(sum(map(ord, text)))
    visits = []
    for number, round_ in enumerate(seen):
        factor = slower(round_.start_s) if slower else 1.0
        durations = seconds * factor * (1 + noise * np.abs(chance.standard_normal(4)))
        struck = chance.random(4) < preempted
        samples = Samples(
            durations_s=tuple((durations * (1 + struck)).tolist()),
            preemptions=tuple(struck.astype(int).tolist()),
            clock="script",
        )
        visits.append(
            Visit(
                round=number,
                preparation=number % 2,
                start_s=round_.start_s,
                rewarm=samples,
                samples=samples,
                contention=round_.contention[-2:],
            )
        )
    measurement = Measurement(
        quantity="latency_s",
        value=seconds,
        unit="s",
        origin=Origin.MEASURED,
        derivation="script",
        visits=tuple(visits),
        rounds=seen,
        **facts,
    )
    return Kernel(
        role=role,
        macs=0 if role == "memory" else 10**8,
        bytes=10**8,
        trial=Trial(job=job(text), status="ok", measurements=(measurement,)),
    )


def job(text):
    return Job(
        workload=Workload.parse(text), platform="made-up", meter=MeterName(name="call-latency")
    )


def examined(seen=None, environment=QUIET, platform=PLATFORM, copied=None, **what):
    seen = rounds() if seen is None else seen
    return Examination(
        platform=platform,
        environment=environment,
        kernels=(
            kernel("conv:h=14,cin=64,cout=64,k=3@fp32", 1e-4, "steadiness", seen, **what),
            kernel("fc:cin=1280,cout=1000@fp32", 2e-4, "steadiness", seen, **what),
            kernel("conv:h=56,cin=128,cout=128,k=3@fp32", 2e-3, "compute", seen, **what),
            kernel("conv:h=28,cin=512,cout=512,k=1@fp32", 1e-3, "compute", seen, **what),
            kernel("conv:h=28,cin=512,cout=512,k=1@int8", 5e-4, "compute", seen, **what),
            kernel("add:h=512,c=64@fp32", 5e-3, "memory", seen, **what),
        ),
        copied=copied,
    )


def changed(**facts):
    return msgspec.structs.replace(QUIET, **facts)


def advised(found):
    return " | ".join(advice.what for advice in found.advice)


def test_a_quiet_machine_is_good_and_needs_no_advice():
    found = diagnose(examined())
    assert found.quality == "good"
    assert found.verdict.startswith("good for measuring: ±2% takes 8 rounds")
    assert found.advice == ()
    assert found.rounds == 120
    assert found.noise.deviation < 0.001
    assert found.noise.low < 0 < found.noise.high < 0.01
    assert not found.drift.significant
    assert found.expectation.rounds == found.expectation.rounds_mostly == 8
    assert found.expectation.after_most < found.expectation.after_least < 0.02
    assert found.disturbed == {}
    assert (found.steal, found.neighbours) == (0.0, 0.0)
    assert found.frequency_hz == (3e9, 3e9)
    assert found.temperature_c == pytest.approx(41, abs=0.1)


def test_peaks_bandwidth_and_ridge_are_work_over_time():
    copied = Copied(bytes=100, samples=Samples(durations_s=(2.0, 1.0), clock="script"))
    found = diagnose(examined(copied=copied))
    fp32, int8 = found.peaks
    assert (fp32.precision, fp32.what) == (Precision.FP32, "conv:h=28,cin=512,cout=512,k=1")
    assert fp32.value == pytest.approx(1e11, rel=0.01)
    assert fp32.interval[0] < fp32.value < fp32.interval[1]
    assert int8.value == pytest.approx(2e11, rel=0.01)
    assert found.bandwidth.value == pytest.approx(2e10, rel=0.01)
    assert found.copy_bandwidth.value == 100
    assert found.ridge == {
        Precision.FP32: pytest.approx(5, rel=0.02),
        Precision.INT8: pytest.approx(10, rel=0.02),
    }


def test_a_stream_that_fits_the_cache_is_no_bandwidth():
    found = diagnose(examined(environment=changed(caches={"L3": 10**8})))
    assert found.bandwidth is None
    assert "exceed the caches" in found.absent["bandwidth"]
    assert found.ridge == {}


def test_a_clock_that_slows_down_is_a_drift():
    found = diagnose(examined(slower=lambda t: 1 + 0.12 * t / 60))
    assert found.drift.per_minute == pytest.approx(0.12, rel=0.1)
    assert found.drift.significant
    assert found.drift.range == pytest.approx(0.06 * 4 / 5, rel=0.1)
    assert found.quality == "usable"
    assert "its speed moved by 5% in 30 s" in found.verdict
    assert "+1" in advised(found)
    assert "a minute" in advised(found)


def test_a_clock_that_halves_makes_it_poor():
    found = diagnose(examined(slower=lambda t: 1.0 if t < 15 else 2.0))
    assert found.quality == "poor"
    assert found.drift.range == pytest.approx(1, rel=0.02)


def test_noise_costs_rounds():
    found = diagnose(examined(noise=0.5))
    assert found.quality == "poor"
    assert "figures are uncertain by ±" in found.verdict
    assert found.expectation.after_most > 0.05
    assert found.expectation.rounds is None
    few = diagnose(examined(rounds(20), noise=0.5))
    assert few.quality == "poor"
    assert "after 8 rounds" in few.verdict
    some = diagnose(examined(noise=0.15))
    assert some.quality == "usable"
    assert 8 < some.expectation.rounds <= 40


def test_a_core_that_another_thread_uses_is_told_with_what_to_do():
    found = diagnose(examined(rounds(contention=(1.0,) + (1.6,) * 3)))
    assert found.shared == 0.75
    assert "another hardware thread used the measuring core at 75% of moments" in advised(found)
    assert found.quality == "poor"
    assert "another hardware thread shared the core in 100% of the rounds" in found.verdict
    assert found.noise.deviation > 0, "with none that counts, all are looked at"
    alone = diagnose(examined())
    assert (alone.shared, alone.counted, alone.advice) == (0.0, 1.0, ())


def test_a_core_that_is_never_alone_is_told_where_it_was_alone_before():
    always = examined(rounds(contention=(1.6,) * 4))
    assert diagnose(always).shared == 0.0, "nothing to compare with"
    found = diagnose(examined(rounds(contention=(1.6,) * 4), least_contention=1.0))
    assert (found.shared, found.counted, found.quality) == (1.0, 0.0, "poor")


def test_only_rounds_with_the_core_alone_tell_noise_drift_and_precision():
    alone, beside = rounds(60), rounds(60, contention=(1.0,) * 4 + (1.6,) * 4)
    seen = tuple(chain.from_iterable(zip(beside, alone, strict=True)))
    seen = tuple(
        msgspec.structs.replace(round_, start_s=PERIOD_S * number)
        for number, round_ in enumerate(seen)
    )
    slow_s = {round_.start_s for round_ in seen[::2]}
    found = diagnose(examined(seen, slower=lambda t: 1.4 if t in slow_s else 1.0))
    assert found.counted == 0.5
    assert found.noise.high < 0.01, "the slow half is none of it"
    assert found.drift.range < 0.01
    expected = found.expectation
    assert (expected.rounds, expected.least_rounds, expected.most_rounds) == (16, 16, 80)
    assert expected.after_most < expected.after_least < 0.02
    assert found.quality == "usable"
    assert found.verdict.endswith("another hardware thread shared the core in 50% of the rounds")


def test_neighbours_and_steal_are_told_in_processors():
    found = diagnose(examined(rounds(others=1.5, steal=0.25), preempted=0.1))
    assert found.neighbours == pytest.approx(1.5)
    assert found.steal == pytest.approx(0.25)
    assert found.quality == "usable"
    assert "other processes kept 1.5 of 8 processors busy" in found.verdict
    assert "the hypervisor gave 0.2 processors to others" in found.verdict
    assert "other processes took 1.50 of 8 processors" in advised(found)
    assert "the hypervisor gave 0.25 processors to others" in advised(found)


def test_disturbed_calls_are_shares_by_what_disturbed_them():
    found = diagnose(examined(preempted=0.3))
    assert found.disturbed == {"preempted": pytest.approx(0.3, abs=0.03)}
    assert "of the calls were disturbed" in advised(found)
    every = diagnose(examined(preempted=1.0))
    assert every.quality == "poor"
    assert every.disturbed == {"preempted": 1.0}
    assert every.peaks[0].value > 0


def test_a_refused_priority_is_told_with_the_way_to_get_it():
    refused = ("priority not available, because Permission denied",)
    found = diagnose(examined(isolation=refused))
    assert found.isolation == refused
    (advice,) = found.advice
    assert advice.what == "a higher priority was refused"
    assert "limits.conf" in advice.how
    assert diagnose(examined(isolation=("priority -20",))).advice == ()


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"governor": "powersave"}, "the frequency governor is powersave"),
        ({"turbo": True}, "turbo is on"),
        ({"cpu_limit": 1.5}, "the container grants 1.5 of 4 processors"),
        ({"cores": 1}, "1 of 1 allowed processors compute"),
        ({"swap_used_bytes": 5 * 1024**2}, "5 MiB of memory are swapped out"),
        ({"available_bytes": 99}, "0 MiB of memory are left"),
        ({"timer_s": 2e-6, "clock_source": "hpet"}, "takes 2 µs (clock source hpet)"),
    ],
)
def test_each_fact_that_calls_for_it_gets_one_advice(facts, what):
    (advice,) = diagnose(examined(environment=changed(**facts))).advice
    assert what in advice.what
    assert advice.why
    assert advice.how


def test_a_virtual_machine_without_a_frequency_is_told_to_be_blind():
    virtual = changed(virtual_machine=True)
    blind = diagnose(examined(rounds(frequency_hz=None), environment=virtual))
    assert "does not show its clock frequency" in advised(blind)
    assert "cpufreq" in blind.absent["frequency_hz"]
    assert diagnose(examined(environment=virtual)).advice == ()


def test_what_cannot_be_read_has_a_reason():
    seen = rounds(temperature_c=None, frequency_hz=None, contention=())
    seen = tuple(msgspec.structs.replace(r, steal_s=None, others_s=None) for r in seen)
    found = diagnose(examined(seen, environment=changed(absent={"turbo": "because"})))
    assert (found.steal, found.neighbours, found.shared) == (None, None, None)
    unread = {"steal", "neighbours", "shared", "frequency_hz", "temperature_c"}
    assert set(found.absent) == {"turbo", *unread}


def test_few_rounds_are_said_to_be_few():
    found = diagnose(examined(rounds(3)))
    assert found.quality == "poor"
    assert "3 rounds in 0.5 s are too few to tell" in found.verdict
    assert (found.expectation.after_least, found.expectation.rounds) == (None, None)
    assert "less than 1 s" in found.absent["steal"]


def test_what_gave_no_figure_is_told_with_the_reason():
    whole = examined()
    broken = Kernel(
        role="compute",
        macs=1,
        bytes=1,
        trial=Trial(job=job("conv:h=6,cin=3,cout=4,k=3"), status="failed", reason="no memory"),
    )
    found = diagnose(msgspec.structs.replace(whole, kernels=(*whole.kernels, broken)))
    assert found.missing == {"conv:h=6,cin=3,cout=4,k=3@fp32": "no memory"}
