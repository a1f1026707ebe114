import os

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from opscope.core.configuration import Configuration, Workload
from opscope.core.record import from_json, to_json
from opscope.errors import ConfigurationError, InputError
from opscope.graph import build, resolve
from opscope.graph.graph import PROTOBUF_LIMIT_BYTES
from opscope.graph.importers import import_model
from opscope.testing.models import onnx_model, small_network

node = helper.make_node


def save(tmp_path, model, name="model.onnx"):
    path = tmp_path / name
    path.write_bytes(model.SerializeToString())
    return path


def outputs_of(model, inputs):
    data = model if isinstance(model, bytes | str) else model.SerializeToString()
    return onnxruntime.InferenceSession(data).run(None, inputs)


def refusal(tmp_path, model, **declared):
    path = model if hasattr(model, "name") else save(tmp_path, model)
    with pytest.raises(ConfigurationError) as caught:
        import_model(path, **declared)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(f"{path}: ")


def relu_model(shape=(1, 4), **fields):
    return onnx_model([node("Relu", ["x"], ["y"], name="act")], {"x": shape}, ["y"], **fields)


def test_a_network_computes_what_its_file_does(tmp_path):
    model = small_network()
    graph = import_model(save(tmp_path, model))
    inputs = graph.draw_inputs(3)
    results = outputs_of(graph.materialise(0), inputs)
    expected = outputs_of(model, inputs)
    np.testing.assert_array_equal(results[0], expected[0])
    assert np.ptp(results[0]) > 0
    assert graph.parameters == 8 * 27 + 8 + 4 * 8 + 8 * 9 + 5 * 8 + 5
    assert [(t.name, t.shape, t.dtype) for t in graph.outputs] == [("logits", (1, 5), "float32")]


def test_structure_has_shapes_and_names_but_no_weights_nor_arithmetic_on_shapes(tmp_path):
    graph = import_model(save(tmp_path, small_network()))
    model = onnx.ModelProto.FromString(graph.structure)
    names = [n.name for n in model.graph.node]
    assert names == [
        *("stem", "norm", "relu", "depthwise", "residual", "clip", "pool", "flatten", "classifier")
    ]
    assert not [t.name for t in model.graph.initializer if t.name in {"w0", "w1", "w2", "b0"}]
    onnx.checker.check_model(model, full_check=True)
    depthwise = {a.name: helper.get_attribute_value(a) for a in model.graph.node[3].attribute}
    assert depthwise == {"group": 8, "pads": [1, 1, 1, 1]}
    inputs = 3 * 64
    assert graph.activations == inputs + 5 * 8 * 64 + 8 * 64 + 8 + 8 + 5


def test_an_open_batch_is_the_workloads(tmp_path):
    path = save(tmp_path, small_network(batch="batch"))
    graph = import_model(path, shapes={"image": "Nx3x8x8"}, batch=4)
    inputs = graph.draw_inputs(0)
    assert inputs["image"].shape == (4, 3, 8, 8)
    results = outputs_of(graph.materialise(0), inputs)
    np.testing.assert_allclose(
        results[0], outputs_of(small_network(batch="batch"), inputs)[0], rtol=1e-5, atol=1e-5
    )
    assert graph.outputs[0].shape == (4, 5)
    words = refusal(tmp_path, path)
    assert words.startswith("input 'image': its shape batchx3x8x8 is dynamic.")
    assert "shape=image:Nx3x8x8" in words
    unnamed = small_network(batch="?")
    unnamed.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "?"
    loose = save(tmp_path, unnamed, "unnamed.onnx")
    assert "as in shape=image:Nx3x224x8" in refusal(tmp_path, loose)
    assert import_model(loose, shapes={"image": (2, 3, 9, 8)}).outputs[0].shape == (2, 5)
    complaint = refusal(tmp_path, path, shapes={"image": (1, 4, 8, 8)})
    assert "contradicts the file" in complaint
    assert complaint.endswith("or export it with that axis dynamic.")
    assert "batch=4 does not reach" in refusal(
        tmp_path, path, shapes={"image": (1, 3, 8, 8)}, batch=4
    )
    assert "does not have" in refusal(tmp_path, path, shapes={"picture": (1, 3, 8, 8)})


