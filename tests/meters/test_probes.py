import math

import pytest

from opscope.core.configuration import Workload
from opscope.core.readings import Round, Samples
from opscope.meters.probes import PROBES, readings, speed

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
    seen = speed(COMPUTES, slow, REFERENCE)
    assert (seen.bound, seen.memory_share < 0.1) == ("compute", True)
    assert seen.factor == pytest.approx(1.048, abs=2e-3)
    assert seen.error == pytest.approx(0.0095, abs=1e-3)
    moved = speed(MOVES, slow, REFERENCE)
    assert (moved.bound, moved.memory_share > 0.9) == ("memory", True)
    assert moved.factor == pytest.approx(1.026, abs=2e-3)


def test_probes_that_disagree_on_the_direction_correct_nothing():
    assert speed(COMPUTES, rounds(conv3x3=1.06, conv1x1=1.0), REFERENCE) is None
    assert speed(COMPUTES, rounds(conv3x3=1.06, conv1x1=0.97), REFERENCE) is None


def test_what_corrects_leaves_both_probes_nearer_to_their_reference():
    for first, second in ((1.06, 1.001), (1.06, 1.05), (0.9, 0.99)):
        factor = speed(COMPUTES, rounds(conv3x3=first, conv1x1=second), REFERENCE).factor
        assert abs(math.log(first / factor)) < abs(math.log(first))
        assert abs(math.log(second / factor)) < abs(math.log(second))


def test_neither_bound_is_corrected_by_the_other_ones_probes():
    slow_memory = rounds(dense=1.3, late3x3=1.28)
    seen = speed(COMPUTES, slow_memory, REFERENCE)
    assert seen.factor == pytest.approx(1.29**seen.memory_share, rel=1e-3)
    moved = speed(MOVES, slow_memory, REFERENCE)
    assert moved.factor == pytest.approx(1.29, abs=0.03)


def test_without_a_reference_or_a_probe_there_is_no_speed():
    assert speed(COMPUTES, rounds(), {}) is None
    assert speed(COMPUTES, [], REFERENCE) is None
    assert speed(COMPUTES, [Round()], REFERENCE) is None


def test_disturbed_probes_are_left_out():
    samples = Samples(durations_s=(2.0, 1.0), preemptions=(0, 1), clock="script")
    assert readings([Round(probes={"dense": samples})]) == {"dense": 2.0}
    preempted = Samples(durations_s=(2.0,), preemptions=(1,), clock="script")
    assert readings([Round(probes={"dense": preempted})]) == {}
