import pytest
from msgspec.structs import replace

from opscope.core.configuration import Workload
from opscope.core.measurement import Speed, Verdict
from opscope.core.platform import Origin
from opscope.core.readings import DeviceState, Round, Samples
from opscope.core.study import MeterName, Protocol
from opscope.errors import MeasurementError
from opscope.graph.stacks import Term
from opscope.meters import METERS, Readings, correction, latency, meter_for
from opscope.meters.latency import CallLatencyMeter, LayerLatencyMeter
from opscope.platforms.registry import open_platform
from tests.builders import ScriptedDeployment, visits_of

INFO = open_platform("fake").info()
WORKLOAD = Workload.parse("conv:h=28,cin=320,cout=64,k=3")


def readings(visits, **changes):
    term = Term(workload=WORKLOAD, coefficient=1.0)
    fields = {"workload": WORKLOAD, "terms": (term,), "visits": tuple(visits)}
    return Readings(**{**fields, **changes})


def conclude(visits, stopped="rounds", **changes):
    (found,) = CallLatencyMeter().conclude(readings(visits, **changes), INFO, stopped)
    return found


def test_preempted_samples_are_kept_but_not_used():
    found = conclude(visits_of([[1.0, 0.5]] * 6, preemptions=[[0, 1]] * 6))
    assert found.value == 1.0
    assert found.visits[0].samples.durations_s == (1.0, 0.5)
    assert found.spread.samples == 12
    assert found.trust.verdict is Verdict.TRUSTED


def test_a_latency_without_a_clean_sample_in_most_rounds_is_untrusted():
    found = conclude(visits_of([[1.0], [2.0], [3.0]], preemptions=[[1], [1], [0]]))
    assert found.trust.verdict is Verdict.UNTRUSTED
    assert "2 of 3 rounds" in found.trust.reason


def test_it_says_how_it_came_about():
    found = conclude(visits_of([[1.0, 1.1]] * 16))
    assert found.origin is Origin.ESTIMATED  # the fake's own
    assert found.derivation.startswith("call latency")
    assert found.interval_note == "95 % over 16 rounds, 2 preparations"
    assert found.interval == (1.0, 1.0)
    assert found.stopped == "rounds"


def test_one_preparation_is_said():
    found = conclude(visits_of([[1.0]] * 16, preparations=1))
    assert found.interval_note == "95 % over 16 rounds, within one preparation"


def test_the_spread_is_of_every_sample():
    spread = conclude(visits_of([[float(x) for x in range(1, 102)]])).spread
    assert (spread.samples, spread.median, spread.p95, spread.p99) == (101, 51, 96, 100)


def test_too_few_rounds_have_no_interval_and_say_so():
    found = conclude(visits_of([[1.0]] * 4))
    assert found.interval is None
    assert found.interval_note == "4 rounds are too few for a 95 % interval"
    assert found.trust.verdict is Verdict.UNTRUSTED
    assert found.trust.reason == found.interval_note


def test_too_few_undisturbed_rounds_for_an_interval_are_untrusted_even_if_they_are_the_most():
    found = conclude(visits_of([[1.0]] * 8, preemptions=[[0]] * 5 + [[1]] * 3))
    assert found.interval is None
    assert found.trust.reason == "5 rounds are too few for a 95 % interval"


def test_a_slower_machine_is_corrected_for_and_the_interval_widened():
    slow = Round(
        probes={
            "conv3x3": Samples(durations_s=(1.06,), clock="script"),
            "conv1x1": Samples(durations_s=(1.04,), clock="script"),
        }
    )
    reference = {"conv3x3": 1.0, "conv1x1": 1.0, "dense": 1.0, "late3x3": 1.0}
    found = conclude(visits_of([[2.1]] * 8), rounds=(slow,) * 8, reference=reference)
    assert 1.04 < found.speed.factor < 1.05
    assert found.value == pytest.approx(2.1 / found.speed.factor)
    low, high = found.interval
    assert low == pytest.approx(found.value * (1 - found.speed.error))
    assert high == pytest.approx(found.value * (1 + found.speed.error))
    assert found.visits[0].samples.durations_s == (2.1,)


