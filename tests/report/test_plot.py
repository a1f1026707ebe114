from hypothesis import given
from hypothesis import strategies as st

from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.plot import draw


def chart(ys, marked=()):
    marks = tuple(Mark(x=float(x), y=y, recommended=x in marked) for x, y in enumerate(ys, 1))
    return Chart(
        name="n",
        title="t",
        says="s",
        x=Axis(label="cout"),
        y=Axis(label="latency_s", unit="s"),
        series=(Series(name="a-cpu", style="points", origin="measured", marks=marks),),
    )


def test_a_staircase_looks_like_one():
    assert draw(chart([1.0] * 4 + [2.0] * 4, marked=[4.0, 8.0]), width=24, height=4) == (
        " 2 s│        ████████\n"
        "    │        ████████\n"
        " 1 s│████████████████\n"
        "    │████████████████\n"
        "    └────────────────\n"
        "            ▲       ▲\n"
        "            4       8\n"
        "     cout (▲ recommended)"
    )


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=300), st.integers(40, 120))
def test_no_line_is_wider_than_asked_and_every_row_is_there(ys, width):
    lines = draw(chart(ys), width=width, height=8).splitlines()
    assert max(map(len, lines)) <= width
    assert sum("│" in line for line in lines) == 8
    assert any("┴" in line or "└" in line for line in lines)


def test_a_terminal_too_narrow_for_a_chart_gets_one_all_the_same():
    assert "█" in draw(chart([1.0, 2.0]), width=3)


@given(st.integers(1, 200))
def test_every_mark_is_drawn_even_where_columns_are_shared(position):
    ys = [1.0] * 200
    assert draw(chart(ys, marked=[float(position)]), width=60).count("▲") == 2
