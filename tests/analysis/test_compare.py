import math

import pytest

from opscope.analysis.compare import compare_figures, compare_paired, merged, overall
from opscope.core.comparison import Figure, Outcome, Paired
from opscope.core.measurement import Trust, Verdict
from opscope.core.platform import Origin

TRUSTED = Trust()


def figure(value, error=None, *, unit="s", trust=TRUSTED):
    interval = error is not None and (value * (1 - error), value * (1 + error))
    return Figure(
        status="ok",
        value=value,
        interval=interval or None,
        unit=unit,
        origin=Origin.MEASURED,
        trust=trust,
        sampled=error is not None,
    )


def compare(a, b, quantity="latency_s"):
    return compare_figures("conv", quantity, a, b)


def sittings(*ratios, doubts=()):
    found = [Paired(log_ratio=math.log(ratio), rounds=10) for ratio in ratios]
    return found + [Paired(rounds=10, doubt=doubt) for doubt in doubts]


def turns(found, a=None, b=None):
    return compare_paired("conv", "latency_s", a or figure(1.0, 0.1), b or figure(1.0, 0.1), found)


def test_errors_of_kept_figures_add_up_by_their_squares():
    found = compare(figure(1.0, 0.03), figure(0.8, 0.04))
    assert found.ratio == pytest.approx(0.8)
    low, high = (math.log(bound / 0.8) for bound in found.interval)
    assert (-low, high) == pytest.approx((0.05, 0.05), rel=0.05)
    assert (found.outcome, found.statement) == (Outcome.LOWER, "B is faster by 16–24 %")


@pytest.mark.parametrize(
    ("a", "b", "statement"),
    [
        (figure(1.0, 0.001), figure(1.025, 0.002), "B is slower by 2.3–2.7 %"),
        (figure(1.0, 0.01), figure(1.005, 0.01), "no difference shown (−1 … +2 %)"),
        (figure(1.0), figure(0.95), "B is faster by 5 %, as reported, without interval"),
        (figure(1.0), figure(1.0), "the same"),
        (figure(1.0, 0.001), figure(1.002, 0.001), "B is slower by 0.1–0.3 %"),
        (figure(1.0, 0.01), figure(1.0, 0.5), "no difference shown (−50 … +50 %)"),
        (figure(1.0, 0.001), figure(12.2, 0.005), "B is slower by a factor of 12.1–12.3"),
        (figure(12.2, 0.005), figure(1.0, 0.001), "B is faster by a factor of 12.1–12.3"),
        (figure(1.0, 0.001), figure(12345.0), "B is slower by a factor of 12,300–12,400"),
    ],
)
def test_verdicts_speak_in_intervals(a, b, statement):
    assert compare(a, b).statement == statement


def test_other_quantities_are_lower_or_higher():
    found = compare(figure(100, unit="cycles"), figure(150, unit="cycles"), "cycles")
    assert found.statement == "B is higher by 50 %, as reported, without interval"


def test_a_report_against_a_measurement_has_the_measurements_error_alone():
    found = compare(figure(1.0), figure(2.0, 0.1))
    assert found.interval == pytest.approx((1.8, 2.2))


@pytest.mark.parametrize(
    ("b", "why"),
    [
        (Figure(status="failed", reason="it broke"), "B failed: it broke"),
        (
            figure(1.0, 0.1, trust=Trust(verdict=Verdict.UNTRUSTED, reason="noise")),
            "B untrusted because noise",
        ),
        (figure(1.0, 1.5), "B may be zero"),
        (
            Figure(status="ok", value=1.0, unit="s", origin=Origin.MEASURED, sampled=True),
            "B has no interval",
        ),
    ],
)
def test_what_cannot_be_told_says_why(b, why):
    found = compare(figure(1.0, 0.1), b)
    assert (found.outcome, found.statement) == (Outcome.UNKNOWN, f"cannot be told: {why}")
    assert found.ratio is None


def test_turns_are_judged_by_their_sittings():
    found = turns(sittings(0.95, 0.951, 0.949))
    assert found.ratio == pytest.approx(0.95, rel=1e-3)
    assert found.statement == "B is faster by 4.8–5.2 %"
    assert found.sittings == pytest.approx((0.95, 0.951, 0.949))
    assert found.rounds == 30


def test_sittings_that_disagree_show_no_difference():
    found = turns(sittings(0.95, 1.0, 0.99))
    assert found.outcome is Outcome.SAME


def test_drift_that_falls_on_both_sides_is_no_reason_to_doubt_turns():
    drifting = figure(1.0, 0.1, trust=Trust(verdict=Verdict.UNTRUSTED, reason="drift"))
    assert turns(sittings(0.9, 0.9, 0.9), drifting, drifting).outcome is Outcome.LOWER


def test_sittings_in_doubt_are_left_out_unless_too_few_remain():
    found = turns(sittings(0.9, 0.9, 0.9, doubts=["busy"]))
    assert found.sittings == pytest.approx((0.9, 0.9, 0.9))
    found = turns(sittings(0.9, 0.9, doubts=["busy", "busy"]))
    assert found.statement == "cannot be told: busy"


def test_a_side_without_a_figure_cannot_be_told_however_the_turns_went():
    found = turns(sittings(0.9, 0.9, 0.9), Figure(status="unsupported", reason="no int8"))
    assert found.statement == "cannot be told: A unsupported: no int8"


def test_all_together_is_the_geometric_mean_counted_by_outcome():
    items = [compare(figure(1.0, 0.01), figure(value, 0.01)) for value in (0.5, 2.0)]
    items.append(compare(figure(1.0, 0.01), Figure(status="failed")))
    found = overall("latency_s", items)
    assert found.ratio == pytest.approx(1.0)
    assert found.interval == pytest.approx((0.99, 1.01), abs=1e-3)
    assert found.counts == {"B lower": 1, "B higher": 1, "cannot be told": 1}
    assert found.by_chance == 1
    assert found.statement.endswith("in the geometric mean of 2 configurations")


def test_what_a_sitting_does_to_every_ratio_is_not_averaged_away():
    items = [turns(sittings(0.99, 1.0, 1.01)) for _ in range(50)]
    low, high = overall("latency_s", items).interval
    assert low < 0.99
    assert high > 1.01


def test_nothing_to_compare_is_said():
    found = overall("latency_s", [compare(figure(1.0), Figure(status="missing"))])
    assert (found.ratio, found.statement) == (None, "no configuration can be compared")


def test_one_sitting_that_failed_is_the_whole_figure():
    broken = Figure(status="failed", reason="it broke")
    assert merged([figure(1.0, 0.1), broken]) is broken
    assert merged([figure(1.0, 0.1), figure(3.0, 0.1)]).value == 2.0
