from html import escape

import msgspec
import pytest

from opscope.analysis.channels import channels_finding
from opscope.analysis.compare import overall
from opscope.analysis.designs import Designs
from opscope.core.comparison import Compared, Comparison, Figure, Outcome, Side
from opscope.core.measurement import Measurement, Scope, Trust, Verdict
from opscope.core.platform import Origin
from opscope.report.cells import (
    comparison_cell,
    finding_cell,
    measurement_cell,
    operator_cell,
    overview_cell,
    study_cell,
)
from opscope.report.singles import ratios, samples
from tests.analysis.test_channels import response, staircase
from tests.analysis.test_overviews import FAKE, numbered, seen
from tests.analysis.test_responses import conv, evidence
from tests.builders import small_study, visits_of

EVIL = "<script>alert('x')</script>"
LATENCY = Measurement(
    quantity="latency_s",
    value=2e-3,
    unit="s",
    origin=Origin.MEASURED,
    derivation=EVIL,
    trust=Trust(verdict=Verdict.UNTRUSTED, reason=EVIL),
    interval=(1.9e-3, 2.1e-3),
    visits=tuple(visits_of([(1e-3, 2e-3), (3e-3, 4e-3), (5e-3, 6e-3)])),
)


def compared(ratio, name="conv:h=6"):
    figure = Figure(status="ok", value=1.0, unit="s", origin=Origin.MEASURED)
    return Compared(
        workload=name,
        a=figure,
        b=figure,
        outcome=Outcome.LOWER if ratio else Outcome.UNKNOWN,
        statement=EVIL,
        ratio=ratio,
        interval=(ratio * 0.9, ratio * 1.1) if ratio else None,
    )


def comparison(*found):
    side = Side(text=EVIL, platform=FAKE)
    return Comparison(
        a=side,
        b=side,
        quantity="latency_s",
        taken="apart",
        configurations=found,
        overall=overall("latency_s", found),
    )


def test_the_samples_of_a_measurement_are_told_by_round_network_and_disturbance():
    stack = [msgspec.structs.replace(visit, term=1) for visit in visits_of([(7e-3,)])]
    both = msgspec.structs.replace(LATENCY, visits=(*LATENCY.visits, *stack))
    assert [(s.name, [(m.x, m.y) for m in s.marks]) for s in samples(both).series] == [
        ("network 1", [(1, 1e-3), (1, 2e-3), (2, 3e-3), (2, 4e-3), (3, 5e-3), (3, 6e-3)]),
        ("network 2", [(1, 7e-3)]),
    ]
    disturbed = visits_of([(1e-3, 2e-3)], preemptions=[(0, 1)])
    (series,) = samples(msgspec.structs.replace(LATENCY, visits=tuple(disturbed))).series
    assert [(mark.untrusted, mark.about) for mark in series.marks] == [
        (False, ("preparation 1",)),
        (True, ("preparation 1", "preempted")),
    ]


def test_what_was_not_sampled_has_a_table_alone():
    report = msgspec.structs.replace(LATENCY, visits=())
    assert samples(report) is None
    assert "<svg" not in measurement_cell(report)
    assert "<td>2 ms</td>" in measurement_cell(report)
    assert ratios(comparison(compared(None))) is None
    assert "cannot be told" not in comparison_cell(comparison(compared(None)))


def test_the_steps_of_a_network_are_a_table_longest_first():
    scopes = [Scope(kind="node", node="n", sources=(name,), kernel="Conv") for name in ("a", EVIL)]
    steps = [
        msgspec.structs.replace(LATENCY, scope=scope, value=value)
        for scope, value in zip(scopes, (1e-6, 3e-6), strict=True)
    ]
    page = operator_cell(steps)
    assert page.index("75.0%") < page.index("25.0%")
    assert escape(EVIL) in page
    assert "<script>" not in page
    assert operator_cell([]) == ""


def test_the_ratios_of_a_comparison_are_bars_with_intervals():
    chart = ratios(comparison(compared(0.5, "conv:h=6"), compared(2.0, "conv:h=7")))
    assert [(m.x, m.y, m.interval) for m in chart.series[0].marks] == [
        ("conv, h=6", 0.5, (0.45, 0.55)),
        ("conv, h=7", 2.0, (1.8, pytest.approx(2.2))),
    ]


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (measurement_cell(LATENCY), "untrusted: &lt;script&gt;"),
        (comparison_cell(comparison(compared(0.5))), "<td>0.500</td><td>0.450 – 0.550</td>"),
        (
            finding_cell(
                msgspec.structs.replace(
                    channels_finding(response(staircase(16)), "s"), characteristic=EVIL, cause=EVIL
                )
            ),
            "<td>period</td><td>16 cout</td>",
        ),
        (
            overview_cell(
                seen(
                    numbered(evidence(conv(1), 1.0), evidence(conv(2), 2.0)),
                    study=small_study(title=EVIL),
                )
            ),
            "Run 1: 2 of 9 jobs have ended.",
        ),
    ],
)
def test_records_are_shown_as_chart_and_table_and_names_are_text(page, shown):
    assert page.count("<svg") == 1
    assert "<table>" in page
    assert shown in page
    assert "<script" not in page


def test_a_study_is_shown_as_what_it_asks():
    page = study_cell(small_study(title=EVIL, question=EVIL), Designs(count=24), {})
    assert "<td>configurations</td><td>24</td>" in page
    assert "<td>varied</td><td>cout</td>" in page
    assert "<script" not in page


def test_a_long_table_says_how_much_is_left():
    items = numbered(*(evidence(f"zoo:resnet18,classes={n}", n) for n in range(1, 204)))
    page = overview_cell(seen(items))
    assert page.count("<tr>") == 201
    assert "… and 3 more rows" in page
