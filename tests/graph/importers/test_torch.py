import contextlib
import io
import json
import pickle
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest

from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.graph.importers import import_model, import_module
from opscope.graph.importers.torch_archive import clean_archive
from opscope.graph.importers.torch_json import is_arithmetic
from opscope.testing.mutations import damage

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")


class Residual(torch.nn.Module):
    """A stem with BatchNorm, a depthwise convolution with a residual, a classifier."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(8)
        self.depthwise = torch.nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.classifier = torch.nn.Linear(8, 5)
        self.dropout = torch.nn.Dropout(0.5)
        with torch.no_grad():
            self.norm.running_mean.normal_()
            self.norm.running_var.uniform_(0.5, 1.5)

    def forward(self, image):
        x = torch.nn.functional.hardswish(self.norm(self.stem(image)))
        x = x + torch.nn.functional.gelu(self.depthwise(x))
        left, right = x.chunk(2, dim=1)
        x = torch.cat((right, left), 1)
        return self.classifier(self.dropout(x.mean((2, 3))))


class Embedding(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(50, 6)

    def forward(self, ids, mask):
        return self.table(ids) * mask.unsqueeze(-1)


@pytest.fixture(scope="module")
def module():
    return Residual()


@pytest.fixture(scope="module")
def saved(module):
    """The bytes of an export file with an open batch."""
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(
        module.eval(), (torch.zeros(2, 3, 8, 8),), dynamic_shapes=({0: batch},)
    )
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def check(graph, module):
    inputs = graph.draw_inputs(0)
    session = onnxruntime.InferenceSession(graph.materialise(0).SerializeToString())
    result = session.run(None, inputs)[0]
    with torch.no_grad():
        right = module(*(torch.from_numpy(array) for array in inputs.values())).numpy()
    np.testing.assert_allclose(result, right, rtol=1e-5, atol=1e-5)
    assert np.ptp(right) > 0
    assert graph.outputs[0].shape == right.shape


def test_modules_compute_the_same_and_stay_as_they_were(module):
    module.train()
    graph = import_module(module, (torch.zeros(2, 3, 8, 8),))
    assert module.training
    assert module.dropout.training
    module.eval()
    check(graph, module)
    nodes = [n.op_type for n in onnx.ModelProto.FromString(graph.structure).graph.node]
    assert "BatchNormalization" in nodes
    assert nodes == [
        *("Conv", "BatchNormalization", "HardSwish", "Conv", "Gelu", "Add", "Slice", "Slice"),
        *("Concat", "ReduceMean", "Identity", "Gemm"),
    ]
    assert graph.parameters == sum(p.numel() for p in module.parameters()) + 2 * 8


def test_exported_programs_take_any_batch(module):
    program = torch.export.export(module.eval(), (torch.zeros(2, 3, 8, 8),))
    check(import_module(program), module)
    with pytest.raises(ConfigurationError, match="a module needs inputs to be traced with"):
        import_module(module)


def test_integers_and_masks_are_declared():
    embedding = Embedding()
    example = torch.zeros(2, 7, dtype=torch.int64), torch.ones(2, 7)
    with pytest.raises(ConfigurationError, match="input 'ids': what this int64 input carries"):
        import_module(embedding, example)
    graph = import_module(embedding, example, inputs={"ids": "0..49", "mask": "mask"})
    check(graph, embedding)


def test_a_module_that_cannot_be_exported_is_told_in_one_message():
    class Branching(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ConfigurationError, match="Branching: PyTorch cannot export it"):
        import_module(Branching(), (torch.zeros(3),))


def test_without_pytorch_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(PlatformUnavailable, match=r"pip install 'opscope\[torch\]'"):
        import_module(Embedding(), (torch.zeros(1),))


def test_export_files_compute_the_same(module, saved, tmp_path):
    path = tmp_path / "model.pt2"
    path.write_bytes(saved)
    graph = import_model(path, shapes={"image": "Nx3x8x8"}, batch=3)
    assert graph.inputs[0].shape == (3, 3, 8, 8)
    check(graph, module.eval())
    with pytest.raises(ConfigurationError, match=r"input 'image': its shape .* is dynamic"):
        import_model(path)


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def altered(saved, change, compression=zipfile.ZIP_STORED):
    """Return the archive after ``change`` has seen its files by name, without the top folder."""
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        files = {i.filename.partition("/")[2]: archive.read(i) for i in archive.infolist()}
    change(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(f"model/{name}", data)
    return buffer.getvalue()


def edit(name, change):
    """Return a change of the JSON file whose name ends in ``name``."""

    def apply(files):
        key = next(key for key in files if key.endswith(name))
        value = json.loads(files[key])
        change(value)
        files[key] = json.dumps(value).encode()

    return apply


def node_of(program, index=0):
    return program["graph_module"]["graph"]["nodes"][index]


def first_weight(config):
    return next(iter(config["config"].values()))


def call(target):
    return edit("models/model.json", lambda program: node_of(program).update(target=target))


HOSTILE = {
    "a system call": (call("torch.os.system"), "node 'conv2d': operator 'torch.os.system'"),
    "a loader": (call("torch.ops.aten.from_file.default"), "from_file.default' is unknown"),
    "an unknown operator": (call("torch.ops.mine.fancy.default"), "torch.ops.mine.fancy.default'"),
    "control flow": (call("torch.ops.higher_order.cond"), "torch.ops.higher_order.cond'"),
    "an extension": (call("#mine:op"), "operator '#mine:op' is unknown"),
    "code for a name": (
        edit("models/model.json", lambda p: node_of(p).update(name="x=exit()")),
        "graph_module.graph.nodes[0].name: its program holds what PyTorch might execute",
    ),
    "code for an argument": (
        edit(
            "models/model.json",
            lambda p: p["graph_module"]["module_call_graph"][0]["signature"].update(
                forward_arg_names=["a=print(1)"]
            ),
        ),
        "forward_arg_names[0]: its program holds what PyTorch might execute",
    ),
    "code for a size": (
        edit(
            "models/model.json",
            lambda p: p["graph_module"]["graph"]["tensor_values"]["image"]["sizes"].append(
                {"as_expr": {"expr_str": "__import__('os').getcwd()", "hint": None}}
            ),
        ),
        "is not a size",
    ),
    "a container that is imported": (
        edit(
            "models/model.json",
            lambda p: p["graph_module"]["module_call_graph"][0]["signature"].update(
                out_spec='[1, {"type": "collections.defaultdict", "context": {}, '
                '"children_spec": []}]'
            ),
        ),
        "packed in a collections.defaultdict",
    ),
    "a pickled weight": (
        edit("weights_config.json", lambda c: first_weight(c).update(use_pickle=True)),
        "weights 'stem.weight': it is pickled, and unpickling runs code",
    ),
    "a custom object": (
        edit(
            "constants_config.json",
            lambda c: c["config"].update(
                obj={"path_name": "custom_obj_0", "use_pickle": True, "tensor_meta": None}
            ),
        ),
        "constants 'obj': it is no plain tensor and would have to be unpickled",
    ),
    "a tensor beyond its bytes": (
        edit(
            "weights_config.json",
            lambda c: first_weight(c)["tensor_meta"].update(storage_offset={"as_int": 10**9}),
        ),
        "does not fit its 864 bytes",
    ),
    "a tensor of more numbers than bytes divided by four": (
        edit(
            "weights_config.json",
            lambda c: first_weight(c)["tensor_meta"].update(storage_offset={"as_int": 1}),
        ),
        "does not fit its 864 bytes",
    ),
    "a number repeated a million million times": (
        edit(
            "weights_config.json",
            lambda c: first_weight(c)["tensor_meta"].update(
                sizes=[{"as_int": 10**12}], strides=[{"as_int": 0}]
            ),
        ),
        "its weights share bytes and take 4000000",
    ),
    "a tensor of an unknown type": (
        edit("weights_config.json", lambda c: first_weight(c)["tensor_meta"].update(dtype=99)),
        "weights 'stem.weight': its shape or type cannot be read",
    ),
    "a weight without its file": (
        edit("weights_config.json", lambda c: first_weight(c).update(path_name="weight_99")),
        "weights 'stem.weight': its file is missing",
    ),
    "two programs": (
        lambda files: files.update({"models/other.json": b"{}"}),
        "it holds 2 programs instead of one",
    ),
    "no program": (
        lambda files: files.pop("models/model.json"),
        "it holds 0 programs instead of one",
    ),
    "no object": (
        lambda files: files.update({"models/model.json": b"[" * 100_000}),
        "'models/model.json' in it cannot be read",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_export_files_are_refused_before_pytorch_sees_them(
    saved, tmp_path, monkeypatch, what
):
    change, complaint = HOSTILE[what]
    path = tmp_path / "model.pt2"
    path.write_bytes(altered(saved, change))

    def load(*_):
        raise AssertionError("PyTorch was handed the file")

    monkeypatch.setattr(torch.export, "load", load)
    with pytest.raises(ConfigurationError) as caught:
        import_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)


def test_pickles_in_an_export_file_are_left_alone(module, saved, tmp_path):
    mark = tmp_path / "mark"
    trap = pickle.dumps(Trap(mark))
    buffer = io.BytesIO()
    torch.save(Trap(mark), buffer)

    def plant(files):
        files["data/sample_inputs/model.pt"] = buffer.getvalue()
        files["data/weights/model.pt"] = trap
        files["data/constants/model.pt"] = trap
        files["extra/readme"] = trap

    path = tmp_path / "model.pt2"
    path.write_bytes(altered(saved, plant))
    check(import_model(path, shapes={"image": (1, 3, 8, 8)}), module.eval())
    assert not mark.exists()


def test_archives_that_unpack_to_more_than_they_take_are_refused(saved, tmp_path):
    path = tmp_path / "model.pt2"
    path.write_bytes(altered(saved, lambda _: None, zipfile.ZIP_DEFLATED))
    with pytest.raises(ConfigurationError, match="is compressed, which PyTorch never does"):
        import_model(path)
    for data in (b"", saved[:5000], b"PK\x05\x06" + bytes(18), bytes(100)):
        path.write_bytes(data)
        with pytest.raises(ConfigurationError, match=r"cut short or damaged|instead of one|folder"):
            import_model(path)


def test_damaged_export_files_end_in_a_clean_one_or_in_words(saved):
    ends = []
    for seed in range(100):
        stream = np.random.default_rng(seed)
        try:
            ends.append(type(clean_archive(damage(saved, stream))))
        except ConfigurationError as exc:
            ends.append(str(exc))
    assert len(set(ends)) > 5
    for seed in range(100):
        stream = np.random.default_rng(seed)

        def spoil(files, stream=stream):
            files["models/model.json"] = damage(files["models/model.json"], stream)

        with contextlib.suppress(ConfigurationError):
            assert clean_archive(altered(saved, spoil))


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("Symbol('s31', positive=True, integer=True)", True),
        ("Mul(Integer(2), Symbol('s0', integer=True))", True),
        ("s0*s1 + FloorDiv(s0, 2) - 1", True),
        ("s0**s0", False),
        ("9**9**9", False),
        ("__import__('os')", False),
        ("s0.__class__", False),
        ("Symbol('s0').func", False),
        ("print(s0)", False),
        ("lambda: 0", False),
        ("[s0 for s0 in s1]", False),
        ("'s0'", False),
        ("", False),
        ("s0+" * 500 + "s0", False),
    ],
)
def test_sizes_are_arithmetic_and_nothing_else(text, harmless):
    assert is_arithmetic(text) is harmless
