import random

import pytest
from msgspec.structs import replace

from opscope.core.readings import Round, Samples
from opscope.core.study import Protocol
from opscope.meters.contention import CONTENTION, alone, contention, least_of, lowered, referred
from opscope.meters.latency import CallLatencyMeter
from opscope.platforms.registry import open_platform
from tests.builders import visits_of
from tests.meters.test_latency import readings

ALONE, SHARED = (1.0, 1.02), (1.0, 1.6)
KNOWN = {CONTENTION: 1.0}
INFO = open_platform("fake").info()


def seen(readings_of_it, seconds=1.0):
    return Round(
        contention=readings_of_it,
        probes={"conv3x3": Samples(durations_s=(seconds,), clock="script")},
    )


def bimodal(pattern, *, alone_s=1.0, shared_s=1.3):
    """Return visits in rounds in which the core was alone or shared."""
    visits = visits_of([[alone_s if mine else shared_s] for mine in pattern])
    return [
        replace(visit, contention=ALONE if mine else SHARED)
        for visit, mine in zip(visits, pattern, strict=True)
    ]


def test_contention_is_read_anew_from_real_arithmetic():
    values = [contention() for _ in range(50)]
    assert len(set(values)) > 1
    assert 0.05 < min(values) <= max(values) < 100


def test_only_visits_with_the_core_alone_before_and_after_them_count():
    visits = bimodal([True, False, True, False])
    kept = alone(readings(visits, reference=KNOWN, rounds=(seen(ALONE), seen(SHARED))))
    assert kept.visits == (visits[0], visits[2])
    assert kept.rounds == (seen(ALONE),)


def test_without_a_level_to_compare_with_all_count():
    given = readings(bimodal([True, False]), rounds=(seen(SHARED),))
    assert alone(given) is given
    blind = readings(visits_of([[1.0]]), reference=KNOWN)
    assert alone(blind) is blind


def test_the_level_is_what_the_core_shows_when_it_is_left_alone_for_moments():
    nearly_always_shared = [
        seen((1.6,) * 19 + ((1.0,) if number % 3 == 0 else (1.6,))) for number in range(12)
    ]
    least = least_of(nearly_always_shared)
    assert 1.0 <= least < 1.2
    assert lowered({}, least) == {CONTENTION: least}
    assert lowered({CONTENTION: 0.99}, least) == {CONTENTION: 0.99}
    assert least_of([Round()]) is None
    assert lowered(KNOWN, None) == KNOWN


def test_the_reference_is_of_rounds_with_the_core_alone():
    shared = [seen((1.6,) * 20, 1.3)] * 12
    rounds = [seen((1.0,) * 20, 1.0)] * 6 + shared
    assert referred({}, rounds) == {CONTENTION: 1.0, "conv3x3": 1.0}
    assert referred({}, rounds[1:]).keys() == {CONTENTION}, "five alone"
    assert referred({}, [*shared, seen((1.0, *SHARED))]).keys() == {CONTENTION}
    known = {CONTENTION: 1.0, "conv3x3": 0.9}
    assert referred(known, rounds) == known
    assert referred({CONTENTION: 1.0, "dense": 0.5}, rounds) == {
        CONTENTION: 1.0,
        "dense": 0.5,
        "conv3x3": 1.0,
    }, "what is lacking is taken later"


def test_where_nobody_reads_contention_kernels_count_whatever_was_alone_before():
    rounds = [replace(seen(ALONE, 1.5), contention=())] * 6
    assert referred(KNOWN, rounds) == {CONTENTION: 1.0, "conv3x3": 1.5}


def test_a_reference_that_turns_out_to_be_of_a_shared_core_is_taken_anew():
    rounds = [seen((1.0,) * 20, 1.0)] * 6
    assert referred({CONTENTION: 1.6, "conv3x3": 1.3}, rounds) == referred({}, rounds)


