"""A comparison as HTML."""

import pytest
from msgspec.structs import replace
from rich.console import Console

from opscope.analysis.distribution import distribution
from opscope.report.comparison import comparison_view
from opscope.report.comparison_page import comparison_page
from tests.analysis.test_distribution import comparison
from tests.analysis.test_machine import QUIET


@pytest.mark.parametrize(
    ("ratios", "said"),
    [
        ([0.97, 0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 1.03, 2.0], "2.000"),
        ([None], "No configuration has a ratio."),
        ([1.0], "None stands out"),
    ],
)
def test_a_page_says_what_a_comparison_says(ratios, said):
    found = comparison(ratios)
    page = comparison_page(found, distribution(found))
    assert said in page
    assert "much the same" in page
    assert "conv:h=0,&lt;b&gt;" in page
    assert "<b>" not in page.partition("<script")[0]


def test_what_the_sides_differ_in_is_shown():
    found = comparison([1.0])
    here, there = (replace(QUIET, cpu=name) for name in ("<i>one</i>", "another"))
    a, b = (replace(found.a, environment=where) for where in (here, there))
    console = Console(width=200)
    with console.capture() as alike:
        console.print(comparison_view(replace(found, a=a, b=a)))
    with console.capture() as apart:
        console.print(comparison_view(replace(found, a=a, b=b)))
    assert "they differ in" not in alike.get()
    use = "4 of 8 processors to use"
    lines = [line.split() for line in apart.get().splitlines() if "processor" in line]
    assert lines == [f"processor <i>one</i>, {use} another, {use}".split()]
    assert "What the sides differ in" not in comparison_page(found, distribution(found))
    page = comparison_page(replace(found, a=a, b=b), distribution(found))
    assert "What the sides differ in" in page
    assert f"<td>&lt;i&gt;one&lt;/i&gt;, {use}</td>" in page
