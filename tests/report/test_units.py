import pytest

from opscope.report.units import duration, interval, quantity, unit_of


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5, "s", "1.5 s"),
        (0.00043, "s", "430 µs"),
        (0.0021, "s", "2.1 ms"),
        (-2.5e-7, "s", "-250 ns"),
        (3e-12, "s", "0.003 ns"),
        (0, "s", "0 s"),
        (0.0042, "relative", "0.42 %"),
        (300_000.0, "cycles", "300,000 cycles"),
        (16.0, "cout", "16 cout"),
    ],
)
def test_figures_are_written_for_people(value, unit, text):
    assert quantity(value, unit, 6) == text


@pytest.mark.parametrize(
    ("value", "unit", "digits", "text"),
    [
        (1.6e-7, "s", 2, "160 ns"),
        (300_000.0, "cycles", 4, "300,000 cycles"),
        (99_996.0, "cycles", 4, "100,000 cycles"),
        (1e20, "cycles", 4, "1e+20 cycles"),
    ],
)
def test_a_figure_with_fewer_digits_than_places_is_written_out(value, unit, digits, text):
    assert quantity(value, unit, digits) == text


def test_intervals_and_units():
    assert interval((0.001, 0.002), "s") == "1 ms – 2 ms"
    assert interval(None, "s") == "–"
    assert [unit_of(name) for name in ("latency_s", "energy_j", "cycles")] == ["s", "J", ""]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.7, "1 min 0 s"), (125, "2 min 5 s")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
