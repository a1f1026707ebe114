"""A comparison as HTML."""

import pytest

from opscope.analysis.distribution import distribution
from opscope.report.comparison_page import comparison_page
from tests.analysis.test_distribution import comparison


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
