import tempfile
from contextlib import closing

import pytest
from onnx import helper

from opscope.core.configuration import Precision, Workload
from opscope.core.study import Instrumentation
from opscope.errors import UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.platforms.mnn import seen
from opscope.platforms.registry import open_platform
from opscope.testing.models import onnx_model, small_network
from opscope.testing.platforms import PlatformConformance


def prepared(workload, *, profile=False):
    return open_platform("mnn-cpu").prepare(
        workload, seed=1, instrumentation=Instrumentation(profile=profile)
    )


class TestMnnCpu(PlatformConformance):
    platform = "mnn-cpu"
    package = "MNN"
    extra = "mnn"

    def test_steps_in_eight_bits_are_told(self):
        configuration = resolve("conv:h=14,cin=16,cout=24,k=3,groups=2,act=leaky_relu")
        workload = Workload(configuration=configuration, precision=Precision.INT8)
        with closing(prepared(workload, profile=True)) as deployment:
            deployment.bind(build(workload).draw_inputs(1))
            deployment.call()
            executed = deployment.executed()
        told = [(node.kind, node.sources, node.format) for node in executed if node.format]
        convolution = ("Convolution", ("conv0",), "i8")
        assert told == [convolution, convolution, ("ReLU", ("leakyrelu0",), "f32")]

    def test_it_prints_nothing_and_leaves_no_file(self, tmp_path, monkeypatch, capfd):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        for precision in (Precision.FP32, Precision.INT8):
            workload = Workload(configuration=resolve("fc:cin=12,cout=9"), precision=precision)
            with closing(prepared(workload)) as deployment:
                deployment.bind(build(workload).draw_inputs(1))
                deployment.call()
                assert deployment.outputs()["gemm0"].shape == (1, 9)
        assert capfd.readouterr() == ("", "")
        assert list(tmp_path.iterdir()) == []

    def test_steps_named_after_tensors_are_told_by_the_nodes_that_yield_them(self, tmp_path):
        path = tmp_path / "model.onnx"
        path.write_bytes(small_network().SerializeToString())
        workload = Workload(configuration=resolve(f"file:{path}"))
        with closing(prepared(workload, profile=True)) as deployment:
            deployment.bind(build(workload).draw_inputs(1))
            deployment.call()
            sources = [node.sources for node in deployment.executed() if node.format]
        assert sources[:3] == [("stem", "norm", "relu"), ("depthwise",), ("residual",)]

    def test_an_operator_it_has_no_form_of_is_named_with_its_node(self, tmp_path):
        node = helper.make_node("Mish", ["x"], ["y"], name="curve")
        path = tmp_path / "model.onnx"
        path.write_bytes(onnx_model([node], {"x": [1, 4]}, ["y"]).SerializeToString())
        with pytest.raises(UnsupportedWorkload, match=r"MNN has no form of Mish \(curve\)"):
            prepared(Workload(configuration=resolve(f"file:{path}")))


class TestTwoThreads(PlatformConformance):
    platform = "mnn-cpu:threads=2"
    package = "MNN"
    extra = "mnn"


def test_rasters_are_changes_of_layout_unless_nothing_else_does_the_node_s_work():
    steps = [
        ("conv0_raster_0", "Raster"),
        ("conv0__group__0", "Convolution [ DT_INT8 ] "),
        ("concat0_raster_0", "Raster"),
        ("relu0__before_tr_raster_0", "Raster"),
    ]
    found = seen(steps, [[1.0, 2.0, 3.0, 4.0]])
    assert [step.added for step in found] == [True, False, False, True]
    assert [step.names for step in found] == [("conv0",), ("conv0",), ("concat0",), ("relu0",)]
    assert [step.format for step in found] == ["", "i8", "", ""]
    assert [step.time_s for step in found] == [1.0, 2.0, 3.0, 4.0]
