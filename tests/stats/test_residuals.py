import numpy as np
import pytest

from opscope.stats.residuals import dependence

ROUNDS = 16


def covariates(stream):
    return {
        "time": np.arange(ROUNDS),
        "order": stream.permutation(ROUNDS),
        "before": stream.exponential(1, ROUNDS),
    }


@pytest.mark.parametrize("name", ["time", "order", "before"])
def test_what_the_values_hang_on_is_named_with_its_size(name):
    stream = np.random.default_rng(1)
    given = covariates(stream)
    rank = np.argsort(np.argsort(given[name]))
    values = 1 + 0.1 * rank / ROUNDS + 0.003 * stream.standard_normal(ROUNDS)
    assert dependence(values, given, 0.02) in {f"{name} (by 4%)", f"{name} (by 5%)"}


def test_a_change_too_small_to_matter_is_not_blamed():
    values = 1 + 0.01 * np.arange(ROUNDS) / ROUNDS
    assert dependence(values, {"time": np.arange(ROUNDS)}, 0.02) == ""


@pytest.mark.parametrize("noise", ["normal", "exponential", "bursts"])
def test_independent_noise_is_hardly_ever_blamed(noise):
    stream = np.random.default_rng(2)
    draw = {
        "normal": lambda: stream.standard_normal(ROUNDS),
        "exponential": lambda: stream.exponential(1, ROUNDS),
        "bursts": lambda: stream.standard_normal(ROUNDS) + 9 * (stream.random(ROUNDS) < 0.3),
    }[noise]
    blamed = sum(bool(dependence(10 + draw(), covariates(stream), least=0.0)) for _ in range(1_000))
    assert blamed / 1_000 < 0.003


def test_few_points_or_a_constant_covariate_say_nothing():
    assert dependence([1, 2, 3], {"time": [1, 2, 3]}, 0.0) == ""
    assert dependence(list(range(1, 17)), {"order": [0] * 16}, 0.0) == ""
