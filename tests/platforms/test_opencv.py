from contextlib import closing

import onnx
import pytest
from onnx import TensorProto, helper

from opscope.core.configuration import Precision, Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.platforms.opencv import OpenCvDeployment
from opscope.platforms.registry import open_platform
from opscope.testing.models import onnx_model
from opscope.testing.platforms import PlatformConformance


def run(workload, *, profile=False):
    """Return the steps of a deployment that was called four times."""
    asked = Instrumentation(profile=profile)
    with closing(open_platform("opencv-dnn").prepare(workload, seed=1, instrumentation=asked)) as d:
        d.bind(build(workload).draw_inputs(1))
        for _ in range(4):
            d.call()
        return d.executed()


class TestOpenCvDnn(PlatformConformance):
    platform = "opencv-dnn"
    package = "opencv-python-headless"
    module = "cv2"
    extra = "opencv"

    @pytest.mark.parametrize("profile", [False, True])
    def test_layers_are_told_with_times_only_if_profiled(self, profile):
        workload = Workload(configuration=resolve("conv:h=9,cin=16,cout=16,k=3,act=gelu"))
        executed = run(workload, profile=profile)
        told = [(node.kind, node.sources, node.format) for node in executed if node.sources]
        assert told == [("Conv2", ("conv0", "gelu0"), "f32")]
        assert [node.time_s is not None for node in executed] == [profile] * len(executed)

    def test_layers_in_eight_bits_are_told(self):
        configuration = resolve("conv:h=14,cin=16,cout=16,k=3,act=leaky_relu")
        executed = run(Workload(configuration=configuration, precision=Precision.INT8))
        formats = {
            source: node.format for node in executed for source in node.sources if node.format
        }
        assert formats == {"conv0": "i8", "leakyrelu0": "f32"}

    def test_it_does_not_go_on_with_an_older_engine(self, capfd):
        node = helper.make_node("FooBar", ["x"], ["y"], name="curve")
        model = onnx_model([node], {"x": [1, 4]}, ["y"])
        model.graph.output[0].CopyFrom(
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
        )
        graph = build(Workload(configuration=resolve("act:softmax,c=4")))
        with pytest.raises(UnsupportedWorkload, match="OpenCV has no form of FooBar"):
            OpenCvDeployment(graph, model.SerializeToString(), 1, Instrumentation())
        assert capfd.readouterr() == ("", "")

    def test_a_graph_it_cannot_read_is_an_error_of_ours(self):
        graph = build(Workload(configuration=resolve("act:softmax,c=4")))
        empty = onnx.ModelProto().SerializeToString() + b"no model"
        with pytest.raises(PlatformError, match="OpenCV refuses the graph"):
            OpenCvDeployment(graph, empty, 1, Instrumentation())


class TestTwoThreads(PlatformConformance):
    platform = "opencv-dnn:threads=2"
    package = "opencv-python-headless"
    module = "cv2"
    extra = "opencv"
