import pytest

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import build, resolve
from opscope.platforms.openvino import OpenVinoDeployment
from opscope.platforms.registry import open_platform
from opscope.testing.platforms import PlatformConformance


class TestOpenVinoCpu(PlatformConformance):
    platform = "openvino-cpu"
    package = "openvino"


class TestTwoThreads(PlatformConformance):
    platform = "openvino-cpu:threads=2"
    package = "openvino"


def test_a_model_compiled_to_another_precision_is_refused():
    workload = Workload(configuration=resolve("conv:h=8,cin=16,cout=16,k=3"))
    platform = open_platform("openvino-cpu")
    deployment = platform.prepare(workload, seed=0, instrumentation=Instrumentation())
    assert isinstance(deployment, OpenVinoDeployment)
    deployment.verify("f32")
    with pytest.raises(PlatformError, match=r"conv0.* to f32 instead of bf16"):
        deployment.verify("bf16")
    deployment.close()


def test_a_graph_it_cannot_read_is_an_error_of_ours():
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    with pytest.raises(PlatformError, match="openvino refuses the graph"):
        OpenVinoDeployment(build(workload), b"no model", {})