def test_a_size_with_a_name_is_the_same_in_every_input(tmp_path):
    nodes = [node("Gather", ["table", "ids"], ["e"]), node("Mul", ["e", "mask"], ["y"])]
    model = onnx_model(
        nodes,
        {"ids": ["batch", "length"], "mask": ["batch", "length", 1]},
        ["y"],
        {"table": np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32)},
        types={"ids": TensorProto.INT64},
    )
    path = save(tmp_path, model)
    kinds = {"ids": "0..49", "mask": "mask"}
    graph = import_model(path, shapes={"ids": (2, 7)}, inputs=kinds)
    assert {t.name: t.shape for t in graph.inputs} == {"ids": (2, 7), "mask": (2, 7, 1)}
    drawn = graph.draw_inputs(0)
    assert set(np.unique(drawn["mask"])) <= {0, 1}
    assert drawn["ids"].dtype == np.int64
    assert drawn["ids"].min() >= 0
    assert drawn["ids"].max() <= 49
    np.testing.assert_array_equal(
        outputs_of(graph.materialise(0), drawn)[0], outputs_of(model, drawn)[0]
    )
    both = {"ids": (2, 7), "mask": (2, 8, 1)}
    assert "'length' is declared as 7 and as 8" in refusal(
        tmp_path, path, shapes=both, inputs=kinds
    )
    words = refusal(tmp_path, path, shapes={"ids": (2, 7)}, inputs={"mask": "mask"})
    assert words.startswith("input 'ids': what this int64 input carries is not declared.")
    assert "input=ids:KIND" in words
    words = refusal(tmp_path, path, shapes={"ids": (2, 7)}, inputs=kinds | {"ids": "normal"})
    assert words.startswith("input 'ids': a int64 input cannot carry normal")


def test_a_file_is_a_configuration_like_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path, small_network(batch="n"), "my model, v=1.onnx")
    raw = Configuration(
        kind="file", name="my model, v=1.onnx", parameters=(("shape", "image:Nx3x8x8"),)
    )
    text = "file:my%20model%2C%20v%3D1.onnx,shape=Nx3x8x8"
    configuration = resolve(raw)
    assert str(configuration) == text
    assert resolve(text) == configuration
    assert resolve(f"{text},input=normal") == configuration
    assert from_json(to_json(configuration), Configuration) == configuration
    workload = Workload.parse(f"{text}@int8,batch=2")
    assert str(workload) == f"{text}@int8,batch=2"
    assert build(workload).outputs[0].shape == (2, 5)


def test_content_and_shapes_name_a_configuration_and_not_the_path(tmp_path):
    first = save(tmp_path, small_network(batch="n"))
    moved = save(tmp_path, small_network(batch="n"), "moved.onnx")
    changed = small_network(batch="n")
    changed.graph.initializer[0].raw_data = bytes(4 * 216)
    other = save(tmp_path, changed, "other.onnx")

    def digest(path, shape="Nx3x8x8", more=""):
        return resolve(f"file:{path},shape={shape}{more}").digest

    assert digest(first) == digest(moved)
    assert len({digest(first), digest(other), digest(first, "1x3x8x8")}) == 3
    assert digest(first) != digest(first, more=",input=image")
    configuration = resolve(f"file:{first},shape=Nx3x8x8")
    first.write_bytes(other.read_bytes())
    with pytest.raises(ConfigurationError, match="no longer"):
        build(Workload(configuration=configuration))


