import tempfile
from contextlib import closing

import pytest
from onnx import helper

from opscope.core.configuration import Precision, Workload
from opscope.core.study import Instrumentation
from opscope.errors import UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.platforms.executorch import seen
from opscope.platforms.registry import open_platform
from opscope.testing.graphs import graph_of
from opscope.testing.models import onnx_model
from opscope.testing.platforms import PlatformConformance


def prepared(workload, *, profile=False):
    return open_platform("executorch-xnnpack").prepare(
        workload, seed=1, instrumentation=Instrumentation(profile=profile)
    )


class TestExecuTorchXnnpack(PlatformConformance):
    platform = "executorch-xnnpack"
    package = "executorch"
    extra = "executorch"

    def test_kernels_in_eight_bits_are_told(self):
        configuration = resolve("conv:h=14,cin=16,cout=16,k=3,act=hard_swish")
        workload = Workload(configuration=configuration, precision=Precision.INT8)
        with closing(prepared(workload, profile=True)) as deployment:
            deployment.bind(build(workload).draw_inputs(1))
            for _ in range(4):
                deployment.call()
            executed = deployment.executed()
        formats = {source: node.format for node in executed for source in node.sources}
        assert formats["conv0"] == "i8"
        assert all(node.time_s is not None for node in executed)

    def test_it_prints_nothing_and_leaves_no_file(self, tmp_path, monkeypatch, capfd):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        workload = Workload(configuration=resolve("fc:cin=12,cout=9"))
        with closing(prepared(workload, profile=True)) as deployment:
            deployment.bind(build(workload).draw_inputs(1))
            deployment.call()
            assert deployment.outputs()["gemm0"].shape == (1, 9)
            assert [node.sources for node in deployment.executed()] == [("gemm0",)]
        assert capfd.readouterr() == ("", "")
        assert list(tmp_path.glob("opscope-*")) == []  # PyTorch keeps an empty folder of its own

    def test_an_operator_it_has_no_form_of_is_named_with_its_node(self, tmp_path):
        node = helper.make_node("Hardmax", ["x"], ["y"], name="odd")
        path = tmp_path / "model.onnx"
        path.write_bytes(onnx_model([node], {"x": [1, 4]}, ["y"]).SerializeToString())
        with pytest.raises(UnsupportedWorkload, match=r"odd \(Hardmax\)"):
            prepared(Workload(configuration=resolve(f"file:{path}")))


def test_kernels_tell_format_and_time_and_are_the_nodes_in_order():
    events = [
        ("Convert (NC) #1", [1.0]),
        ("Transpose (ND, X8) #1", [2.0]),
        ("Fully Connected (NC, QS8, QC8W) GEMM #1", [3.0]),
        ("Fully Connected (NC, F32, QC8W) GEMM #1", [4.0]),
        ("native_call_squeeze_copy.dims_out", [5.0]),
    ]
    steps = seen(graph_of("spatialconv:h=8,cin=4,cout=6,k=3"), events)
    assert [step.names[0] for step in steps] == ["", "", "conv0", "conv1", ""]
    assert [step.format for step in steps] == ["", "", "i8", "f32", ""]
    assert [step.added for step in steps] == [True, True, False, False, False]
    assert [step.time_s for step in steps] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert steps[2].kind == "Fully Connected (NC, QS8, QC8W) GEMM"


def test_a_batch_norm_that_no_product_folds_is_a_kernel_of_its_own():
    graph = graph_of(
        "block:dense,h=8,cin=4"
    )  # BatchNorm, ReLU, Conv, BatchNorm, ReLU, Conv, Concat
    kernel = "Convolution (NHWC, F32) IGEMM"
    steps = seen(graph, [(f"{kernel} #{number}", [1.0]) for number in (1, 2, 3)])
    assert [step.names[0] for step in steps] == ["batchnormalization0", "conv0", "conv1"]
