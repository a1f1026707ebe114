"""The spread of a comparison's ratios: bins that hold all of them, and outliers that are few."""

import itertools

import pytest

from opscope.analysis.distribution import distribution
from opscope.core.comparison import Compared, Comparison, Figure, Outcome, Overall, Side
from opscope.core.configuration import Precision
from opscope.core.platform import Origin, PlatformInfo

INFO = PlatformInfo(
    name="p",
    family="p",
    device="d",
    runtime="r",
    runtime_version="1",
    precisions=(Precision.FP32,),
    quantities=(),
    origin=Origin.MEASURED,
    deployments="timed",
)


def comparison(ratios):
    items = tuple(
        Compared(
            workload=f"conv:h={place},<b>",
            a=Figure(status="ok", value=1.0, unit="s"),
            b=Figure(status="ok", value=ratio, unit="s"),
            outcome=Outcome.SAME if ratio else Outcome.UNKNOWN,
            statement="as it is",
            ratio=ratio,
            interval=(ratio * 0.9, ratio * 1.1) if ratio else None,
        )
        for place, ratio in enumerate(ratios)
    )
    overall = Overall(ratio=1.0, interval=None, counts={}, by_chance=0, statement="much the same")
    side = Side(text="p", platform=INFO)
    return Comparison(
        a=side, b=side, quantity="latency_s", taken="apart", configurations=items, overall=overall
    )


def test_bins_hold_every_ratio_and_touch():
    found = distribution(comparison([0.5, 0.9, 1.0, 1.0, 1.1, 2.0, None])).bins
    assert sum(item.count for item in found) == 6
    assert (found[0].low, found[-1].high) == pytest.approx((0.5, 2.0))
    for one, other in itertools.pairwise(found):
        assert one.high == pytest.approx(other.low)


def test_the_farthest_outlier_comes_first():
    ratios = [0.97, 0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 1.03, 2.0, 0.1]
    found = distribution(comparison(ratios)).outliers
    assert [item.ratio for item in found] == [0.1, 2.0]


@pytest.mark.parametrize("ratios", [[], [None], [1.0], [1.0] * 20, [1.0, 5.0, 1.1]])
def test_none_stands_out_of_few_or_of_equals(ratios):
    assert distribution(comparison(ratios)).outliers == ()
