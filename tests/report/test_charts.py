import pytest

from opscope.core.study import MeterName
from opscope.report.charts import charts
from opscope.report.naming import labelled, slug, unique
from tests.analysis.test_overviews import DOUBT, OTHER, numbered, seen
from tests.analysis.test_responses import FAKE, conv, evidence


def stairs(**options):
    return [evidence(conv(c), 1e-3 * (1 + (c - 1) // 8), **options) for c in range(1, 33)]


def drawn(items, macs=None):
    return {chart.name: chart for chart in charts(seen(items, macs))}


def test_a_sweep_has_points_and_a_prediction_for_each_platform():
    items = numbered(*stairs(), *stairs(platform=OTHER))
    chart = drawn(items, {item.number: 10 * (1 + (item.number - 1) % 32) for item in items})[
        "conv-cout-fp32"
    ]
    assert [(s.style, s.origin, s.color, len(s.marks)) for s in chart.series] == [
        ("points", "measured", 0, 32),
        ("line", "counted", 0, 32),
        ("points", "measured", 1, 32),
        ("line", "counted", 1, 32),
    ]
    assert [m.x for m in chart.series[0].marks if m.recommended] == [8, 16, 24, 32]
    assert (chart.series[1].marks[0].y, chart.series[1].marks[-1].y) == pytest.approx(
        (125e-6, 4e-3)
    )
    assert chart.series[0].name == FAKE.name
    assert f"{FAKE.name}: 1 ms at cout = 1 and 4 ms at 32, where MACs" in chart.says
    assert "predict 125 µs and 4 ms; recommended are 8, 16, 24, 32." in chart.says
    assert (chart.y.label, chart.y.unit, chart.x.label) == ("latency", "s", "cout")


def test_a_mark_says_configuration_figure_interval_and_trust():
    chart = drawn(numbered(evidence(conv(1), 1e-3), evidence(conv(2), 2e-3, trust=DOUBT)))
    first, second = chart["conv-cout-fp32"].series[0].marks
    assert first.about == (
        "conv:h=6,cin=3,cout=1,k=3@fp32",
        "1 ms",
        "95 %: 990 µs – 1.01 ms",
        "trusted",
    )
    assert (second.about[-1], second.untrusted, second.trial) == ("untrusted: it drifts", True, 2)
    assert chart["conv-cout-fp32"].says.endswith("1 of 2 are untrusted.")


def test_networks_are_bars_named_by_what_tells_them_apart():
    items = numbered(evidence("zoo:resnet18,input=64", 2.0), evidence("zoo:squeezenet,input=64", 1))
    chart = drawn(items)["zoo-fp32"]
    assert chart.x.names == ("squeezenet", "resnet18")
    assert [(mark.x, mark.y) for mark in chart.series[0].marks] == [
        ("squeezenet", 1.0),
        ("resnet18", 2.0),
    ]
    assert chart.title == "Latency of networks: input=64, fp32"
    assert chart.says == "fake: from 1 s (squeezenet) to 2 s (resnet18)."


def test_latency_against_macs_is_logarithmic_and_apart_by_precision():
    items = numbered(evidence(conv(1), 2.0), evidence(conv(2) + "@int8", 1.0))
    chart = drawn(items, {1: 100, 2: 200})["latency-macs"]
    assert (chart.x.log, chart.y.log) == (True, True)
    assert [(s.name, s.marks[0].x, s.marks[0].y) for s in chart.series] == [
        ("fake, fp32", 100, 2.0),
        ("fake, int8", 200, 1.0),
    ]


def test_latency_against_macs_is_apart_by_meter_only_where_there_are_several():
    meters = [MeterName(name="call-latency"), MeterName(name="layer-latency")]
    items = [evidence(conv(1), 2.0 - n, meter=meter) for n, meter in enumerate(meters)]
    chart = drawn(numbered(*items), {1: 100, 2: 100})["latency-macs"]
    assert [s.name for s in chart.series] == ["fake, call-latency", "fake, layer-latency"]
    assert [s.color for s in chart.series] == [0, 0]
    chart = drawn(numbered(items[0]), {1: 100})["latency-macs"]
    assert [s.name for s in chart.series] == ["fake"]


def test_without_trials_there_is_no_chart():
    assert drawn([]) == {}


def test_names_are_to_be_typed_and_unlike_each_other():
    items = [evidence(conv(c, s=s), 1.0) for s in (1, 2) for c in (1, 2)]
    assert list(drawn(numbered(*items))) == ["conv-cout-fp32", "conv-cout-fp32-s2"]
    assert slug("zoo:<b>", "Größe", "", "x" * 99) == "zoo-b-gr-e-" + "x" * 49
    assert slug("::") == "figure"
    same = unique([("a", "x"), ("a", "x"), ("a", "x"), ("a-2", "x")])
    assert len(set(same)) == 4
    assert same[0] == "a"


@pytest.mark.parametrize(
    ("labels", "short", "shared"),
    [
        (["block:a,h=7,cin=8", "block:b,h=7,cin=16"], ("a, cin=8", "b, cin=16"), "h=7"),
        (["zoo:a", "zoo:b"], ("a", "b"), ""),
        (["zoo:a,input=7"], ("zoo:a,input=7",), ""),
        (["file:a%2Cb.onnx", "file:c.onnx"], ("a,b.onnx", "c.onnx"), ""),
        ([], (), ""),
    ],
)
def test_labels_leave_out_what_all_share(labels, short, shared):
    assert labelled(labels) == (short, shared)