def test_a_configuration_of_a_file_is_refused_in_words(tmp_path):
    path = save(tmp_path, small_network())
    for text, complaint in (
        ("file:", "nothing follows the colon"),
        ("file:shape=1", "the file's path is missing"),
        (f"file:{path},batch=2", "unknown parameter 'batch'"),
        (f"file:{path},shape=1x3xHx8", "'1x3xHx8' is not a shape"),
        (f"file:{path},input=noise", "'noise' is not a kind of input"),
        (f"file:{tmp_path}/none.onnx", "cannot be read: No such file"),
        (f"file:{tmp_path}", "there is no reader for a file without a suffix"),
        (f"file:{tmp_path}/model.pth", "may hold a pickle, which runs code"),
        (f"file:{tmp_path}/model.h5", "there is no reader for .h5"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            resolve(text)
        assert complaint in str(caught.value)
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "not a regular file" in refusal(tmp_path, tmp_path / "pipe.onnx")
    (tmp_path / "folder.onnx").mkdir()
    assert "not a regular file" in refusal(tmp_path, tmp_path / "folder.onnx")


def external(tmp_path, location="weights.bin", model=None):
    model = model or small_network()
    convert_model_to_external_data(model, location=location, size_threshold=0)
    path = tmp_path / "model.onnx"
    onnx.save_model(model, str(path))
    return path


def redirect(path, location):
    model = onnx.ModelProto.FromString(path.read_bytes())
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = location if entry.key == "location" else entry.value
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_beside_the_model_are_read_when_it_is_prepared(tmp_path):
    path = external(tmp_path)
    graph, inline = import_model(path), import_model(save(tmp_path, small_network(), "in.onnx"))
    inputs = graph.draw_inputs(0)
    np.testing.assert_array_equal(
        outputs_of(graph.materialise(0), inputs)[0], outputs_of(inline.materialise(0), inputs)[0]
    )
    before = resolve(f"file:{path}").content
    weights = tmp_path / "weights.bin"
    weights.write_bytes(weights.read_bytes()[::-1])
    assert resolve(f"file:{path}").content != before
    with pytest.raises(InputError, match="weights have changed since the model was read"):
        graph.materialise(0)


@pytest.mark.parametrize(
    "location",
    ["../secret.bin", "/etc/passwd", "sub/../../secret.bin", "..", ".", "", "a\\..\\b", "link.bin"],
)
def test_weights_outside_the_models_folder_are_never_opened(tmp_path, location):
    (tmp_path / "secret.bin").write_bytes(bytes(10_000))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    words = refusal(tmp_path, redirect(external(folder), location))
    assert words.startswith("weights 'w0': its weight file")
    assert "outside the model's folder" in words


def test_a_link_within_the_folder_is_followed(tmp_path):
    path = external(tmp_path)
    (tmp_path / "linked.bin").symlink_to("weights.bin")
    assert import_model(redirect(path, "linked.bin")).parameters > 0


def test_weight_files_that_are_missing_or_short_are_told(tmp_path):
    path = external(tmp_path)
    assert "'gone.bin' cannot be read" in refusal(tmp_path, redirect(path, "gone.bin"))
    path = external(tmp_path)
    with (tmp_path / "weights.bin").open("r+b") as file:
        file.truncate(100)
    assert "which has 100" in refusal(tmp_path, path)


def test_many_tensors_may_not_grow_from_the_same_bytes(tmp_path):
    (tmp_path / "small.bin").write_bytes(bytes(4096))
    nodes = [node("Add", ["x", "w0"], ["y0"])]
    nodes += [node("Add", [f"y{n - 1}", f"w{n}"], [f"y{n}"]) for n in range(1, 3)]
    for count, refused in ((2, False), (3, True)):
        model = onnx_model(nodes[:count], {"x": [1024]}, [f"y{count - 1}"])
        for number in range(count):
            tensor = model.graph.initializer.add(name=f"w{number}", data_type=1, dims=[1024])
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="small.bin")
        if refused:
            assert "take 12288 bytes from files that have 4096" in refusal(tmp_path, model)
        else:
            assert import_model(save(tmp_path, model)).parameters == 2048


def test_more_than_two_gigabytes_stay_in_files(tmp_path):
    side = 16_600
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(2 * 4 * side * side)
    weights = []
    for number in range(2):
        tensor = TensorProto(name=f"w{number}", data_type=TensorProto.FLOAT, dims=[side, side])
        entries = {"location": "large.bin", "offset": str(number * 4 * side * side)}
        entries["length"] = str(4 * side * side)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
        weights.append(tensor)
    model = onnx_model(
        [node("MatMul", ["x", "w0"], ["h"]), node("MatMul", ["h", "w1"], ["y"])],
        {"x": [1, side]},
        ["y"],
    )
    model.graph.initializer.extend(weights)
    graph = import_model(save(tmp_path, model))
    assert graph.parameters == 2 * side * side
    assert graph.size_bytes > PROTOBUF_LIMIT_BYTES
    with pytest.raises(InputError, match="2 GB"):
        graph.materialise(0)


def test_a_graph_is_saved_with_its_weights_in_or_beside_the_file(tmp_path):
    graph = build(Workload.parse("conv:h=6,cin=4,cout=8,k=3"))
    whole, parts = tmp_path / "whole.onnx", tmp_path / "parts.onnx"
    assert graph.save(whole, 5) == whole.stat().st_size
    size = graph.save(parts, 5, limit_bytes=100)
    assert size == sum(p.stat().st_size for p in tmp_path.glob("parts.*"))
    assert [p.name for p in sorted(tmp_path.iterdir())] == [
        *("parts.onnx", "parts.onnx.data", "whole.onnx")
    ]
    inputs = graph.draw_inputs(0)
    results = [outputs_of(str(path), inputs)[0] for path in (whole, parts)]
    np.testing.assert_array_equal(*results)
    assert import_model(parts).parameters == import_model(whole).parameters == graph.parameters
    assert import_model(parts).draw_inputs(0)["input"].tolist() == inputs["input"].tolist()


def test_typed_fields_hold_the_same_weights_as_raw_bytes(tmp_path):
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    for type_, dtype in ((TensorProto.FLOAT, np.float32), (TensorProto.FLOAT16, np.float16)):
        model = onnx_model(
            [node("Mul", ["x", "w"], ["y"])], {"x": [2, 4]}, ["y"], types={"x": type_, "y": type_}
        )
        model.graph.initializer.append(helper.make_tensor("w", type_, [2, 4], values.ravel()))
        assert not model.graph.initializer[0].HasField("raw_data")
        graph = import_model(save(tmp_path, model))
        inputs = graph.draw_inputs(0)
        assert inputs["x"].dtype == dtype
        result = outputs_of(graph.materialise(0), inputs)[0]
        np.testing.assert_array_equal(result, inputs["x"] * values.astype(dtype))


@pytest.mark.parametrize(("sizes", "parts"), [(np.array(3), 2), (np.array([2, 3, 1]), 3)])
def test_splits_by_way_of_a_sequence_become_plain_ones(tmp_path, sizes, parts):
    nodes = [node("SplitToSequence", ["x", "sizes"], ["parts"], name="split", axis=-1)]
    nodes += [
        node("SequenceAt", ["parts", f"p{n}"], [f"y{n}"], name=f"part{n}") for n in range(parts)
    ]
    positions = {f"p{n}": np.array(n, np.int64) for n in range(parts)}
    outputs = [f"y{n}" for n in range(parts)]
    model = onnx_model(nodes, {"x": [2, 6]}, outputs, {"sizes": sizes, **positions})
    graph = import_model(save(tmp_path, model))
    inputs = graph.draw_inputs(0)
    results = outputs_of(graph.materialise(0), inputs)
    for result, expected in zip(results, outputs_of(model, inputs), strict=True):
        np.testing.assert_array_equal(result, expected)
    assert sum(t.size for t in graph.outputs) == 12
    assert "node 'split' (SplitToSequence): tensor 'parts': it is a sequence" in refusal(
        tmp_path,
        onnx_model(
            [*nodes[:1], node("SequenceLength", ["parts"], ["y"])],
            {"x": [2, 6]},
            ["y"],
            {"sizes": sizes},
            types={"y": 7},
        ),
    )


def test_functions_of_the_models_own_are_put_in_place(tmp_path):
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    body = [node("Relu", ["a"], ["b"]), node("Neg", ["b"], ["c"])]
    function = helper.make_function("own", "Flip", ["a"], ["c"], body, opset[:1])
    nodes = [node("Flip", ["x"], ["h"], domain="own"), node("Flip", ["h"], ["y"], domain="own")]
    model = onnx_model(nodes, {"x": [2, 3]}, ["y"], opset_imports=opset, functions=[function])
    graph = import_model(save(tmp_path, model))
    structure = onnx.ModelProto.FromString(graph.structure)
    assert [n.op_type for n in structure.graph.node] == ["Relu", "Neg"] * 2
    inputs = graph.draw_inputs(0)
    np.testing.assert_array_equal(
        outputs_of(graph.materialise(0), inputs)[0], outputs_of(model, inputs)[0]
    )


def test_functions_that_stand_for_billions_of_nodes_or_themselves_are_refused(tmp_path):
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]

    def doubling(number):
        inner = f"F{number - 1}" if number else "Relu"
        domain = {"domain": "own"} if number else {}
        calls = [node(inner, ["a"], ["b"], **domain), node(inner, ["b"], ["c"], **domain)]
        return helper.make_function("own", f"F{number}", ["a"], ["c"], calls, opset)

    for functions, complaint in (
        ([doubling(n) for n in range(40)], "its functions stand for 1099511627776 nodes"),
        (
            [
                helper.make_function(
                    "own", "F39", ["a"], ["c"], [node("F39", ["a"], ["c"], domain="own")], opset
                )
            ],
            "the function 'F39' calls itself",
        ),
    ):
        call = [node("F39", ["x"], ["y"], domain="own")]
        model = onnx_model(call, {"x": [1]}, ["y"], opset_imports=opset, functions=functions)
        assert complaint in refusal(tmp_path, model)


