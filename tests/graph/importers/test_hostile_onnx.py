import itertools
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from opscope.errors import ConfigurationError
from opscope.graph.importers import folding, import_model
from opscope.testing.models import onnx_model

node = helper.make_node


def save(tmp_path, model):
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def refusal(tmp_path, model):
    """Return why a model is refused, without its path."""
    path = save(tmp_path, model)
    with pytest.raises(ConfigurationError) as caught:
        import_model(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_functions_that_repeat_a_large_constant_are_refused_before_they_are_put_in_place(tmp_path):
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    table = numpy_helper.from_array(np.ones(50_000, np.float32))
    body = [
        node("Constant", [], ["t"], value=table),
        node("ReduceSum", ["t"], ["s"], keepdims=0),
        node("Add", ["a", "s"], ["b"]),
    ]
    function = helper.make_function("own", "F", ["a"], ["b"], body, opset[:1])

    def chain(calls):
        names = ["x", *(f"t{i}" for i in range(calls - 1)), "y"]
        call = [node("F", [a], [b], domain="own") for a, b in itertools.pairwise(names)]
        return onnx_model(call, {"x": [1]}, ["y"], opset_imports=opset, functions=[function])

    assert import_model(save(tmp_path, chain(3))).parameters == 3 * 50_000
    assert len(chain(1000).SerializeToString()) < 300_000
    complaint = refusal(tmp_path, chain(1000))
    assert re.search(r"its functions stand for 200\d{6} bytes of nodes", complaint)


@pytest.mark.parametrize(
    ("operator", "inputs", "outputs", "attributes", "complaint"),
    [
        ("Sqrt", ["x", "x"], ["y"], {}, "it has 2 inputs instead of 1"),
        ("Clip", ["x", "", "", "x"], ["y"], {}, "it has 4 inputs instead of 1 to 3"),
        ("Concat", [], ["y"], {"axis": 0}, "it has 0 inputs instead of at least 1"),
        ("Relu", ["x"], ["y", "z"], {}, "it has 2 outputs instead of 1"),
        ("Add", ["x", ""], ["y"], {}, "its input 'B' is left out"),
        ("Concat", ["x", "x"], ["y"], {}, "its attribute 'axis' is missing"),
        ("Concat", ["x", "x"], ["y"], {"axis": "one"}, "its attribute 'axis' is of another type"),
        ("Relu", ["x"], ["y"], {"odd": 1}, "its attribute 'odd' is unknown"),
        ("Split", ["x"], ["y", "z"], {"num_outputs": 1}, "it has 2 outputs and not 1"),
        ("LayerNormalization", ["x", "x"], ["y"], {"axis": 2**31}, "its axis 2147483648"),
        ("GatherND", ["x", "k"], ["y"], {"batch_dims": -9}, "its batch_dims -9 is not one"),
        ("EyeLike", ["x"], ["y"], {}, "operator 'EyeLike' is not one of networks on images"),
    ],
)
def test_nodes_that_onnxs_inference_would_not_survive_are_refused_before_it(
    tmp_path, operator, inputs, outputs, attributes, complaint
):
    nodes = [node(operator, inputs, outputs, name="bad", **attributes)]
    weights = {"k": np.zeros((1, 2), np.int64)}
    model = onnx_model(nodes, {"x": [1, 4]}, ["y"], weights)
    assert refusal(tmp_path, model).startswith(f"node 'bad' ({operator}): {complaint}")


def test_an_attribute_given_twice_is_refused(tmp_path):
    softmax = node("Softmax", ["x"], ["y"], name="bad", axis=1)
    softmax.attribute.append(softmax.attribute[0])
    complaint = refusal(tmp_path, onnx_model([softmax], {"x": [1, 4]}, ["y"]))
    assert complaint.startswith("node 'bad' (Softmax): an attribute is given twice")


def test_arithmetic_that_outgrows_shapes_is_left_to_the_runtime(tmp_path):
    column, row = np.arange(4096).reshape(-1, 1), np.arange(4096).reshape(1, -1)
    nodes = [node("Add", ["column", "row"], [f"table{i}"]) for i in range(100)]
    nodes += [node("ReduceMax", [f"table{i}"], [f"m{i}"], keepdims=0) for i in range(100)]
    nodes += [node("Cast", ["m0"], ["f"], to=TensorProto.FLOAT), node("Mul", ["x", "f"], ["y"])]
    model = onnx_model(nodes, {"x": [1, 4]}, ["y"], {"column": column, "row": row})
    graph = import_model(save(tmp_path, model))  # computed, the tables would take 13 GB
    assert len(graph.structure) < 100_000
    assert "Add" in {n.op_type for n in onnx.ModelProto.FromString(graph.structure).graph.node}


def test_arithmetic_on_shapes_has_bounds_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(folding, "_BYTES_LIMIT", 1_000)
    nodes = [node("Range", ["zero", "many", "one"], [f"r{i}"], name=f"n{i}") for i in range(3)]
    nodes += [node("Concat", ["r0", "r1", "r2"], ["all"], axis=0)]
    nodes += [node("Gather", ["x", "all"], ["y"], axis=0)]
    weights = {"zero": np.array(0), "one": np.array(1), "many": np.array(50)}
    complaint = refusal(tmp_path, onnx_model(nodes, {"x": [50, 4]}, ["y"], weights))
    assert complaint.startswith("node 'n2' (Range): its arithmetic on shapes takes more than 1000")


@pytest.mark.parametrize(
    ("sizes", "position"),
    [
        (np.array([2.0, 2.0]), np.array(0)),
        (np.array([np.nan, 2.0]), np.array(0)),
        (np.array([2, 2]), np.array([0, 1])),
        (np.array([2, 2]), np.array(0.5)),
    ],
)
def test_splits_by_what_are_no_sizes_are_refused(tmp_path, sizes, position):
    nodes = [
        node("SplitToSequence", ["x", "sizes"], ["s"], axis=1),
        node("SequenceAt", ["s", "position"], ["y"]),
    ]
    weights = {"sizes": sizes, "position": position}
    assert "node" in refusal(tmp_path, onnx_model(nodes, {"x": [1, 4]}, ["y"], weights))
