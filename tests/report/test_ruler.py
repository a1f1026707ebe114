import pytest

from opscope.report.chart import Axis
from opscope.report.ruler import scaled, ticks

SECONDS = Axis(label="latency", unit="s")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 2e-3, 5e-6], (1e-3, "latency (ms)")),
        ([3e-5], (1e-6, "latency (µs)")),
        ([0.0], (1.0, "latency (s)")),
        ([], (1.0, "latency (s)")),
    ],
)
def test_a_linear_axis_has_one_prefix(values, expected):
    assert scaled(SECONDS, values) == expected


def test_counts_and_logarithms_are_not_scaled():
    assert scaled(Axis(label="cout"), [1e6]) == (1.0, "cout")
    assert scaled(Axis(label="t", unit="s", log=True), [1e-6]) == (1.0, "t")


@pytest.mark.parametrize(
    ("unit", "values", "marked"),
    [
        ("s", [2.1e-4, 2.9e-3], ["200 µs", "500 µs", "1 ms", "2 ms"]),
        ("s", [5e-6, 9e-3], ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms"]),
        ("MAC", [2e6, 3e8], ["2 M", "5 M", "10 M", "20 M", "50 M", "100 M", "200 M"]),
        ("", [0.69, 1.09], ["0.6", "0.7", "0.8", "0.9", "1", "1.1"]),
        ("", [0.0, 1.0], ["1"]),
    ],
)
def test_a_logarithmic_axis_is_marked_at_round_figures(unit, values, marked):
    assert list(ticks(Axis(label="l", unit=unit, log=True), values).values()) == marked


@pytest.mark.parametrize("values", [[1e-9, 1e12], [1.0, 1e6], [0.999, 1.001], [3.0, 3.0], []])
def test_few_marks_enclose_or_neighbour_the_values(values):
    found = list(ticks(Axis(label="l", log=True), values))
    assert 1 <= len(found) <= 9
    assert found == sorted(found)