def test_a_latency_is_that_of_the_core_alone_where_it_was_so_often_enough():
    pattern = [number % 3 == 0 for number in range(36)]
    given = readings(bimodal(pattern), reference=KNOWN)
    (found,) = CallLatencyMeter().conclude(given, INFO, "rounds")
    assert (found.value, found.interval) == (1.0, (1.0, 1.0))
    assert found.least_contention == 1.0
    assert found.interval_note.startswith("95 % over 12 of 36 rounds")
    assert not found.trust.reason
    assert len(found.visits) == 36


def test_a_latency_of_a_core_that_was_mostly_shared_is_untrusted():
    given = readings(bimodal([True] * 5 + [False] * 30), reference=KNOWN)
    (found,) = CallLatencyMeter().conclude(given, INFO, "rounds")
    assert found.value == 1.3
    assert "shared the processor's core in 30 of 35 rounds" in found.trust.reason


def test_sampling_goes_on_until_the_core_was_alone_in_rounds_enough():
    meter, usual = CallLatencyMeter(), Protocol()

    def stop(pattern):
        return meter.settled(readings(bimodal(pattern), reference=KNOWN, protocol=usual))

    least = usual.min_rounds
    assert stop([True] * least) == "precision"
    assert stop([True] * (least - 1) + [False] * 30) == ""
    assert stop([True] * least + [False] * 30) == "precision"
    assert stop([True] + [False] * (usual.rounds - 2)) == ""
    assert stop([False] * usual.rounds) == "rounds"


@pytest.mark.parametrize(
    ("every", "rounds", "stopped"),
    [
        (4, 40, "precision"),  # ten rounds alone
        (6, 40, ""),  # seven, and one more is near
        (6, 48, "precision"),
        (13, 40, ""),  # three, so that 120 would hold nine
        (20, 40, "rounds"),  # two, so that 120 would hold six
        (20, 39, ""),
    ],
)
def test_where_some_rounds_were_shared_more_are_taken_if_that_promises_enough(
    every, rounds, stopped
):
    pattern = [number % every == every - 1 for number in range(rounds)]
    given = readings(bimodal(pattern), reference=KNOWN, protocol=Protocol())
    assert CallLatencyMeter().settled(given) == stopped


@pytest.mark.parametrize(
    ("patience", "alone", "rounds", "stopped"),
    [
        (1, 7, 40, "rounds"),
        (12, 0, 159, ""),  # a third of the 480 is not over
        (12, 0, 160, "rounds"),
        (12, 2, 160, "rounds"),  # so that 480 would hold six
        (12, 3, 160, ""),  # or nine
        (12, 7, 420, ""),  # one more is near
        (12, 7, 421, "rounds"),
        (12, 8, 300, "precision"),
    ],
)
def test_with_patience_the_core_is_waited_for_longer(patience, alone, rounds, stopped):
    pattern = [number < alone for number in range(rounds)]
    protocol = Protocol(patience=patience)
    given = readings(bimodal(pattern), reference=KNOWN, protocol=protocol)
    assert CallLatencyMeter().settled(given) == stopped


def test_more_rounds_end_with_an_interval_to_be_trusted_or_as_many_alone_as_asked_for():
    def stop(spread, rounds):
        chance = random.Random(1)
        visits = bimodal([number % 2 == 0 for number in range(rounds)])
        noisy = [
            replace(
                visit, samples=replace(visit.samples, durations_s=(1 + spread * chance.random(),))
            )
            for visit in visits
        ]
        given = readings(noisy, reference=KNOWN, protocol=Protocol())
        return CallLatencyMeter().settled(given)

    assert stop(0.08, 40) == "rounds", "±3 or 4 %: not what was asked for, and trusted"
    assert stop(1.5, 40) == "", "twenty alone say too little"
    assert stop(1.5, 78) == "", "39 alone"
    assert stop(1.5, 79) == "rounds", "40 alone"