def test_control_flow_in_a_function_is_refused_before_it_is_put_in_place(tmp_path):
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    branch = helper.make_graph([node("Relu", ["a"], ["z"])], "b", [], [])
    body = [node("If", ["c"], ["y"], name="maybe", then_branch=branch, else_branch=branch)]
    function = helper.make_function("own", "F", ["a", "c"], ["y"], body, opset[:1])
    call = [node("F", ["x", "x"], ["y"], domain="own")]
    model = onnx_model(call, {"x": [1]}, ["y"], opset_imports=opset, functions=[function])
    assert "node 'maybe' (If): control flow" in refusal(tmp_path, model)


def test_unknown_operators_are_named_with_their_node(tmp_path):
    def refused(op, **attributes):
        nodes = [node("Relu", ["x"], ["h"], name="first"), node(op, ["h"], ["y"], **attributes)]
        imports = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        model = onnx_model(nodes, {"x": [1, 4]}, ["y"], opset_imports=imports)
        return refusal(tmp_path, model)

    assert refused("Fancy", name="odd").startswith(
        "node 'odd' (Fancy): operator 'Fancy' in opset 20 is unknown."
    )
    assert refused("Fancy").startswith("node 1 (Fancy): operator")
    assert "operator 'FusedConv' of domain 'com.microsoft' is unknown" in refused(
        "FusedConv", domain="com.microsoft", name="f"
    )
    assert "operator 'Relu' of domain 'mine' is unknown" in refused("Relu", domain="mine")
    assert "operator 'Upsample' is no longer defined in opset 20" in refused("Upsample")


