import pytest

from opscope.core.configuration import Precision, Workload
from opscope.core.space import Space
from opscope.core.study import Job, Limits, MeterName
from opscope.engine import planner
from opscope.engine.planner import group, plan
from opscope.errors import StudyError
from opscope.graph import build, resolve
from opscope.graph.stacks import layer_terms
from opscope.platforms.registry import open_platform
from tests.builders import small_study

FAKE = open_platform("fake").info()


def test_a_study_is_workload_by_platform_by_meter():
    study = small_study(5, precisions=(Precision.FP32, Precision.INT8), batches=(1, 4))
    jobs = plan(study, ["a", "b"])
    assert len(jobs) == len(set(jobs)) == 5 * 2 * 2 * 2
    assert {job.platform for job in jobs} == {"a", "b"}
    assert len({job.workload for job in jobs}) == 20


def test_a_configuration_in_two_spaces_is_one_job():
    study = small_study(4)
    assert len(plan(small_study(4, spaces=study.spaces * 2), ["a"])) == 4


def test_an_impossible_point_names_its_space_and_the_way_out():
    space = Space(
        kind="conv", base={"h": 6, "cin": 30, "cout": 30, "k": 1}, axes={"groups": (1, 4)}
    )
    study = small_study(4)
    with pytest.raises(StudyError) as caught:
        plan(small_study(4, spaces=(*study.spaces, space)), ["a"])
    assert str(caught.value).startswith("spaces[1]: conv(cin=30, groups=4): groups must divide cin")
    assert "constraints" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "conv:h=28,cin=64,cout=96,k=3",
        "dwconv:h=28,c=64,k=3,s=2",
        "pool:max,h=28,c=64,k=3,pad=1",
        "fc:cin=256,cout=100",
        "block:mobilenet_v2,h=14,cin=32",
        "block:se,h=28,cin=64",
        "add:h=28,c=64",
    ],
)
def test_stacks_are_predicted_to_hold_what_they_do_without_being_built(text):
    study = small_study(1, meters=(MeterName(name="layer-latency"),))
    workload = Workload(configuration=resolve(text))
    job = Job(workload=workload, platform="fake", meter=study.meters[0])
    stacks = [build(term.workload) for term in layer_terms(workload)]
    holds = sum(4 * (2 * graph.parameters + graph.activations) for graph in stacks)
    predicted = planner._load(job, study)
    assert 0.5 <= predicted.held / (study.protocol.preparations * holds) <= 2


def test_cohorts_are_bounded_and_hold_every_job_once():
    study = small_study(20)
    jobs = plan(study, ["fake"])
    cohorts = group(jobs, study, [FAKE])
    assert [len(cohort.jobs) for cohort in cohorts] == [6, 6, 6, 2]
    assert sorted(str(job) for cohort in cohorts for job in cohort.jobs) == sorted(map(str, jobs))
    assert len({cohort.number for cohort in cohorts}) == 4


def test_cohorts_mix_distant_points():
    study = small_study(60)
    first = group(plan(study, ["fake"]), study, [FAKE])[0]
    couts = sorted(job.workload.configuration.get("cout") for job in first.jobs)
    assert couts[-1] - couts[0] > 20


def test_a_cohort_stays_within_its_memory():
    study = small_study(20, limits=Limits(cohort_size=20, cohort_bytes=20_000))
    sizes = [len(cohort.jobs) for cohort in group(plan(study, ["fake"]), study, [FAKE])]
    assert sum(sizes) == 20
    assert 1 <= max(sizes) < 20


def test_reporting_platforms_need_no_lock():
    study = small_study(3)
    compiler = open_platform("fake-compiler").info()
    (cohort,) = group(plan(study, ["fake-compiler"]), study, [compiler])
    assert not cohort.timed
    (cohort,) = group(plan(study, ["fake"]), study, [FAKE])
    assert cohort.timed