def test_what_correcting_leaves_unsure_counts_before_sampling_stops(monkeypatch):
    given = readings(visits_of([[2.1]] * 8))
    assert CallLatencyMeter().settled(given) == "precision"
    unsure = Speed(bound="compute", factor=1.0, error=0.03)
    monkeypatch.setattr(correction, "speed", lambda *_: unsure)
    assert CallLatencyMeter().settled(given) == ""
    monkeypatch.setattr(correction, "speed", lambda *_: replace(unsure, error=0.01))
    assert CallLatencyMeter().settled(given) == "precision"


def test_cold_calls_are_not_corrected_by_warm_kernels(monkeypatch):
    slower = Speed(bound="memory", factor=1.1, error=0.01, refetch_s=0.08)
    monkeypatch.setattr(correction, "speed", lambda *_: slower)
    found = conclude(visits_of([[2.1]] * 8), protocol=Protocol(cold=True))
    assert (found.value, found.speed) == (2.1, None)
    assert found.derivation.endswith("undisturbed calls, with empty caches")


def test_a_cold_visit_empties_the_caches_before_each_call(monkeypatch):
    order = []
    monkeypatch.setattr(latency, "flush_caches", lambda: order.append("flush"))

    class Told(ScriptedDeployment):
        def sample(self, count):
            order.append(count)
            return super().sample(count)

    protocol = Protocol(cold=True, samples=3)
    rewarm, samples = CallLatencyMeter().visit(Told([3.0, 1.0, 2.0]), protocol)
    assert order == ["flush", 1] * 3
    assert samples.durations_s == (3.0, 1.0, 2.0)
    assert not rewarm.durations_s


def test_what_was_fetched_again_is_taken_off_and_widens_the_interval(monkeypatch):
    longer = Speed(bound="memory", factor=1.0, error=0.0, refetch_s=0.08)
    monkeypatch.setattr(correction, "speed", lambda *_: longer)
    found = conclude(visits_of([[2.1]] * 8))
    assert found.value == pytest.approx(2.02)
    assert found.interval == pytest.approx((1.98, 2.06))
    assert found.trust.verdict is Verdict.TRUSTED
    monkeypatch.setattr(correction, "speed", lambda *_: replace(longer, refetch_s=0.3))
    doubted = conclude(visits_of([[2.1]] * 8), stopped="rounds")
    assert doubted.trust.reason == ("after 8 rounds its interval is still ±8%, where ±2% was asked")


def test_caches_of_the_processor_say_nothing_of_another_devices_networks(monkeypatch):
    given = []
    monkeypatch.setattr(correction, "speed", lambda _, timed, *__: given.append(timed))
    visits = visits_of([[2.1]] * 8)
    conclude(visits)
    conclude([replace(visit, device=DeviceState(clock_hz=1e9)) for visit in visits])
    assert [len(timed) for timed in given] == [1, 0]
    assert given[0][0][1] == 2.1


def test_a_visit_warms_up_until_calls_get_no_faster_and_those_count():
    deployment = ScriptedDeployment([5.0, 3.0, 3.1, 2.0, 1.995, 2.01, 2.02, 9.0])
    rewarm, samples = CallLatencyMeter().visit(deployment, Protocol(rewarm=6, samples=3))
    assert rewarm.durations_s == (5.0, 3.0, 3.1, 2.0)
    assert samples.durations_s == (1.995, 2.01, 2.02)


def test_rewarming_ends_and_can_be_left_out():
    falling = [2.0**-power for power in range(20)]
    rewarm, samples = CallLatencyMeter().visit(ScriptedDeployment(falling), Protocol(rewarm=4))
    assert (len(rewarm.durations_s), samples.durations_s[0]) == (4, 2.0**-4)
    rewarm, samples = CallLatencyMeter().visit(ScriptedDeployment(falling), Protocol(rewarm=0))
    assert (rewarm.durations_s, samples.durations_s) == ((), (1.0, 0.5, 0.25))


def test_short_calls_are_repeated_more_often():
    short = ScriptedDeployment([1e-5] * 100)
    _, samples = CallLatencyMeter().visit(short, Protocol(rewarm=1))
    assert len(samples.durations_s) == 10


def test_a_visit_in_which_every_call_was_disturbed_tries_again():
    class Busy(ScriptedDeployment):
        def sample(self, count):
            taken = super().sample(count)
            wall = taken.durations_s
            return Samples(durations_s=wall, preemptions=tuple(int(t > 1) for t in wall), clock="s")

    busy = Busy([2.0, 3.0, 3.0, 3.0, 3.0, 1.0, 3.0, 5.0, 5.0])  # the first to warm up
    _, samples = CallLatencyMeter().visit(busy, Protocol(rewarm=1, samples=3))
    assert samples.durations_s == (3.0, 3.0, 3.0, 3.0, 1.0, 3.0)


