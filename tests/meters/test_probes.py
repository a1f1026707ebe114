import math

import pytest

from opscope.core.configuration import Workload
from opscope.core.readings import Round, Samples
from opscope.graph.stacks import Term
from opscope.meters import probes
from opscope.meters.probes import PAUSE_S, PROBES, probed, speed

REFERENCE = {"conv3x3": 60e-6, "conv1x1": 75e-6, "dense": 150e-6, "late3x3": 200e-6}

COMPUTES = Workload.parse("conv:h=28,cin=320,cout=64,k=3")
MOVES = Workload.parse("add:h=56,c=128")


def rounds(count=8, **factors):
    """Return rounds in which each probe takes its reference times a factor."""
    return [
        Round(
            probes={
                name: Samples(durations_s=(seconds * factors.get(name, 1.0),), clock="script")
                for name, seconds in REFERENCE.items()
            }
        )
        for _ in range(count)
    ]


def test_every_bound_has_a_probe_to_hold_out():
    bounds = [probe.bound for probe in PROBES]
    assert bounds.count("compute") == bounds.count("memory") == 2


def test_probes_that_agree_give_their_harmonic_mean_and_half_their_disagreement():
    slow = rounds(conv3x3=1.06, conv1x1=1.04, dense=1.02, late3x3=1.04)
    seen = speed(COMPUTES, [], slow, REFERENCE)
    assert (seen.bound, seen.memory_share < 0.1) == ("compute", True)
    assert seen.factor == pytest.approx(1.048, abs=2e-3)
    assert seen.error == pytest.approx(0.0095, abs=1e-3)
    moved = speed(MOVES, [], slow, REFERENCE)
    assert (moved.bound, moved.memory_share > 0.9) == ("memory", True)
    assert moved.factor == pytest.approx(1.026, abs=2e-3)


def test_probes_that_disagree_on_the_direction_correct_nothing():
    assert speed(COMPUTES, [], rounds(conv3x3=1.06, conv1x1=1.0), REFERENCE) is None
    assert speed(COMPUTES, [], rounds(conv3x3=1.06, conv1x1=0.97), REFERENCE) is None


def test_what_corrects_leaves_both_probes_nearer_to_their_reference():
    for first, second in ((1.06, 1.001), (1.06, 1.05), (0.9, 0.99)):
        factor = speed(COMPUTES, [], rounds(conv3x3=first, conv1x1=second), REFERENCE).factor
        assert abs(math.log(first / factor)) < abs(math.log(first))
        assert abs(math.log(second / factor)) < abs(math.log(second))


def test_neither_bound_is_corrected_by_the_other_ones_probes():
    slow_memory = rounds(dense=1.3, late3x3=1.28)
    seen = speed(COMPUTES, [], slow_memory, REFERENCE)
    assert seen.factor == pytest.approx(1.29**seen.memory_share, rel=1e-3)
    moved = speed(MOVES, [], slow_memory, REFERENCE)
    assert moved.factor == pytest.approx(1.29, abs=0.03)


def test_without_a_reference_or_a_probe_there_is_no_speed():
    assert speed(COMPUTES, [], rounds(), {}) is None
    assert speed(COMPUTES, [], [], REFERENCE) is None
    assert speed(COMPUTES, [], [Round()], REFERENCE) is None


def test_disturbed_probes_are_left_out():
    samples = Samples(durations_s=(2.0, 1.0), preemptions=(0, 1), clock="script")
    clean = Round(probes={"dense": samples})
    assert probed([clean] * 6) == {"dense": 2.0}
    preempted = Samples(durations_s=(2.0,), preemptions=(1,), clock="script")
    assert probed([*[clean] * 5, Round(probes={"dense": preempted})]) == {}, "five say too little"


HELD = Workload.parse("zoo:mobilenet_v2")  # 22.7 MiB of weights and activations
CALL = [(Term(workload=HELD, coefficient=1.0), 2 * PAUSE_S)]
MEMORY = [probe.workload for probe in PROBES if probe.bound == "memory"]
KEPT = REFERENCE | {"dense later": 160e-6, "late3x3 later": 210e-6}


def seen(**seconds):
    """Return rounds in which the probes take what they did at the reference, or so long."""
    taken = KEPT | {name.replace("_", " "): value for name, value in seconds.items()}
    samples = {name: Samples(durations_s=(value,), clock="script") for name, value in taken.items()}
    return [Round(probes=samples)] * 8


@pytest.fixture(autouse=True)
def caches(monkeypatch):
    monkeypatch.setattr(probes, "largest_cache", lambda: 32 * 2**20)


def test_what_others_drove_out_of_shared_caches_is_fetched_again():
    lost = seen(dense_later=210e-6, late3x3_later=260e-6)
    found = speed(HELD, CALL, lost, KEPT)
    assert found.factor == 1.0
    dense, late, held = (probes._counts(w).held_bytes for w in (*MEMORY, HELD))
    first, second = held / dense * 50e-6, held / late * 50e-6
    assert found.refetch_s == pytest.approx(2 * first * second / (first + second))
    assert first < found.refetch_s < second or second < found.refetch_s < first


def test_the_shorter_a_call_the_less_is_lost_between_two():
    lost = seen(dense_later=210e-6, late3x3_later=260e-6)
    whole = speed(HELD, CALL, lost, KEPT).refetch_s
    half = speed(HELD, [(CALL[0][0], PAUSE_S / 2)], lost, KEPT).refetch_s
    assert 0.4 * whole < half < 0.5 * whole
    assert speed(HELD, [(CALL[0][0], 40e-6)], lost, KEPT) is None


def test_a_layer_loses_what_its_deeper_stack_loses_beyond_the_shallower():
    lost = seen(dense_later=210e-6, late3x3_later=260e-6)
    terms = [(Term(workload=HELD, coefficient=each), PAUSE_S) for each in (1.0, -0.25)]
    whole = speed(HELD, CALL, lost, KEPT).refetch_s
    assert speed(HELD, terms, lost, KEPT).refetch_s == pytest.approx(0.75 * whole)


@pytest.mark.parametrize(
    "rounds_", [seen(dense_later=210e-6, late3x3_later=205e-6), seen(), rounds(dense=1.0)]
)
def test_probes_that_disagree_or_lost_nothing_find_nothing_fetched_again(rounds_):
    assert speed(HELD, CALL, rounds_, KEPT) is None


@pytest.mark.parametrize("size", [None, 16 * 2**20])
def test_what_no_cache_holds_is_not_fetched_again(size, monkeypatch):
    monkeypatch.setattr(probes, "largest_cache", lambda: size)
    lost = seen(dense_later=210e-6, late3x3_later=260e-6)
    assert speed(HELD, CALL, lost, KEPT) is None


@pytest.mark.parametrize("slow_s", [PAUSE_S, 2 * PAUSE_S])
def test_a_kernel_as_long_as_the_pause_tells_nothing_of_it(slow_s):
    slow = KEPT | {"late3x3": slow_s, "late3x3 later": slow_s + 10e-6}
    lost = seen(dense_later=210e-6, late3x3=slow_s, late3x3_later=slow_s + 60e-6)
    assert speed(HELD, [(CALL[0][0], 1e-3)], lost, slow) is None