def test_control_flow_is_refused_by_node(tmp_path):
    branch = helper.make_graph(
        [node("Relu", ["x"], ["z"])], "b", [], [helper.make_tensor_value_info("z", 1, [1])]
    )
    model = onnx_model(
        [node("If", ["c"], ["y"], name="maybe", then_branch=branch, else_branch=branch)],
        {"x": [1], "c": []},
        ["y"],
        types={"c": TensorProto.BOOL},
    )
    assert refusal(tmp_path, model).startswith("node 'maybe' (If): control flow is not part")


def test_nested_graphs_deeper_than_any_parser_goes_are_refused(tmp_path):
    graph = helper.make_graph([node("Relu", ["x"], ["y"])], "g", [], [])
    data = graph.SerializeToString()
    for _ in range(3000):
        data = length_delimited(6, data)  # AttributeProto.g
        data = length_delimited(5, data)  # NodeProto.attribute
        data = length_delimited(1, data)  # GraphProto.node
    path = tmp_path / "deep.onnx"
    path.write_bytes(length_delimited(7, data))
    assert "not an ONNX model" in refusal(tmp_path, path)
    path.write_bytes(length_delimited(7, data + bytes(0)) + length_delimited(7, b"\x0a\x00" * 99))
    assert "not an ONNX model" in refusal(tmp_path, path)


