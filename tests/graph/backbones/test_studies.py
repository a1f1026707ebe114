"""The studies of the three papers: their spaces expand, and every point is a possible network."""

from __future__ import annotations

import pytest

from opscope.core.configuration import Configuration, Workload
from opscope.engine.studies import load_study
from opscope.graph import build, resolve

STUDIES = {
    "backbones": 54,
    "patterns": 54,
    "scaling": 73,
}
"""Distinct configurations of each study."""


def points_of(study):
    return [
        Configuration(kind=space.kind, name=space.name, parameters=tuple(point.items()))
        for space in study.spaces
        for point in space.points()
    ]


def configurations(study):
    return list(dict.fromkeys(map(resolve, points_of(study))))


@pytest.mark.parametrize("name", STUDIES)
def test_studies_resolve_to_the_expected_configurations(name):
    study = load_study(name)
    assert len(configurations(study)) == STUDIES[name]


def test_the_backbone_study_has_the_papers_162_networks():
    study = load_study("backbones")
    found = {
        str(Workload(configuration=configuration, batch=batch))
        for configuration in configurations(study)
        for batch in study.batches
    }
    assert len(found) == 162
    assert (
        "backbone:resnet_skeleton,block=spatially_separable,bottleneck=1,k=5,input=560@fp32,batch=2"
        in found
    )


def test_patterns_are_swept_in_depth_and_width_separately():
    study = load_study("patterns")
    for space in study.spaces:
        points = space.points()
        assert len(points) == 9
        assert all(point["depth"] == 10 or point["width"] == 64 for point in points)
        assert {point["depth"] for point in points} == {10, 20, 30, 40, 50}
        assert {point["width"] for point in points} == {32, 64, 128, 256, 512}
    assert (min(study.batches), max(study.batches)) == (1, 32)


def test_scaling_covers_the_papers_ranges():
    found = points_of(load_study("scaling"))
    values = {key: {p.get(key) for p in found} - {None} for key in ("input", "width", "groups")}
    assert (min(values["input"]), max(values["input"])) == (32, 1024)
    assert (min(values["width"]), max(values["width"])) == (4, 256)
    assert values["groups"] == {1, 2, 4, 8, 16, 32, 64, 128, 256, "depthwise"}


@pytest.mark.parametrize("name", STUDIES)
def test_every_configuration_builds(name):
    for configuration in configurations(load_study(name)):
        graph = build(Workload(configuration=configuration))
        assert graph.outputs[0].size > 0
        assert graph.parameters > 0