def test_it_settles_when_the_interval_is_narrow_or_the_rounds_are_spent():
    meter, protocol = CallLatencyMeter(), Protocol(rounds=12, min_rounds=6, precision=0.02)
    steady, wild = [[1.0]] * 6, [[1.0], [1.4], [1.8]] * 4
    assert meter.settled(readings(visits_of(steady[:5]), protocol=protocol)) == ""
    assert meter.settled(readings(visits_of(steady), protocol=protocol)) == "precision"
    assert meter.settled(readings(visits_of(wild[:9]), protocol=protocol)) == ""
    assert meter.settled(readings(visits_of(wild), protocol=protocol)) == "rounds"


def test_an_interval_far_wider_than_was_asked_for_makes_a_figure_untrusted():
    wild = visits_of([[1.0], [1.4], [1.8]] * 4)
    found = conclude(wild)
    assert found.trust.verdict is Verdict.UNTRUSTED
    assert found.trust.reason.startswith("after 12 rounds its interval is still ±")
    assert found.trust.reason.endswith("where ±2% was asked")
    assert conclude(wild, protocol=Protocol(precision=0.9)).trust.verdict is Verdict.TRUSTED


def test_a_layer_is_the_weighted_sum_of_its_stacks_with_their_errors():
    deep, shallow = WORKLOAD, Workload.parse("conv:h=28,cin=320,cout=32,k=3")
    terms = (
        Term(workload=deep, coefficient=0.5),
        Term(workload=shallow, coefficient=-0.5),
    )
    jitter = [0.0, 0.02, 0.01, 0.03, 0.02, 0.01, 0.0, 0.04]
    visits = visits_of([[5.0 + j] for j in jitter]) + visits_of([[2.0 + j] for j in jitter], term=1)
    (found,) = LayerLatencyMeter().conclude(readings(visits, terms=terms), INFO, "precision")
    (alone,) = CallLatencyMeter().conclude(readings(visits[:8]), INFO, "precision")
    assert found.value == pytest.approx(1.5, abs=1e-6)
    below, above = (abs(bound - alone.value) for bound in alone.interval)
    expected = 0.5 * (below**2 + above**2) ** 0.5
    assert found.value - found.interval[0] == pytest.approx(expected)
    assert found.interval[1] - found.value == pytest.approx(expected)
    assert found.derivation.startswith("layer latency")
    assert found.spread is None


def test_a_layer_says_so_where_nothing_tells_whether_its_copies_ran():
    terms = LayerLatencyMeter().terms(WORKLOAD)
    visits = [v for number in range(len(terms)) for v in visits_of([[1.0]] * 8, term=number)]
    for told in (True, False):
        seen = readings(visits, terms=terms, told=told)
        (found,) = LayerLatencyMeter().conclude(seen, INFO, "rounds")
        assert ("unchecked, since nothing tells what runs" in found.derivation) is not told


def test_a_layer_that_takes_no_time_is_untrusted():
    terms = (Term(workload=WORKLOAD, coefficient=1), Term(workload=WORKLOAD, coefficient=-1))
    visits = visits_of([[1.0]] * 8) + visits_of([[1.1]] * 8, term=1)
    (found,) = LayerLatencyMeter().conclude(readings(visits, terms=terms), INFO, "precision")
    assert found.trust.verdict is Verdict.UNTRUSTED
    assert "no slower" in found.trust.reason


def test_a_deployment_never_visited_has_no_latency():
    with pytest.raises(MeasurementError):
        conclude([])


def test_layers_have_a_latency_inside_a_network_and_networks_that_of_a_call():
    asked = MeterName()
    assert meter_for(WORKLOAD, asked).name == "layer-latency"
    assert (
        meter_for(Workload.parse("block:mobilenet_v2,h=56,cin=32"), asked).name == "layer-latency"
    )
    assert meter_for(Workload.parse("zoo:squeezenet"), asked).name == "call-latency"
    assert meter_for(WORKLOAD, MeterName(name="call-latency")).name == "call-latency"
    assert all(meter_for(WORKLOAD, MeterName(name=name)).name == name for name in METERS)
