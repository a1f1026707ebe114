import msgspec
import pytest

from opscope.analysis import sweeps as sweeping
from opscope.analysis.overviews import different, overview
from opscope.core.environment import Environment
from opscope.core.measurement import Trust, Verdict
from opscope.core.space import Range, Space
from opscope.core.study import MeterName, Question
from opscope.platforms.registry import open_platform
from tests.analysis.test_responses import FAKE, conv, evidence
from tests.builders import small_study

OTHER = open_platform("fake:period=8").info()
DOUBT = Trust(verdict=Verdict.UNTRUSTED, reason="it drifts")
HERE = Environment(opscope="0", python="3", system="s", kernel="k", cpu="c", cores=1)


def seen(items, macs=None, study=None, environments=None):
    return overview(
        study or small_study(),
        items,
        run=1,
        started_at="now",
        opscope="0",
        jobs=9,
        macs=macs or {},
        environments=environments or {},
    )


def numbered(*items):
    return [msgspec.structs.replace(item, number=n) for n, item in enumerate(items, 1)]


def test_curves_of_several_platforms_lie_over_each_other_and_others_apart():
    items = numbered(
        *(evidence(conv(c), 1.0) for c in (1, 2)),
        *(evidence(conv(c), 2.0, platform=OTHER) for c in (1, 2)),
        *(evidence(conv(c) + "@int8", 1.0) for c in (1, 2)),
        *(evidence(conv(c, s=2), 1.0) for c in (1, 2)),
    )
    found = seen(items).sweeps
    assert [(s.precision, s.fixed, [c.platform for c in s.curves]) for s in found] == [
        ("fp32", "conv:h=6,cin=3,k=3", [FAKE.name, OTHER.name]),
        ("int8", "conv:h=6,cin=3,k=3", [FAKE.name]),
        ("fp32", "conv:h=6,cin=3,k=3,s=2", [FAKE.name]),
    ]


def test_macs_predict_by_the_best_rate_of_the_trusted_points():
    items = numbered(
        evidence(conv(1), 4.0), evidence(conv(2), 4.0), evidence(conv(3), 0.1, trust=DOUBT)
    )
    (sweep,) = seen(items, {1: 100, 2: 200, 3: 300}).sweeps
    (curve,) = sweep.curves
    assert curve.expected == (2.0, 4.0, 6.0)
    assert [point.untrusted for point in curve.points] == ["", "", "it drifts"]


@pytest.mark.parametrize("macs", [{1: 100}, {1: 100, 2: None}, {1: 100, 2: 0}, {}])
def test_where_macs_are_not_known_they_predict_nothing(macs):
    (sweep,) = seen(numbered(evidence(conv(1), 4.0), evidence(conv(2), 4.0)), macs).sweeps
    assert sweep.curves[0].expected is None


