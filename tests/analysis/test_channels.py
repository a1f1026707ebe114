import math

import msgspec
import numpy as np
import pytest

from opscope.analysis.channels import channels_finding
from opscope.analysis.responses import Response
from opscope.analysis.steps import find_steps
from opscope.core.finding import Point
from opscope.core.measurement import Verdict
from opscope.core.platform import Origin
from opscope.platforms.registry import open_platform

CPU = msgspec.structs.replace(
    open_platform("fake").info(),
    name="a-cpu",
    origin=Origin.MEASURED,
    instruction_set=("avx2", "avx512f"),
)


def response(latency, *, platform=CPU, stop=80, origin=Origin.MEASURED, left_out=None):
    points = tuple(
        Point(x=float(x), y=latency(x), trial=x, interval=(latency(x) * 0.999, latency(x) * 1.001))
        for x in range(1, stop + 1)
    )
    return Response(
        platform=platform,
        precision="fp32",
        fixed="conv:h=28,cin=320,k=3",
        x="cout",
        quantity="latency_s",
        origin=origin,
        derivation="a test",
        points=points,
        swept=True,
        left_out=left_out or {},
    )


SCATTER = 1 + 0.0005 * np.random.default_rng(3).standard_normal(1000)


def staircase(period):
    return lambda x: 1e-3 * (1 + math.ceil(x / period)) * SCATTER[x]


def test_a_staircase_of_the_vector_width_is_explained_by_it():
    finding = channels_finding(response(staircase(16)), "s")
    assert finding.verdict == "steps"
    assert "16 channels fill one register of 16 fp32 values (AVX-512)" in finding.cause
    assert finding.guideline.allowed == (16, 32, 48, 64, 80)
    assert finding.guideline.of == 80
    assert finding.edges == ((16, 17), (32, 33), (48, 49), (64, 65))
    period = next(effect for effect in finding.effects if effect.name == "period")
    assert period.value == 16
    rises = [effect for effect in finding.effects if effect.name.startswith("rise between")]
    assert rises[0].name == "rise between 16 and 17"
    assert all(low < rise.value < high for rise in rises for low, high in [rise.interval])
    assert rises[0].value == pytest.approx(1e-3, rel=0.01)
    assert "keep the 5 of 80" in finding.implication


def test_a_period_of_several_registers_says_how_many():
    finding = channels_finding(response(staircase(32), stop=200), "s")
    assert "32 channels fill 2 registers" in finding.cause


def test_a_period_that_matches_no_register_has_no_cause():
    assert channels_finding(response(staircase(10)), "s").cause.startswith("not established")


def test_a_model_of_hardware_is_not_explained_by_this_machines_registers():
    finding = channels_finding(response(staircase(16), origin=Origin.ESTIMATED), "s")
    assert finding.cause == "a property of a-cpu's model"
    assert finding.origin is Origin.ESTIMATED


def test_a_line_has_no_channels_to_prefer():
    finding = channels_finding(response(lambda x: 1e-3 * x), "s")
    assert finding.verdict == "linear"
    assert finding.cause == "not established"
    assert "no value of cout is to be preferred" in finding.implication
    assert len(finding.guideline.allowed) == 80


def test_a_flat_response_says_take_the_largest():
    finding = channels_finding(response(lambda x: 1e-3 * SCATTER[x]), "s")
    assert finding.verdict == "flat"
    assert "take the largest" in finding.implication
    assert finding.guideline.allowed == (80,)


def test_every_point_is_evidence():
    finding = channels_finding(response(staircase(16)), "s")
    assert [point.trial for point in finding.points] == list(range(1, 81))


def test_when_most_trials_are_lost_the_finding_is_untrusted():
    finding = channels_finding(response(staircase(16), left_out={"it broke": 81}), "s")
    assert finding.trust.verdict is Verdict.UNTRUSTED
    assert "81 of 161" in finding.trust.reason


def test_the_widest_registers_of_the_platform_explain():
    narrow = msgspec.structs.replace(CPU, instruction_set=("avx2", "fma"))
    cause = channels_finding(response(staircase(8), platform=narrow), "s").cause
    assert "8 channels fill one register of 8 fp32 values (AVX2)" in cause
    unknown = msgspec.structs.replace(CPU, instruction_set=())
    cause = channels_finding(response(staircase(8), platform=unknown), "s").cause
    assert cause.startswith("not established")


def test_intervals_take_part_where_every_point_has_one(monkeypatch):
    given = []

    def find(x, y, *, intervals):
        given.append(intervals)
        return find_steps(x, y, intervals=intervals)

    monkeypatch.setattr("opscope.analysis.channels.find_steps", find)
    full = response(staircase(16))
    bare = (msgspec.structs.replace(full.points[0], interval=None), *full.points[1:])
    channels_finding(full, "s")
    channels_finding(msgspec.structs.replace(full, points=bare), "s")
    assert given == [[point.interval for point in full.points], None]