def length_delimited(field, data):
    size, header = len(data), [field << 3 | 2]
    while size > 127:
        header.append(size & 127 | 128)
        size >>= 7
    return bytes([*header, size]) + data


def test_empty_messages_that_would_fill_the_memory_are_refused_unparsed(tmp_path):
    path = tmp_path / "bomb.onnx"
    path.write_bytes(length_delimited(7, b"\x0a\x00" * 2_000_000))
    assert "its structure would take gigabytes" in refusal(tmp_path, path)
    tensor = length_delimited(5, length_delimited(7, bytes(8 << 20)))  # int64_data of 1-byte zeros
    path.write_bytes(length_delimited(7, tensor))
    assert "its structure would take gigabytes" in refusal(tmp_path, path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_files_cut_short_are_told(tmp_path, share):
    data = small_network().SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(data[: int(share * len(data))])
    assert "not an ONNX model, or cut short or damaged" in refusal(tmp_path, path)


def test_other_bytes_are_no_model(tmp_path):
    path = tmp_path / "model.onnx"
    for data in (b"", b"PK\x03\x04" + bytes(100), os.urandom(500), b"\x80\x04cposix\nsystem\n"):
        path.write_bytes(data)
        words = refusal(tmp_path, path)
        assert "not an ONNX model" in words


def test_absurd_shapes_are_refused_by_node(tmp_path):
    big = numpy_helper.from_array(np.array([2**20, 2**20], np.int64))
    cases = [
        (relu_model([2**60]), "input 'x': its shape 1152921504606846976 takes"),
        (relu_model([1] * 9), "input 'x': its shape 1x1x1x1x1x1x1x1x1 has more than 8 axes"),
        (
            onnx_model(
                [
                    node("Constant", [], ["s"], value=big),
                    node("Expand", ["x", "s"], ["y"], name="grow"),
                ],
                {"x": [1]},
                ["y"],
            ),
            "node 'grow' (Expand): tensor 'y': its shape 1048576x1048576 takes 4398046511104 bytes",
        ),
        (
            onnx_model(
                [node("NonZero", ["x"], ["y"], name="where")], {"x": [4]}, ["y"], types={"y": 7}
            ),
            "node 'where' (NonZero): tensor 'y': its shape depends on the data",
        ),
        (
            onnx_model(
                [node("Conv", ["x", "w"], ["y"], name="c", group=2)],
                {"x": [1, 4, 8, 8]},
                ["y"],
                {"w": np.ones((4, 4, 3, 3), np.float32)},
            ),
            "node 'c' (Conv): weights of 4 channels for 4 outputs in 2 groups do not fit",
        ),
        (
            onnx_model(
                [node("Reshape", ["x", "s"], ["y"], name="r")],
                {"x": [4, 8]},
                ["y"],
                {"s": np.array([4, 9])},
            ),
            "node 'r' (Reshape): 4x8 cannot become 4x9",
        ),
        (
            onnx_model(
                [node("Conv", ["x", "w"], ["y"], name="c", strides=[0, 0])],
                {"x": [1, 4, 8, 8]},
                ["y"],
                {"w": np.ones((4, 4, 3, 3), np.float32)},
            ),
            "node 'c' (Conv): Attribute strides must only contain positive values",
        ),
    ]
    for model, complaint in cases:
        assert refusal(tmp_path, model).startswith(complaint)


def test_weights_without_their_bytes_are_refused_without_allocating(tmp_path):
    for dims, held in (([30_000, 26_000], 0), ([2**40, 2**40], 4), ([-1, 3], 12), ([2], 12)):
        model = onnx_model([node("Add", ["x", "w"], ["y"])], {"x": [1]}, ["y"])
        tensor = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=dims)
        tensor.raw_data = bytes(held)
        words = refusal(tmp_path, model)
        assert words.startswith("weights 'w': ")
        assert f"and there are {held}" in words or "is not a shape" in words
    model.graph.initializer[0].ClearField("raw_data")
    assert "has 2 values, and there are 0" in refusal(tmp_path, model)


