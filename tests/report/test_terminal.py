import io
import re

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from opscope.analysis.channels import channels_finding
from opscope.analysis.findings import Answers
from opscope.core.execution import Execution
from opscope.core.finding import Failure, Guideline, Unanswered
from opscope.core.forecast import Forecast
from opscope.core.measurement import Measurement, Scope, Speed, Spread, Trust, Verdict
from opscope.core.platform import Origin, PlatformListing
from opscope.report.charts import staircase as chart_of
from opscope.report.operators import operator_table
from opscope.report.terminal import (
    answers_view,
    execution_line,
    finding_view,
    forecast_line,
    measurement_lines,
    platform_table,
    study_table,
    study_view,
    summary_view,
)
from tests.analysis.test_channels import response, staircase
from tests.builders import small_study

DOUBT = Trust(verdict=Verdict.UNTRUSTED, reason="it was noisy")
LATENCY = Measurement(
    quantity="latency_s",
    value=0.0021,
    unit="s",
    origin=Origin.SIMULATED,
    derivation="a test",
    interval=(0.002, 0.0022),
    interval_note="a note",
    spread=Spread(samples=160, median=0.003, p95=0.004, p99=0.005),
)


def shown(view, width=200):
    console = Console(file=io.StringIO(), width=width)
    console.print(view)
    return console.file.getvalue()


def test_a_measurement_is_shown_with_all_that_qualifies_it():
    page = shown(measurement_lines(LATENCY))
    assert "latency_s  2.1 ms   [2 ms – 2.2 ms] a note" in page
    assert "simulated; a test" in page
    assert "all 160 samples: median 3 ms, p95 4 ms, p99 5 ms" in page
    assert "trusted" not in page


def test_a_measurement_says_how_it_was_corrected_and_what_was_refused():
    slow = Speed(bound="compute", factor=1.05, error=0.01, refetch_s=0.000045)
    told = ("priority -20", "not pinned to core 1, because the runtime undid it")
    page = shown(measurement_lines(replace(LATENCY, speed=slow, isolation=told)))
    assert "corrected by -6.7% for the machine's speed" in page
    assert "not pinned to core 1, because the runtime undid it" in page
    assert "priority" not in page
    assert "corrected" not in shown(measurement_lines(LATENCY))
    nothing = replace(slow, factor=1.0001, refetch_s=0.0)
    assert "corrected" not in shown(measurement_lines(replace(LATENCY, speed=nothing)))
    less_than_nothing = replace(slow, factor=1.0, refetch_s=-LATENCY.value)
    assert "corrected" not in shown(measurement_lines(replace(LATENCY, speed=less_than_nothing)))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {},
            "left: a typical figure will be within ±1.5 to 2 %, for which about 50 s will do",
        ),
        ({"precision": (0.015, 0.015)}, "within ±1.5 %, for which"),
        ({"precision": (0.03, 0.05)}, "within ±3 to 5 % after about 20 rounds"),
        ({"precision": (0.69, 1.04)}, "within ±69 to 104 % after"),
        ({"needed_s": 90.0}, "within ±1.5 to 2 % after about 20 rounds"),
        ({"least_s": 90.0}, "and even the least number of rounds takes about 1 min 30 s"),
        ({"alone": 0.25}, "; something else shares the core in 75% of the rounds"),
    ],
)
def test_a_forecast_promises_what_can_be_had(changes, line):
    fields = {"budget_s": 60.0, "needed_s": 50.0, "least_s": 9.0, "rounds": 20}
    likely = Forecast(**fields, precision=(0.015, 0.02), wanted=0.02)
    assert line in forecast_line(replace(likely, **changes))


def test_steps_are_shown_longest_first_and_the_rest_together():
    scopes = [
        Scope(kind="node", node=f"n{number}", sources=(f"[{number}]",), kernel="Conv", format="f32")
        for number in range(29)
    ]
    scopes.append(Scope(kind="node", node="reorder7", kernel="Reorder"))
    steps = [
        Measurement(
            quantity="operator_time_s",
            value=(number + 1) * 1e-6,
            unit="s",
            origin=Origin.MEASURED,
            derivation="",
            scope=scope,
        )
        for number, scope in enumerate(scopes)
    ]
    lines = shown(operator_table(steps)).splitlines()
    assert lines[1].split() == ["30", "µs", "6.5%", "Reorder", "none:", "reorder7"]
    assert lines[2].split() == ["29", "µs", "6.2%", "Conv", "f32", "[28]"]
    assert lines[-1].split() == ["21", "µs", "4.5%", "…", "6", "more;", "--json", "lists", "them"]
    assert len(lines) == 1 + 24 + 1


