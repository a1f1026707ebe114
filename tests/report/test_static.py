import struct
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.palette import LIGHT
from opscope.report.static import render

HOSTILE = "a$b$ \\frac{1}{2} <script>alert('x')</script> \x00\n\x1b[31m 日本 " * 200


def series(name="a-cpu", style="points", **changes):
    marks = tuple(
        Mark(
            x=x,
            y=1e-3 * x,
            interval=(0.9e-3 * x, 1.2e-3 * x),
            recommended=x % 4 == 0,
            untrusted=x == 3,
        )
        for x in range(1, 9)
    )
    return Series(**{"name": name, "style": style, "origin": "measured", "marks": marks} | changes)


def chart(*drawn, **changes):
    fields = {
        "name": "n",
        "title": "Latency over cout",
        "says": "it rises",
        "x": Axis(label="cout"),
        "y": Axis(label="latency", unit="s"),
        "series": drawn
        or (series(), series("b: what MACs predict", "line", origin="counted", color=1)),
    }
    return Chart(**fields | changes)


def texts(drawn):
    page = ET.fromstring(render(drawn, "svg").decode())  # noqa: S314 - our own
    return ["".join(node.itertext()) for node in page.iter("{http://www.w3.org/2000/svg}text")]


def test_text_stays_text_and_says_what_the_signs_mean():
    found = texts(chart())
    assert {"Latency over cout", "cout", "latency (ms)", "a-cpu", "4", "8"} <= set(found)
    assert {"what MACs predict", "recommended", "untrusted"} <= set(found)
    assert "Figures are measured; whiskers are 95 % intervals." in found


def test_only_what_is_drawn_is_explained():
    plain = Series(
        name="a", style="points", origin="simulated", marks=(Mark(x=1, y=2.0), Mark(x=2, y=3.0))
    )
    found = texts(chart(plain))
    assert "Figures are simulated." in found
    assert not {"what MACs predict", "recommended", "untrusted"} & set(found)


def test_colours_are_those_of_the_palette_which_repeats():
    first, second = LIGHT.series[:2]
    for position in (1, 1 + len(LIGHT.series)):
        page = render(chart(series(color=position)), "svg").decode()
        assert second in page
        assert first not in page


def test_a_png_has_two_hundred_dots_per_inch():
    page = render(chart(), "png")
    assert page.startswith(b"\x89PNG")
    assert struct.unpack(">II", page[16:24]) == (1800, 1000)


@pytest.mark.parametrize("style", ["points", "bars"])
def test_hostile_names_are_text_and_cut(style):
    names = (HOSTILE, "b") if style == "bars" else ()
    marks = tuple(Mark(x=name, y=1.0, interval=(0.5, 2.0)) for name in names) or series().marks
    drawn = chart(
        series(HOSTILE, style, marks=marks),
        title=HOSTILE,
        says=HOSTILE,
        x=Axis(label=HOSTILE, names=names),
        y=Axis(label=HOSTILE, unit="s"),
    )
    found = texts(drawn)
    assert sum("a$b$" in text for text in found) >= 4
    assert max(map(len, found)) < 170
    assert b"<script>" not in render(drawn, "svg")
    assert render(drawn, "png")


def test_bars_are_named_and_grow_with_their_number():
    names = tuple(f"network{n}" for n in range(40))
    marks = tuple(Mark(x=name, y=1.0, untrusted=name == "network3") for name in names)
    drawn = chart(series(style="bars", marks=marks), x=Axis(label="zoo", names=names))
    assert set(names) <= set(texts(drawn))
    assert struct.unpack(">II", render(drawn, "png")[16:24])[1] > 1000


def test_logarithmic_axes_have_prefixes():
    scale = {
        "x": Axis(label="MACs", unit="MAC", log=True),
        "y": Axis(label="t", unit="s", log=True),
    }
    marks = tuple(Mark(x=10.0**n, y=10.0 ** (n - 9)) for n in range(3, 9))
    found = texts(chart(series(marks=marks), **scale))
    assert {"1 k", "100 M", "1 µs", "100 ms"} <= set(found)


@pytest.mark.parametrize("marks", [(), (Mark(x=1, y=0.0),), (Mark(x=2, y=1e-9),)])
def test_few_points_or_none_are_drawn_all_the_same(marks):
    assert "Latency over cout" in texts(chart(series(marks=marks)))


def test_the_same_chart_is_the_same_file_whatever_the_users_settings():
    before = render(chart(), "svg")
    with mpl.rc_context({"font.size": 40, "text.usetex": True}):
        assert render(chart(), "svg") == before
        assert mpl.rcParams["font.size"] == 40


def test_many_points_do_not_make_a_file_large():
    marks = tuple(Mark(x=float(x), y=x * 1e-6, interval=(0.0, x * 2e-6)) for x in range(1, 10_001))
    scale = {"x": Axis(label="MACs", log=True), "y": Axis(label="t", unit="s", log=True)}
    assert len(render(chart(series(marks=marks), **scale), "svg")) < 500_000
