import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from opscope.convert.halves import halved
from opscope.core.configuration import Precision, Workload
from opscope.engine.verification import TOLERANCE
from opscope.errors import UnsupportedWorkload
from opscope.graph import build
from opscope.graph.graph import Graph
from opscope.platforms.loading import loadable
from opscope.platforms.reference import output_error, run_reference

NETWORKS = (
    "conv:h=9,cin=5,cout=7,k=3,act=relu",
    "block:mobilenet_v2,h=14,cin=16",
    "zoo:efficientnet_b0,input=64",
)


def graph_of(text):
    return build(Workload.parse(text))


def resized(nodes, weights):
    """Return a model of ``nodes`` from ``x`` to ``y``."""
    graph = helper.make_graph(
        nodes,
        "resized",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 8, 8])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


class Given:
    """A graph that is a given model."""

    fits_one_message = True

    def __init__(self, model):
        self.model = model

    def materialise(self, seed):
        return self.model


@pytest.mark.parametrize("text", NETWORKS)
def test_a_network_in_fp16_computes_what_it_does_in_fp32(text):
    graph = graph_of(text)
    inputs = graph.draw_inputs(1)
    model = halved(graph, 1, Precision.FP16)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    halves = {name: array.astype(np.float16) for name, array in inputs.items()}
    outputs = dict(zip((t.name for t in graph.outputs), session.run(None, halves), strict=True))
    assert {array.dtype for array in outputs.values()} == {np.dtype(np.float16)}
    right = run_reference(graph, 1, inputs).outputs
    assert output_error(outputs, right) < TOLERANCE[Precision.FP16]


@pytest.mark.parametrize("text", NETWORKS)
@pytest.mark.parametrize("precision", [Precision.FP16, Precision.BF16])
def test_every_type_fits_every_operator(text, precision):
    model = halved(graph_of(text), 1, precision)
    onnx.checker.check_model(model, full_check=True)
    told = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    types = {tensor.data_type for tensor in told.graph.initializer}
    types |= {value.type.tensor_type.elem_type for value in told.graph.value_info}
    assert TensorProto.FLOAT not in types
    assert {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}[precision] in types


def test_weights_are_rounded_to_nearest():
    weights = np.array([1 + 2**-9, 1 + 3 * 2**-9, 1e6], np.float32)
    node = helper.make_node("Identity", ["w"], ["y"])
    model = halved(Given(resized([node], {"w": weights})), 0, Precision.BF16)
    kept = numpy_helper.to_array(model.graph.initializer[0]).astype(np.float32)
    assert kept[:2].tolist() == [1, 1 + 2**-7]
    assert kept[2] == pytest.approx(1e6, rel=2**-8)
    model = halved(Given(resized([node], {"w": weights})), 0, Precision.FP16)
    assert numpy_helper.to_array(model.graph.initializer[0])[2] == np.inf


def test_sizes_that_operators_want_in_fp32_stay_so_and_constants_do_not():
    nodes = [
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Cast", ["half"], ["same"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "same"], ["m"]),
        helper.make_node("Resize", ["m", "", "scales"], ["y"]),
    ]
    scales = np.array([1, 1, 2, 2], np.float32)
    model = halved(Given(resized(nodes, {"scales": scales})), 0, Precision.FP16)
    onnx.checker.check_model(model, full_check=True)
    assert model.graph.initializer[0].data_type == TensorProto.FLOAT
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (output,) = session.run(None, {"x": np.ones((1, 2, 4, 4), np.float16)})
    assert output.dtype == np.float16
    assert (output == 0.5).all()


def test_models_above_two_gigabytes_are_refused(monkeypatch):
    monkeypatch.setattr(Graph, "fits_one_message", property(lambda _: False))
    with pytest.raises(UnsupportedWorkload, match="no form in 16 bits"):
        halved(graph_of(NETWORKS[0]), 0, Precision.FP16)


def test_only_a_runtime_that_reads_types_from_the_model_is_given_halves():
    graph = graph_of(NETWORKS[0])
    with loadable(graph, 1, Precision.FP16) as told:
        assert told == graph.materialise(1).SerializeToString()
    with loadable(graph, 1, Precision.FP16, typed=True) as typed:
        assert typed == halved(graph, 1, Precision.FP16).SerializeToString()
    with loadable(graph, 1, Precision.FP32, typed=True) as whole:
        assert whole == graph.materialise(1).SerializeToString()
