import contextlib
import io

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import helper

from opscope.convert.tflite import tflite_model
from opscope.core.configuration import Workload
from opscope.errors import UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.graph.importers.api import import_model
from opscope.platforms.reference import output_error, run_reference
from opscope.testing.graphs import graph_of
from opscope.testing.models import onnx_model
from tests.convert.tflite.forms import codes_of, outputs_of

NETWORK = "zoo:mobilenet_v2,input=64"


def constants_of(data):
    """Return type and contents of the constants that operators take, by operator and position."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    (graph,) = model.subgraphs
    found = {}
    for place, operator in enumerate(graph.operators):
        for position, index in enumerate(operator.inputs):
            tensor = graph.tensors[index]
            buffer = model.buffers[tensor.buffer]
            behind = data[buffer.offset : buffer.offset + buffer.size]  # the flatbuffer, if large
            if contents := behind or bytes([] if buffer.data is None else buffer.data):
                found[place, position] = (tensor.type, contents)
    return found


def cast(data):
    """Return what ai-edge-quantizer makes of a file whose weights are to be cast to FP16."""
    pytest.importorskip("ai_edge_quantizer", reason="the extra litert-int8 is not installed")
    from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

    maker = quantizer.Quantizer(data)
    half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    maker.update_quantization_recipe(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        algorithm_key=algorithm_manager.AlgorithmName.FLOAT_CASTING,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=half,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
    )
    with contextlib.redirect_stdout(io.StringIO()):
        return bytes(maker.quantize().quantized_model)


@pytest.mark.parametrize(
    "text", [NETWORK, "block:shufflenet_v1,h=8,cin=24", "gru:t=3,cin=4,hidden=5", "zoo:kws_cnn"]
)
def test_it_is_the_file_that_the_quantiser_makes(text):
    graph = graph_of(text)
    real = cast(tflite_model(graph, 1).data)
    ours = tflite_model(graph, 1, half_weights=True).data
    assert codes_of(ours) == codes_of(real)
    assert constants_of(ours) == constants_of(real)


def test_weights_are_in_fp16_and_biases_as_they_were():
    data = tflite_model(graph_of("conv:h=8,cin=4,cout=6,k=3"), 1, half_weights=True).data
    assert codes_of(data) == ["DEQUANTIZE", "CONV_2D"]
    assert {place: type_ for place, (type_, _) in constants_of(data).items()} == {
        (0, 0): schema.TensorType.FLOAT16,
        (1, 2): schema.TensorType.FLOAT32,
    }


@pytest.mark.parametrize("text", [NETWORK, "zoo:resnet18,input=64", "conv:h=8,cin=64,cout=64,k=3"])
def test_the_file_is_half_as_large(text):
    graph = graph_of(text)
    whole, half = (tflite_model(graph, 1, half_weights=half).data for half in (False, True))
    assert 0.5 <= len(half) / len(whole) < 0.51


@pytest.mark.parametrize("text", [NETWORK, "conv:h=8,cin=16,cout=16,k=3", "zoo:kws_crnn"])
def test_nothing_but_weights_is_rounded(text, tmp_path):
    graph = graph_of(text)
    model = tflite_model(graph, 1, half_weights=True)
    inputs = graph.draw_inputs(1)
    outputs = outputs_of(model, inputs)
    assert 1e-4 < output_error(outputs, run_reference(graph, 1, inputs).outputs) < 0.02
    path = tmp_path / "model.tflite"
    path.write_bytes(model.data)
    rounded = import_model(path)
    stored = {
        tensor.name: np.ascontiguousarray(inputs[own.name].transpose(own.order))
        for tensor, own in zip(rounded.inputs, model.inputs, strict=True)
    }
    (result,) = run_reference(rounded, 0, stored).outputs.values()
    (output,) = model.outputs
    restored = {output.name: result.transpose(np.argsort(output.order))}
    assert output_error(outputs, restored) < 1e-5


def test_sources_are_those_of_the_whole_weights():
    graph = graph_of("block:mobilenet_v2,h=8,cin=8")
    assert tflite_model(graph, 1, half_weights=True).sources == tflite_model(graph, 1).sources


def test_a_file_without_products_stays_as_it_is():
    graph = graph_of("act:relu,h=8,c=4")
    assert tflite_model(graph, 1, half_weights=True) == tflite_model(graph, 1)


def test_a_weight_beyond_fp16_is_refused_with_its_tensor(tmp_path):
    path = tmp_path / "model.onnx"
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="dense")]
    model = onnx_model(nodes, {"x": [2, 3]}, ["y"], {"w": np.full((3, 4), 7e4, np.float32)})
    path.write_bytes(model.SerializeToString())
    graph = build(Workload(configuration=resolve(f"file:{path}")))
    assert codes_of(tflite_model(graph, 0).data) == ["FULLY_CONNECTED"]
    with pytest.raises(UnsupportedWorkload, match="'dense/weight': a weight is too large for FP16"):
        tflite_model(graph, 0, half_weights=True)
