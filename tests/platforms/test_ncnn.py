import tempfile
from contextlib import closing

import pytest
from onnx import helper

from opscope.convert.pnnx import Layer
from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.errors import UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.platforms.ncnn import seen
from opscope.platforms.registry import open_platform
from opscope.testing.graphs import graph_of
from opscope.testing.models import onnx_model
from opscope.testing.platforms import PlatformConformance


def prepared(workload):
    return open_platform("ncnn-cpu").prepare(workload, seed=1, instrumentation=Instrumentation())


class TestNcnnCpu(PlatformConformance):
    platform = "ncnn-cpu"
    package = "ncnn"
    extra = "ncnn"

    def test_it_prints_nothing_and_leaves_no_file(self, tmp_path, monkeypatch, capfd):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        workload = Workload(configuration=resolve("fc:cin=12,cout=9"), batch=2)
        with closing(prepared(workload)) as deployment:
            deployment.bind(build(workload).draw_inputs(1))
            deployment.call()
            assert deployment.outputs()["gemm0"].shape == (2, 9)
        assert capfd.readouterr() == ("", "")
        assert list(tmp_path.iterdir()) == []

    def test_it_stores_nothing_in_sixteen_bits(self):
        with closing(prepared(Workload(configuration=resolve("fc:cin=12,cout=9")))) as deployment:
            options = deployment._net.opt
            assert options.num_threads == 1
            sixteen = [name for name in dir(options) if name.startswith(("use_fp16", "use_bf16"))]
            assert len(sixteen) >= 5
            assert not any(getattr(options, name) for name in sixteen)

    def test_an_operator_it_has_no_form_of_is_named_with_its_node(self, tmp_path):
        node = helper.make_node("Hardmax", ["x"], ["y"], name="odd")
        path = tmp_path / "model.onnx"
        path.write_bytes(onnx_model([node], {"x": [1, 4]}, ["y"]).SerializeToString())
        with pytest.raises(UnsupportedWorkload, match=r"ncnn has no form of Hardmax \(odd\)"):
            prepared(Workload(configuration=resolve(f"file:{path}")))

    def test_nor_has_it_one_of_a_gru_in_one_direction(self):
        with pytest.raises(UnsupportedWorkload, match=r"ncnn has no form of GRU \(gru0\)"):
            prepared(Workload(configuration=resolve("gru:t=5,cin=8,hidden=8")))


def layer(kind, name, size=None):
    settings = {"6": str(size)} if size else {}
    return Layer(kind=kind, name=name, takes=(), yields=(), settings=settings)


def test_layers_are_the_nodes_in_order_where_their_weights_are_as_many():
    graph = graph_of("spatialconv:h=8,cin=4,cout=6,k=3")  # of 72 and 108 weights
    first, second = layer("Convolution", "a", 72), layer("Convolution", "b", 108)
    assert [step.names for step in seen(graph, [first, second])] == [("conv0",), ("conv1",)]
    assert [step.names for step in seen(graph, [second, first])] == [("",), ("",)]
    assert [step.names for step in seen(graph, [first])] == [("",)]


def test_what_carries_data_computes_in_no_format():
    graph = graph_of("concat:h=8,c=4")
    steps = seen(graph, [layer("Input", "i"), layer("Concat", "c"), layer("Split", "s")])
    told = [(step.name, step.format, step.added) for step in steps]
    assert told == [("c", "", False), ("s", "", True)]
