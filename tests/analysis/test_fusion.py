import pytest

from opscope.analysis.fusion import fusion
from opscope.core.configuration import Workload
from opscope.core.execution import Execution
from opscope.core.measurement import Measurement
from opscope.core.platform import Origin
from opscope.core.study import Job
from opscope.core.trial import Trial


def trial(text, microseconds, error=0.1, execution=None):
    """Return a trial of a latency, give or take ``error`` microseconds."""
    measurement = Measurement(
        quantity="latency_s",
        value=microseconds * 1e-6,
        unit="s",
        origin=Origin.MEASURED,
        derivation="",
        interval=((microseconds - error) * 1e-6, (microseconds + error) * 1e-6),
    )
    job = Job(workload=Workload.parse(text), platform="fake")
    return Trial(job=job, status="ok", measurements=(measurement,), execution=execution)


FIRST, SECOND = trial("conv:h=28,cin=64,cout=64,k=1", 30), trial("act:relu,h=28,c=64", 4)


def judged(both_us, error=0.1, execution=None):
    both = trial("conv:h=28,cin=64,cout=64,k=1,act=relu", both_us, error, execution)
    return fusion("conv+relu", both, FIRST, SECOND, "Conv+Relu")


@pytest.mark.parametrize(
    ("both_us", "error", "verdict", "share"),
    [
        (30.2, 0.1, "fused", 0.05),
        (34.0, 0.1, "separate", 1.0),
        (38.0, 0.1, "separate", 2.0),
        (32.0, 0.1, "unclear", 0.5),
        (30.2, 4.0, "unclear", 0.05),
    ],
)
def test_what_the_second_adds_is_held_against_what_it_costs_alone(both_us, error, verdict, share):
    found = judged(both_us, error)
    assert (found.verdict, found.share) == (verdict, pytest.approx(share))
    low, high = found.interval
    assert low < share < high


def test_what_the_runtime_tells_stands_beside_it():
    one = Execution(kernels=(("Conv", 8),), fused=(("Conv+Relu", 8),))
    two = Execution(kernels=(("Conv", 8), ("Relu", 8)))
    assert judged(34.0, execution=one).told is True
    assert judged(34.0, execution=two).told is False
    assert judged(34.0).told is None


def test_a_trial_without_a_figure_leaves_it_unclear_with_the_reason():
    job = Job(workload=Workload.parse("act:relu,h=28,c=64"), platform="fake")
    broken = Trial(job=job, status="unsupported", reason="there is none")
    found = fusion("conv+relu", FIRST, FIRST, broken, "Conv+Relu")
    assert (found.verdict, found.share) == ("unclear", None)
    assert "there is none" in found.reason