def test_graphs_that_cannot_run_are_refused_by_node(tmp_path):
    def refused(*nodes, inputs=None, outputs=("y",), **fields):
        model = onnx_model(list(nodes), inputs or {"x": [1]}, outputs, **fields)
        return refusal(tmp_path, model)

    loop = [node("Add", ["x", "z"], ["y"], name="a"), node("Relu", ["y"], ["z"], name="b")]
    assert refused(*loop).startswith("node 'a' (Add): its input 'z' is only produced by a later")
    lost = node("Add", ["x", "q"], ["y"], name="a")
    assert "node 'a' (Add): its input 'q' is neither produced nor given" in refused(lost)
    twice = [node("Relu", ["x"], ["y"], name="a"), node("Neg", ["x"], ["y"], name="b")]
    assert "node 'b' (Neg): 'y' is produced twice" in refused(*twice)
    relu = node("Relu", ["x"], ["y"])
    assert "'z' is not produced by any node" in refused(relu, outputs=("z",))
    assert "opset 999 is not known" in refused(relu, opset_imports=[helper.make_opsetid("", 999)])
    assert "not an ONNX model, or one without a node" in refused()
    model = relu_model()
    model.graph.input.append(model.graph.input[0])
    assert "two tensors are named 'x'" in refusal(tmp_path, model)
    assert "its attribute 'odd' is unknown" in refused(node("Relu", ["x"], ["y"], odd=1))


def test_inputs_that_are_no_numbers_are_refused(tmp_path):
    text = relu_model(types={"x": TensorProto.STRING, "y": TensorProto.STRING})
    assert refusal(tmp_path, text).startswith("input 'x': tensors of type STRING are not supported")
    model = relu_model()
    model.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", 1, None))
    assert refusal(tmp_path, model).startswith("input 'x': it is no tensor")


def test_nodes_without_names_get_names_of_their_own(tmp_path):
    nodes = [node("Relu", ["x"], ["a"]), node("Relu", ["a"], ["b"], name="n")]
    nodes += [node("Relu", ["b"], ["c"], name="n"), node("Relu", ["c"], ["y"], name="relu0")]
    graph = import_model(save(tmp_path, onnx_model(nodes, {"x": [1]}, ["y"])))
    names = [n.name for n in onnx.ModelProto.FromString(graph.structure).graph.node]
    assert len(set(names)) == 4
    assert names[3] == "relu0"