def test_recommendations_go_with_the_curve_that_the_finding_is_about():
    slow = [evidence(conv(c), float(1 + (c - 1) // 8)) for c in range(1, 33)]
    flat = [evidence(conv(c), 1.0, platform=OTHER) for c in (1, 2)]
    (sweep,) = seen(numbered(*slow, *flat)).sweeps
    (guideline,) = [item.guideline for item in seen(numbered(*slow, *flat)).answers.findings]
    assert [curve.recommended for curve in sweep.curves] == [guideline.allowed, ()]
    assert guideline.allowed == (8, 16, 24, 32)


def test_a_study_that_asks_nothing_is_swept_along_its_axes_of_numbers():
    axes = {"cout": Range(start=1, stop=2), "act": ("none", "relu"), "k": (1, 3)}
    space = Space(kind="conv", base={"h": 6, "cin": 3, "k": 3, "cout": 2}, axes=axes)
    study = small_study(spaces=(space,), findings=())
    items = numbered(
        *(evidence(text, 1.0) for text in (conv(1), conv(2), conv(2, act="relu"))),
        evidence("conv:h=6,cin=3,cout=2,k=1", 1.0),
    )
    assert {sweep.x for sweep in seen(items, study=study).sweeps} == {"cout", "k"}


def test_more_sweeps_than_can_be_looked_at_are_counted(monkeypatch):
    monkeypatch.setattr(sweeping, "MOST", 2)
    items = numbered(*(evidence(conv(c, s=s), 1.0) for s in (1, 2, 3) for c in (1, 2)))
    found = seen(items)
    assert (len(found.sweeps), found.more_sweeps) == (2, 1)


def test_networks_are_bars_by_rising_figure_on_the_first_platform_that_has_one():
    items = numbered(
        evidence("zoo:resnet18", 3.0),
        evidence("zoo:squeezenet", 2.0),
        evidence("zoo:squeezenet", 9.0, platform=OTHER),
        evidence("zoo:mobilenet_v1", 1.0, platform=OTHER),
        evidence("zoo:resnet34", 1.0, status="failed", reason="no"),
        evidence(conv(1), 1.0),
    )
    (bars,) = seen(items).bars
    assert bars.labels == ("zoo:mobilenet_v1", "zoo:squeezenet", "zoo:resnet18")
    assert bars.figures == {FAKE.name: (None, 2, 1), OTHER.name: (4, 3, None)}
    assert (bars.kind, bars.precision, bars.batch, bars.left_out) == ("zoo", "fp32", 1, 0)


def test_the_same_networks_by_two_meters_are_bars_of_their_own():
    meters = [MeterName(name="call-latency"), MeterName(name="layer-latency")]
    items = [evidence("block:se,h=7,cin=8", 1 + n, meter=meter) for n, meter in enumerate(meters)]
    assert [bars.meter for bars in seen(items).bars] == ["call-latency", "layer-latency"]
    assert [row.meter for row in seen(items).rows] == ["call-latency", "layer-latency"]
    assert seen(items[:1]).bars[0].meter == ""


def test_of_a_network_that_is_swept_the_largest_stands_among_the_bars():
    items = numbered(
        *(evidence(f"zoo:resnet18,input={size}", size / 1e3) for size in (64, 96)),
        evidence("zoo:squeezenet", 2.0),
    )
    study = small_study(findings=(Question(kind="steps", x="input"),))
    found = seen(items, {1: 10, 2: 20, 3: 5}, study)
    assert len(found.sweeps) == 1
    assert found.bars[0].labels == ("zoo:resnet18,input=96", "zoo:squeezenet")


def test_no_more_than_forty_bars_are_shown_and_the_rest_counted():
    items = numbered(*(evidence(f"zoo:resnet18,classes={n}", n) for n in range(1, 44)))
    (bars,) = seen(items).bars
    assert (len(bars.labels), bars.left_out) == (40, 3)
    assert {len(figures) for figures in bars.figures.values()} == {40}


def test_support_counts_outcomes_and_reasons_by_subject_platform_and_precision():
    items = numbered(
        evidence(conv(1), 1.0),
        evidence(conv(2), 1.0, status="unsupported", reason="node 1 is odd"),
        evidence(conv(3), 1.0, status="unsupported", reason="node 2 is odd"),
        evidence("zoo:resnet18@int8", 1.0),
    )
    first, second = seen(items).support
    assert (first.subject, first.outcomes) == ("conv", {"ok": 1, "unsupported": 2})
    assert first.reasons == {"node 1 is odd": 2}
    assert (second.subject, second.precision, second.reasons) == ("zoo:resnet18", "int8", {})


def test_rows_hold_what_was_asked_and_what_came_of_it():
    items = numbered(
        evidence(conv(1), 2.0, trust=DOUBT), evidence(conv(2), 1.0, status="failed", reason="no")
    )
    first, second = seen(items, {1: 7}).rows
    assert (first.trial, first.macs, first.figure.value, first.figure.trust) == (1, 7, 2.0, DOUBT)
    assert first.parameters["cout"] == 1
    assert (second.macs, second.figure.value, second.figure.reason) == (None, None, "no")


def test_a_machine_is_told_once_however_much_memory_was_left():
    busy = msgspec.structs.replace(HERE, available_bytes=5, swap_used_bytes=1, timer_s=1e-7)
    other = msgspec.structs.replace(HERE, cpu="d")
    assert different([HERE, busy, other, HERE]) == (HERE, other)
    (site,) = seen(numbered(evidence(conv(1), 1.0)), environments={FAKE.name: [HERE, busy]}).sites
    assert (site.platform, site.environments) == (FAKE, (HERE,))


def test_nothing_measured_gives_an_overview_of_nothing():
    found = seen([])
    assert (found.rows, found.sweeps, found.bars, found.support, found.sites) == ((),) * 5
    assert found.quantity == "latency_s"
