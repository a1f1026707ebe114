"""The report as HTML: what it says, what it leaves out, and that names stay text."""

import json
import re
import string

import msgspec
import pytest

from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.document import as_data
from opscope.report.interactive import figure
from opscope.report.page import report_page
from opscope.report.palette import DARK, LIGHT
from opscope.report.tabulated import trials
from tests.report.pages import HOSTILE, LONG, hostile, overview_of


@pytest.fixture(scope="module")
def overview(tmp_path_factory):
    return overview_of(tmp_path_factory.mktemp("page"))


def _chart(**changes):
    marks = (
        Mark(x=8, y=2e-6, interval=(1e-6, 4e-6), about=("a<b>", "&amp;"), recommended=True),
        Mark(x=9, y=3e-6, untrusted=True),
    )
    series = Series(name="<i>p</i>", style="points", origin="measured", color=3, marks=marks)
    fields = {
        "name": "c",
        "title": "t",
        "says": "s",
        "x": Axis(label="cout"),
        "y": Axis(label="latency", unit="s", log=True),
        "series": (series,),
    }
    return Chart(**{**fields, **changes})


def test_a_figure_holds_points_intervals_and_what_is_said_of_them():
    drawn = figure(_chart())
    trace = drawn["traces"][0]
    assert (trace["x"], trace["y"]) == ([8, 9], [2e-6, 3e-6])
    assert trace["error_y"]["array"] == [2e-6, 0]
    assert trace["error_y"]["arrayminus"] == [1e-6, 0]
    assert trace["marker"]["symbol"] == ["diamond", "circle-open"]
    assert drawn["colors"] == [3]
    assert drawn["layout"]["yaxis"]["type"] == "log"


def test_only_what_is_counted_is_marked_by_ones():
    def axis(*xs):
        marks = tuple(Mark(x=x, y=1e-6) for x in xs)
        series = Series(name="p", style="points", origin="measured", marks=marks)
        return figure(_chart(series=(series,)))["layout"]["xaxis"]

    assert axis(3, 5)["dtick"] == 1
    assert "dtick" not in axis(0.35, 1.0)
    assert "dtick" not in axis(8, 512)


def test_texts_in_a_figure_are_text_to_plotly():
    trace = figure(_chart())["traces"][0]
    assert trace["name"] == "&lt;i&gt;p&lt;/i&gt;"
    assert trace["hovertext"][0] == "a&lt;b&gt;<br>&amp;amp;"


def test_names_lie_on_their_side_in_the_order_given():
    marks = (Mark(x="b", y=1.0), Mark(x="a", y=2.0))
    bars = Series(name="p", style="bars", origin="measured", marks=marks)
    drawn = figure(_chart(x=Axis(label="", names=("b", "a")), series=(bars,)))
    trace = drawn["traces"][0]
    assert (trace["orientation"], trace["x"], trace["y"]) == ("h", [1, 2], [0, 1])
    assert drawn["layout"]["yaxis"]["ticktext"] == ["b", "a"]


def test_data_hold_nothing_that_html_reads():
    text = as_data({"name": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"name": "</script><!--&\u2028"}


def test_a_page_says_what_a_run_says(overview):
    page = report_page(overview)
    finding = overview.answers.findings[0]
    _, _, found = finding.characteristic.partition("latency_s")
    for said in (overview.study.question, f"Latency{found}", finding.implication):
        assert said in page
    assert "latency_s" not in page.partition("<script")[0]
    assert page.count("get_plotlyjs") == 0
    assert page.count("* plotly.js v") == 1
    assert "all 100 jobs ended" in page


def test_a_study_that_asks_nothing_is_told_from_one_without_an_answer_yet(overview):
    study = msgspec.structs.replace(overview.study, findings=())
    silent = msgspec.structs.replace(overview, study=study, answers=type(overview.answers)())
    assert "The study asks for none" in report_page(silent)


def test_what_a_trials_table_would_not_say_has_no_column(overview):
    titles = [column["title"] for column in trials(overview.rows, "latency_s")["columns"]]
    assert {"configuration", "latency", "samples", "MACs", "trust"} <= set(titles)
    assert not {"latency_s", "median", "p99", "remarks"} & set(titles)
    everything = trials((), "latency_s")["columns"]
    assert {"median", "p99", "remarks"} <= {column["title"] for column in everything}


def test_a_page_says_how_far_a_run_is(overview):
    part = msgspec.structs.replace(overview, rows=overview.rows[:5], bars=())
    assert "5 of 100 jobs so far" in report_page(part)


def test_a_page_says_how_many_sweeps_and_bars_are_not_drawn(overview):
    assert "more sweeps are not drawn" not in report_page(overview)
    bars = tuple(msgspec.structs.replace(item, left_out=2) for item in overview.bars)
    page = report_page(msgspec.structs.replace(overview, more_sweeps=1234, bars=bars))
    assert "1,234 more sweeps are not drawn" in page
    assert "2 more blocks or networks are not drawn" in page
    assert "`opscope export small -o FILE.csv`" in page


def test_a_page_of_nothing_yet_is_a_page(overview):
    empty = msgspec.structs.replace(
        overview,
        rows=(),
        sweeps=(),
        bars=(),
        support=(),
        answers=type(overview.answers)(),
    )
    assert "no finding can be drawn" in report_page(empty)


def test_names_stay_text(overview):
    page = report_page(hostile(overview))
    assert "<script>alert" not in page
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert LONG[:400] not in page.replace(LONG, "", 1)


def test_the_policy_lets_nothing_be_fetched(overview):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', report_page(overview))[1]
    assert "default-src &#39;none&#39;" in policy
    assert "script-src &#39;sha256-" in policy
    assert "http" not in policy


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_stand_out(theme):
    for color in theme.series:
        assert _contrast(color, theme.background) >= 3
    assert _contrast(theme.text, theme.background) >= 7


def _contrast(one, other):
    low, high = sorted(_luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(color):
    assert set(color[1:]) <= set(string.hexdigits)
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
