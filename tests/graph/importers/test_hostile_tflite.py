import numpy as np
import pytest

from opscope.errors import ConfigurationError
from opscope.graph.importers import import_model
from opscope.testing.tflite import TfliteWriter


def refusal(tmp_path, data):
    """Return why a file is refused, without its path."""
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError) as caught:
        import_model(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_constants_computed_over_and_over_have_bounds(tmp_path):
    w = TfliteWriter()
    x = w.tensor((1, 4), name="x")
    values = np.zeros((1_000_000,), np.int8)
    table = w.tensor(values.shape, "int8", data=values, scale=0.1)
    for _ in range(40):
        w.operator("DEQUANTIZE", [table], [w.tensor(values.shape)], "DequantizeOptions")
    y = w.tensor((1, 4), name="y")
    w.operator("RELU", [x], [y])
    complaint = refusal(tmp_path, w.finish([x], [y]))
    assert "(DEQUANTIZE): its constants take several times the bytes of the file" in complaint


def test_half_precision_weights_that_are_turned_stay_within_the_bounds(tmp_path):
    w = TfliteWriter()
    x, y = w.tensor((1, 4096), name="x"), w.tensor((1, 4096), name="y")
    half = w.tensor((4096, 4096), "float16", data=np.zeros((4096, 4096), np.float16))
    single, turned = w.tensor((4096, 4096)), w.tensor((4096, 4096))
    w.operator("DEQUANTIZE", [half], [single], "DequantizeOptions")
    w.operator("TRANSPOSE", [single, w.constant([1, 0])], [turned], "TransposeOptions")
    w.operator("FULLY_CONNECTED", [x, turned], [y], "FullyConnectedOptions")
    path = tmp_path / "model.tflite"
    path.write_bytes(w.finish([x], [y]))
    assert import_model(path).parameters == 4096 * 4096


@pytest.mark.parametrize(("axis", "count"), [(9, 3), (-1, 3), (0, 4), (1, 3)])
def test_scales_that_fit_no_axis_are_refused_by_tensor(tmp_path, axis, count):
    w = TfliteWriter()
    x = w.tensor((1, 4), name="x")
    table = w.tensor(
        *((3, 2), "int8"),
        data=np.zeros((3, 2)),
        scale=[0.1] * count,
        axis=axis,
        name="table",
    )
    y = w.tensor((1, 4), name="y")
    w.operator("RELU", [x], [y])
    complaint = refusal(tmp_path, w.finish([x], [y, table]))
    assert complaint.startswith(f"tensor 'table': its {count} quantisation scales do not fit axis")


def test_tensors_that_share_their_scales_are_refused_before_these_are_copied(tmp_path):
    w = TfliteWriter()
    scales = [0.1] * 20_000
    w.tensor((20_000,), "int8", scale=scales, name="x")
    complaint = "scales take several times the bytes of the file"
    assert complaint not in refusal(tmp_path, shared_tensors(w, 1))
    assert complaint in refusal(tmp_path, shared_tensors(w, 200))


def shared_tensors(w, count):
    """Return a file of ``count`` tensors of which all have the bytes of the writer's first."""
    import flatbuffers

    schema, builder = w.schema, flatbuffers.Builder(1024)
    tensor = w._tensors[0].Pack(builder)
    schema.SubGraphStartTensorsVector(builder, count)
    for _ in range(count):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())
