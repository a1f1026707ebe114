import pytest

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import resolve
from opscope.graph.stacks import layer_terms
from opscope.platforms.base import TimedDeployment
from opscope.platforms.registry import open_platform
from opscope.testing.platforms import PlatformConformance


class TestFake(PlatformConformance):
    platform = "fake"


class TestFakeCompiler(PlatformConformance):
    platform = "fake-compiler"


def durations(name, cout):
    workload = Workload(configuration=resolve(f"conv:h=8,cin=4,cout={cout},k=3"))
    deployment = open_platform(name).prepare(workload, seed=0, instrumentation=Instrumentation())
    assert isinstance(deployment, TimedDeployment)
    return deployment.sample(50).durations_s


def test_its_latency_is_a_staircase_of_the_given_period():
    levels = [min(durations("fake:period=8,noise=0", cout)) for cout in (1, 8, 9, 16, 17)]
    assert levels[0] == levels[1] < levels[2] == levels[3] < levels[4]


def test_noise_only_slows_down_and_repeats_with_the_seed():
    quiet, noisy, again = (durations(f"fake:noise={n}", 16) for n in (0, 0.1, 0.1))
    assert min(noisy) >= quiet[0]
    assert max(noisy) > 1.1 * quiet[0]
    assert noisy == again


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("conv:h=8,cin=4,cout=4,k=3", 1),
        ("conv:h=8,cin=4,cout=40,k=3,s=2", 3),
        ("act:relu,h=8,c=24", 2),
        ("pool:max,h=8,c=17,k=2,s=2", 2),
        ("fc:cin=4,cout=64", 4),
    ],
)
@pytest.mark.parametrize("batch", [1, 2])
def test_the_layers_it_is_made_of_are_found_from_its_stacks(text, steps, batch):
    workload = Workload(configuration=resolve(text), batch=batch)
    fake = open_platform("fake:noise=0")
    layer_s = 0.0
    for term in layer_terms(workload):
        deployment = fake.prepare(term.workload, seed=0, instrumentation=Instrumentation())
        layer_s += term.coefficient * deployment.sample(1).durations_s[0]
    assert layer_s == pytest.approx(2e-4 * steps * batch)


def test_fails_where_it_is_told_to():
    with pytest.raises(PlatformError, match="cout=9"):
        durations("fake:fail_at=9", 9)
