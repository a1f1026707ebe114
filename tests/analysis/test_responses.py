from opscope.analysis.responses import Evidence, responses
from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement, Trust, Verdict
from opscope.core.platform import Origin
from opscope.core.study import Job, MeterName
from opscope.core.trial import Trial
from opscope.graph import parameters_of, resolve
from opscope.platforms.registry import open_platform

FAKE = open_platform("fake").info()


def evidence(
    text, value, *, number=1, platform=FAKE, status="ok", reason="", trust=None, meter=None
):
    body, _, deployed = text.partition("@")
    workload = Workload.parse(f"{resolve(body)}@{deployed or 'fp32'}")
    latency = Measurement(
        quantity="latency_s",
        value=value,
        unit="s",
        origin=Origin.MEASURED,
        derivation="a test",
        trust=trust or Trust(),
        interval=(value * 0.99, value * 1.01),
    )
    trial = Trial(
        job=Job(workload=workload, platform=platform.name, meter=meter or MeterName()),
        status=status,
        reason=reason,
        measurements=(latency,) if status == "ok" else (),
    )
    parameters = parameters_of(workload.configuration)
    return Evidence(number=number, trial=trial, platform=platform, parameters=parameters)


def conv(cout, **others):
    parameters = ",".join(f"{key}={value}" for key, value in others.items())
    return f"conv:h=6,cin=3,cout={cout},k=3" + (f",{parameters}" if parameters else "")


def test_points_come_in_rising_order_with_their_trial():
    (response,) = responses(
        [evidence(conv(8), 2.0, number=7), evidence(conv(4), 1.0, number=9)], "cout", "latency_s"
    )
    assert [(p.x, p.y, p.trial) for p in response.points] == [(4, 1.0, 9), (8, 2.0, 7)]
    assert [point.interval for point in response.points] == [(0.99, 1.01), (1.98, 2.02)]
    assert response.fixed == "conv:h=6,cin=3,k=3"
    assert (response.origin, response.derivation) == (Origin.MEASURED, "a test")


def test_curves_of_other_parameters_precisions_batches_and_platforms_are_kept_apart():
    items = [
        evidence(conv(4), 1.0),
        evidence(conv(4, s=2), 1.0),
        evidence(conv(4) + "@int8", 1.0),
        evidence(conv(4) + "@fp32,batch=2", 1.0),
        evidence(conv(4), 1.0, platform=open_platform("fake:period=8").info()),
    ]
    found = responses(items, "cout", "latency_s")
    assert len(found) == 5
    assert {response.fixed for response in found} == {
        "conv:h=6,cin=3,k=3",
        "conv:h=6,cin=3,k=3,s=2",
        "conv:h=6,cin=3,k=3,batch=2",
    }


def test_what_cannot_be_used_is_counted_by_reason():
    doubt = Trust(verdict=Verdict.UNTRUSTED, reason="noise")
    (response,) = responses(
        [
            evidence(conv(1), 1.0),
            evidence(conv(2), 1.0, status="failed", reason="it broke"),
            evidence(conv(3), 1.0, status="failed", reason="it broke"),
            evidence(conv(4), 1.0, trust=doubt),
        ],
        "cout",
        "latency_s",
    )
    assert [point.x for point in response.points] == [1]
    assert response.left_out == {"it broke": 2, "untrusted: noise": 1}


def test_a_curve_without_any_figure_says_why():
    items = [evidence(conv(c), 1.0, status="unsupported", reason="no") for c in (1, 2)]
    (refused,) = responses(items, "cout", "latency_s")
    assert (refused.points, refused.left_out, refused.swept) == ((), {"no": 2}, True)
    (silent,) = responses([evidence(conv(1), 1.0)], "cout", "energy_j")
    assert silent.left_out == {"energy_j was not reported": 1}
    assert (silent.origin, silent.swept) == (FAKE.origin, False)
    assert responses([evidence(conv(1), 1.0)], "act", "latency_s") == []


def test_reasons_that_differ_in_numbers_alone_are_one_and_only_their_first_line_is_told():
    items = [
        evidence(conv(c), 1.0, status="failed", reason=f"node {c} broke\nin a file") for c in (1, 2)
    ]
    (response,) = responses(items, "cout", "latency_s")
    assert response.left_out == {"node 1 broke": 2}


def xs(items, x):
    """Return each curve's values of ``x`` by what is fixed."""
    return {r.fixed: [point.x for point in r.points] for r in responses(items, x, "latency_s")}


def test_a_value_left_out_as_the_default_is_a_point_like_any_other():
    items = [evidence(conv(4, s=s), 1.0) for s in (1, 2, 3)]
    assert "s=1" not in str(items[0].trial.job.workload)
    assert xs(items, "s") == {"conv:h=6,cin=3,cout=4,k=3": [1, 2, 3]}


def test_a_value_left_out_as_implied_is_a_point_like_any_other():
    items = [evidence(conv(4, w=w), 1.0) for w in (4, 6, 8)]
    assert xs(items, "w") == {"conv:h=6,cin=3,cout=4,k=3": [4, 6, 8]}
    blocks = [evidence(f"block:resnet_basic,h=8,cin=16,cout={c}", 1.0) for c in (8, 16, 24)]
    assert xs(blocks, "cout") == {"block:resnet_basic,h=8,cin=16": [8, 16, 24]}


def test_what_one_point_leaves_out_as_implied_and_others_write_out_is_one_curve():
    oblong = [evidence(f"conv:h={h},w=6,cin=3,cout=4,k=3", 1.0) for h in (4, 6, 8)]
    square = [evidence(f"conv:h={h},cin=3,cout=4,k=3", 1.0) for h in (4, 8)]
    found = xs([*oblong, *square], "h")
    assert found == {"conv:w=6,cin=3,cout=4,k=3": [4, 6, 8], "conv:cin=3,cout=4,k=3": [4, 6, 8]}


def test_meters_that_take_the_same_quantity_are_kept_apart_and_named():
    both = [MeterName(name="call-latency"), MeterName(name="layer-latency")]
    items = [evidence(conv(c), c, meter=meter) for c in (1, 2) for meter in both]
    found = responses(items, "cout", "latency_s")
    assert [curve.fixed for curve in found] == [
        f"conv:h=6,cin=3,k=3,meter={name}" for name in ("call-latency", "layer-latency")
    ]
    assert [[point.x for point in curve.points] for curve in found] == [[1, 2], [1, 2]]


def test_a_meter_that_takes_another_quantity_is_no_curve_of_this_one():
    latency, streams = MeterName(name="call-latency"), MeterName(name="throughput")
    items = [evidence(conv(c), c, meter=latency) for c in (1, 2)]
    others = [evidence(conv(c), c, meter=streams, status="failed", reason="no") for c in (1, 2)]
    (curve,) = responses(items + others, "cout", "latency_s")
    assert curve.fixed == "conv:h=6,cin=3,k=3"
    assert (len(curve.points), curve.left_out) == (2, {})
    assert len(responses(others, "cout", "latency_s")) == 1
