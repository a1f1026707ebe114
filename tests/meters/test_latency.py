import pytest

from opscope.core.measurement import Samples, Verdict, Visit
from opscope.core.platform import Origin
from opscope.core.study import Protocol
from opscope.errors import MeasurementError
from opscope.meters.latency import LatencyMeter
from opscope.platforms.registry import open_platform
from tests.builders import ScriptedDeployment

INFO = open_platform("fake").info()


def visits(rounds, preemptions=None):
    """Return visits whose samples are the given rounds."""
    return [
        Visit(
            round=number,
            preparation=number % 2,
            rewarm=Samples(durations_s=(9.0,), clock="script"),
            samples=Samples(
                durations_s=tuple(samples),
                preemptions=preemptions and tuple(preemptions[number]),
                clock="script",
            ),
        )
        for number, samples in enumerate(rounds)
    ]


def conclude(rounds, preemptions=None):
    (measurement,) = LatencyMeter().conclude(visits(rounds, preemptions), INFO)
    return measurement


def test_preempted_samples_are_kept_but_not_used():
    rounds = [[1.0, 0.5], [1.0, 0.5], [1.0, 0.5]]
    measurement = conclude(rounds, [[0, 1]] * 3)
    assert measurement.value == 1.0
    assert measurement.visits[0].samples.durations_s == (1.0, 0.5)
    assert measurement.spread.samples == 6
    assert measurement.trust.verdict is Verdict.TRUSTED


def test_a_latency_without_a_clean_sample_in_most_rounds_is_untrusted():
    measurement = conclude([[1.0], [2.0], [3.0]], [[1], [1], [0]])
    assert measurement.value == 3.0
    assert measurement.trust.verdict is Verdict.UNTRUSTED
    assert "2 of 3 rounds" in measurement.trust.reason


def test_without_any_clean_sample_there_is_a_figure_but_no_trust():
    measurement = conclude([[1.0], [2.0]], [[1], [2]])
    assert measurement.value > 0
    assert measurement.trust.verdict is Verdict.UNTRUSTED


def test_where_nobody_counts_preemptions_every_sample_is_used():
    assert conclude([[1.0, 0.5], [1.0, 0.5]]).value == 0.5


def test_it_says_how_it_came_about():
    measurement = conclude([[1.0, 1.1]] * 16)
    assert measurement.origin is Origin.ESTIMATED  # the fake's own
    assert measurement.derivation.startswith("call latency")
    assert measurement.interval_note == "95 % over 16 rounds, 2 preparations within one process"
    assert measurement.interval == (1.0, 1.0)


def test_rounds_without_a_clean_sample_are_not_counted_into_the_interval():
    disturbed = [[number % 2] for number in range(32)]  # all of the second preparation's
    measurement = conclude([[1.0]] * 32, disturbed)
    assert measurement.interval_note == "95 % over 16 rounds, 1 preparations within one process"


def test_the_spread_is_of_every_sample():
    spread = conclude([[float(x) for x in range(101)]]).spread
    assert (spread.samples, spread.median, spread.p95, spread.p99) == (101, 50, 95, 99)


def test_too_few_rounds_have_no_interval_and_say_so():
    measurement = conclude([[1.0]] * 4)
    assert measurement.interval is None
    assert measurement.interval_note == "4 rounds are too few for a 95 % interval"


def test_a_visit_warms_up_again_before_it_counts():
    deployment = ScriptedDeployment([5.0, 1.0, 2.0])
    visit = LatencyMeter().visit(deployment, Protocol(rewarm=1, samples=2), 3, 1)
    assert visit.rewarm.durations_s == (5.0,)
    assert visit.samples.durations_s == (1.0, 2.0)
    assert (visit.round, visit.preparation) == (3, 1)


def test_it_settles_after_the_rounds_of_the_protocol_and_not_before():
    meter, protocol = LatencyMeter(), Protocol(rounds=3)
    assert not meter.settled(visits([[1.0]] * 2), protocol)
    assert meter.settled(visits([[1.0]] * 3), protocol)


def test_a_deployment_never_visited_has_no_latency():
    with pytest.raises(MeasurementError):
        LatencyMeter().conclude([], INFO)
