import math

import numpy as np
import pytest

from opscope.stats.paired import (
    LEAST_PAIRS,
    log_ratio,
    log_ratio_interval,
    mean_interval,
    most_by_chance,
)

PRECISION = 0.02
TRIALS = 300


def bursts(rng, count):
    """One side or the other is disturbed now and then."""
    logs = rng.normal(0, 0.005, count)
    for sign in (1, -1):
        hit = rng.random(count) < 0.15
        logs[hit] += sign * rng.uniform(0.03, 0.5, hit.sum())
    return logs


def turns(levels, rng):
    """Return log ratios of neighbouring turns, the sides in random order."""
    pairs = levels.reshape(-1, 2)
    return (pairs[:, 1] - pairs[:, 0]) * rng.choice((-1, 1), len(pairs))


def drift(rng, count):
    return turns(np.linspace(0, 0.2, 2 * count) + rng.normal(0, 0.005, 2 * count), rng)


def frequencies(rng, count):
    """The clock is slow or fast, and changes every few turns."""
    slow = np.cumsum(rng.random(2 * count) < 0.3) % 2
    return turns(0.1 * slow + rng.normal(0, 0.004, 2 * count), rng)


NOISES = {
    "quiet": lambda rng, count: rng.normal(0, 0.003, count),
    "loud": lambda rng, count: rng.normal(0, 0.03, count),
    "long tails": lambda rng, count: 0.006 * rng.standard_t(2, count),
    "bursts": bursts,
    "drift": drift,
    "frequencies": frequencies,
}


def sitting(rng, noise):
    """Return the pairs of one sitting, which ends at the look that is narrow enough."""
    logs = noise(rng, 40)
    for count in range(LEAST_PAIRS, 41):
        low, high = log_ratio_interval(logs[:count])
        if high - low <= 2 * PRECISION:
            return logs[:count]
    return logs


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("spread", [0.0, 0.004, 0.03])
def test_a_side_against_itself_shows_no_difference(noise, spread):
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(TRIALS):
        sittings = []
        for _ in range(5):
            logs, dealt = sitting(rng, noise), rng.normal(0, spread, 3)
            own = [log_ratio(logs[start::2]) + dealt[start] for start in (0, 1)]
            sittings.append(np.mean(own) + dealt[2])
        low, high = mean_interval(sittings)
        held += low <= 0 <= high
    assert held >= 0.9 * TRIALS


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_a_sittings_interval_holds_wherever_it_stops(noise):
    rng = np.random.default_rng(8)
    intervals = [log_ratio_interval(sitting(rng, noise)) for _ in range(TRIALS)]
    assert sum(low <= 0 <= high for low, high in intervals) >= 0.9 * TRIALS


def test_disturbed_pairs_do_not_move_the_middle():
    assert log_ratio([0.05] * 6 + [3.0, -3.0, 0.9]) == 0.05


def test_few_pairs_have_no_interval():
    assert log_ratio_interval([0.1] * (LEAST_PAIRS - 1)) is None
    assert log_ratio_interval([0.1] * LEAST_PAIRS) == (0.1, 0.1)


def test_no_pair_is_refused():
    with pytest.raises(ValueError, match="no pair"):
        log_ratio([])


def test_bounds_are_those_of_the_sign_test():
    assert log_ratio_interval(range(7)) == (0, 6)
    assert log_ratio_interval(range(10)) == (1, 8)
    assert log_ratio_interval(range(40)) == (12, 27)


def test_the_interval_of_a_mean_is_students():
    low, high = mean_interval([1.0, 2.0, 3.0])
    assert (low + high) / 2 == pytest.approx(2)
    assert (high - low) / 2 == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    assert mean_interval([1.0]) is None


def test_how_many_differ_by_chance():
    assert [most_by_chance(count) for count in (0, 1, 2, 24, 100)] == [0, 0, 1, 3, 9]