def test_a_figure_that_cannot_be_trusted_says_so():
    page = shown(measurement_lines(msgspec.structs.replace(LATENCY, trust=DOUBT)))
    assert "untrusted: it was noisy" in page


def test_a_finding_is_shown_with_its_sizes_and_what_was_left_out():
    finding = channels_finding(response(staircase(16), left_out={"it broke": 3}), "s")
    page = shown(finding_view(msgspec.structs.replace(finding, trust=DOUBT)))
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert lines[:2] == ["a-cpu · fp32 · conv:h=28,cin=320,k=3", "STEPS"]
    assert any(re.fullmatch(r"period 16 cout [\d.]+ – [\d.]+", line) for line in lines)
    assert any(line.startswith("rise between 16 and 17 1") and " ms " in line for line in lines)
    assert "recommended cout = 16, 32, 48, 64, 80" in lines
    assert "80 points; measured; a test; 3 left out (it broke); untrusted: it was noisy" in lines
    assert page.count("▲") == 5 + 1


def test_a_chart_marks_what_is_recommended_and_keeps_the_origin():
    chart = chart_of(channels_finding(response(staircase(16)), "s"))
    (series,) = chart.series
    assert [mark.x for mark in series.marks if mark.recommended] == [16, 32, 48, 64, 80]
    assert (series.origin, chart.y.unit, len(series.marks)) == ("measured", "s", 80)


def test_a_long_list_is_cut_and_says_so():
    finding = channels_finding(response(staircase(16)), "s")
    every = Guideline(parameter="cout", allowed=tuple(range(1, 31)), of=80)
    page = shown(finding_view(msgspec.structs.replace(finding, guideline=every)))
    assert "23, 24, … (30 in all)" in page


def test_names_are_no_markup():
    name = "odd [3x3] [/x]"
    listing = PlatformListing(
        name=name,
        family="f",
        description="",
        available=False,
        reason=f"{name} is missing",
        precisions=(),
        origin=Origin.MEASURED,
    )
    assert shown(platform_table([listing])).count(name) == 2
    study = small_study(name=name, title=name, question=name, source=name)
    assert shown(study_table([study])).count(name) == 3
    assert shown(study_view(study, 3)).count(name) == 4


def test_answers_show_what_is_missing_and_what_failed_a_few_lines_of_each():
    missing = Unanswered(
        kind="steps",
        x="cout",
        quantity="latency_s",
        platform="a-cpu",
        precision="fp32",
        fixed="conv:h=6",
        points=1,
        needed=6,
        left_out={"no [memory]": 2},
    )
    failures = tuple(
        Failure(
            status="failed", platform="a-cpu", count=n, example="conv:h=6", reason=f"no {9 - n}"
        )
        for n in range(9, 0, -1)
    )
    page = shown(answers_view(Answers(unanswered=(missing,), failures=failures)))
    assert (
        "no finding  a-cpu · fp32 · conv:h=6: steps of latency_s over cout: 1 point, and it takes "
        "6; 2 left out (no [memory])\n"
    ) in page
    assert "9 failed  a-cpu, as conv:h=6\n  no 0\n" in page
    assert "no 7" in page
    assert page.endswith("… and 1 more reason of failures: --json lists them\n")


def test_answers_to_nothing_say_why_there_is_nothing():
    assert "no trial has ended yet" in shown(answers_view(Answers()))


def test_a_summary_tells_what_waiting_took_and_how_to_try_again():
    row = {
        "run": 3,
        "jobs": 9,
        "found": 4,
        "earlier": {"ok": 2, "untrusted": 1, "failed": 1},
        "outcomes": {"ok": 4, "unsupported": 1},
        "untrusted": 3,
        "unfinished": {"failed": 1, "unsupported": 1},
        "wall_s": 10.0,
        "waited_s": 4.0,
        "runtime_share": 0.5,
    }
    first, second = shown(summary_view(row)).splitlines()
    assert first == (
        "run 3: 9 jobs, 3 measured before, 1 failed before, 4 ok, 1 unsupported, "
        "3 of them untrusted; 10 s, 4 s of it waiting, 50% of the rest inside the runtimes"
    )
    assert second == (
        "2 of 9 jobs gave no figure; to try them again, add --retry failed,unsupported"
    )


def test_what_ran_says_that_it_is_the_fastest_of_several_builds():
    ran = Execution(kernels=(("conv", 2),), builds_s=(3e-3, 2e-3, 4e-3))
    assert execution_line(ran).plain.strip() == (
        "2 × conv; fastest of 3 builds: 2 ms by a short timing, the first 3 ms"
    )
    assert "builds" not in execution_line(msgspec.structs.replace(ran, builds_s=())).plain
