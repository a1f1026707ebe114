"""Modules made of graphs against onnxruntime: every kind there is, its names and its operators."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import helper

from opscope.convert.torch import as_module, sources_of
from opscope.core.configuration import Configuration
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph.catalogue import KINDS
from opscope.platforms.reference import output_error, run_reference
from opscope.testing.graphs import graph_of
from opscope.testing.models import onnx_model, small_network
from tests.graph.blocks.test_blocks import CASES as BLOCKS
from tests.graph.operators.test_operators import CASES as OPERATORS

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
nn = torch.nn

PLAIN = [case[0] for case in OPERATORS] + [f"block:{case[0]}" for case in BLOCKS]
BACKBONES = [
    "backbone:resnet_skeleton,block=spatially_separable,input=32",
    *(
        f"backbone:{pattern},depth=10,width=32,input=16"
        for kind, pattern in KINDS
        if kind == "backbone" and pattern.endswith("_conv")
    ),
    "backbone:scaled_resnet,input=32",
]
NETWORKS = [f"zoo:{name}" for kind, name in KINDS if kind == "zoo"]
ODD = [
    "pool:max,h=9,c=3,k=3,pad=2,s=2",
    "pool:average,h=9,c=3,k=3,pad=2,s=2",
]
ROUNDING = 1e-4
"""Errors measured are 2e-5 at most, in standard deviations of an output."""


def small(text):
    """Return an image network's text, narrow and for a small input that it takes."""
    design = KINDS["zoo", text.removeprefix("zoo:")]
    smallest = getattr(design, "smallest", None)
    if not isinstance(smallest, int):
        return text  # a keyword network is small
    width = ",width=0.5" if "width" in design.__struct_fields__ else ""
    return f"{text},input={max(32, smallest)}{width}"


def error_of(graph, seed=1):
    module, inputs = as_module(graph, seed), graph.draw_inputs(seed)
    with torch.inference_mode():
        outputs = module(*map(torch.from_numpy, inputs.values()))
    expected = run_reference(graph, seed, inputs).outputs
    made = {name: out.numpy() for name, out in zip(expected, outputs, strict=True)}
    return output_error(made, expected)


@pytest.mark.parametrize("text", [*PLAIN, *ODD, *BACKBONES])
def test_a_module_computes_what_its_graph_says(text):
    assert error_of(graph_of(text, batch=2)) < ROUNDING


@pytest.mark.parametrize("text", NETWORKS)
def test_real_networks_compute_what_their_graphs_say(text):
    assert error_of(graph_of(small(text))) < ROUNDING


def test_every_kind_is_tried():
    texts = [*PLAIN, *BACKBONES, *NETWORKS]
    tried = {(c.kind, c.name) for c in map(Configuration.parse, texts)}
    assert tried == {key for key in KINDS if key[0] != "file"}


@pytest.mark.parametrize("text", [*PLAIN, "zoo:mobilenet_v3_small,input=32", "zoo:kws_crnn"])
def test_every_node_has_its_place_under_its_name(text):
    graph = graph_of(text)
    module = as_module(graph, 0)
    nodes = onnx.ModelProto.FromString(graph.structure).graph.node
    names = [name for behind in sources_of(module).values() for name in behind]
    assert sorted(set(names)) == sorted(node.name for node in nodes)
    called = {node.name for node in module.graph.nodes}
    gates = {behind[0] for behind in sources_of(module).values() if len(behind) > 1}
    assert called.issuperset({node.name for node in nodes} - gates)


def test_the_frameworks_own_modules_are_used_and_nothing_is_fused():
    module = as_module(graph_of("block:mobilenet_v3,h=8,cin=16"), 0)
    kinds = Counter(type(part).__name__ for part in module.children())
    assert kinds == {
        "Conv2d": 5,
        "BatchNorm2d": 3,
        "Hardswish": 2,
        "ReLU": 1,
        "Hardsigmoid": 1,
        "AdaptiveAvgPool2d": 1,
    }
    called = [n.target.__name__ for n in module.graph.nodes if n.op == "call_function"]
    assert called == ["mul", "add"]
    assert not any(p.requires_grad for p in module.parameters())
    assert not module.training


def test_names_of_stacks_become_names_of_modules():
    from opscope.core.configuration import Workload
    from opscope.graph import build, resolve

    workload = Workload(configuration=resolve("conv:h=9,cin=4,cout=4,k=3,act=relu"), copies=2)
    module = as_module(build(workload), 0)
    assert isinstance(module.copy1_conv0, nn.Conv2d)
    assert sources_of(module)["copy1_conv0"] == ("copy1/conv0",)


def gated(gate, *, shared=False, **attributes):
    """Return the model of x · gate(x), whose gate may be an output too."""
    nodes = [
        helper.make_node(gate, ["x"], ["g"], name="gate", **attributes),
        helper.make_node("Mul", ["x", "g"], ["y"], name="product"),
    ]
    return onnx_model(nodes, {"x": [1, 4, 3, 3]}, ["y", "g"] if shared else ["y"])


@pytest.fixture
def imported(tmp_path):
    """Return what makes the graph of a model."""

    def graph(model):
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return graph_of(f"file:{path}")

    return graph


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        (gated("Sigmoid"), ["SiLU"]),
        (gated("HardSigmoid", alpha=1 / 6, beta=0.5), ["Hardswish"]),
        (gated("HardSigmoid", alpha=0.2, beta=0.5), []),
        (gated("Sigmoid", shared=True), ["Sigmoid"]),
    ],
)
def test_a_gate_of_its_own_input_is_one_module_where_the_framework_has_it(model, kinds, imported):
    graph = imported(model)
    module = as_module(graph, 0)
    assert [type(part).__name__ for part in module.children()] == kinds
    if kinds in (["SiLU"], ["Hardswish"]):
        assert sources_of(module)["product"] == ("gate", "product")
    assert error_of(graph) < ROUNDING


def test_imported_models_are_converted_like_any_other(imported):
    assert error_of(imported(small_network())) < ROUNDING


def test_what_has_no_form_is_named(imported):
    node = helper.make_node("LpNormalization", ["x"], ["y"], name="norm")
    with pytest.raises(UnsupportedWorkload) as caught:
        as_module(imported(onnx_model([node], {"x": [2, 5]}, ["y"])), 0)
    assert str(caught.value).startswith("node norm (LpNormalization): it has no form in PyTorch")


def test_a_gemm_of_two_inputs_is_no_linear(imported):
    node = helper.make_node("Gemm", ["x", "z"], ["y"], name="product")
    with pytest.raises(UnsupportedWorkload, match=r"node product \(Gemm\)"):
        as_module(imported(onnx_model([node], {"x": [2, 5], "z": [5, 3]}, ["y"])), 0)


def test_work_that_is_lost_is_an_error():
    from opscope.convert.torch.assembly import check_work

    whole = graph_of("block:mobilenet_v2,h=8,cin=8")
    part = as_module(graph_of("conv:h=8,cin=8,cout=8,k=3"), 0)
    with pytest.raises(PlatformError, match=r"the graph has \{'Conv': 3\}, .* \{'Conv': 1\}"):
        check_work(onnx.ModelProto.FromString(whole.structure), part)


def test_weights_need_not_fit_into_one_message(monkeypatch):
    graph = graph_of("block:mobilenet_v2,h=8,cin=8")
    before = as_module(graph, 3).state_dict()
    monkeypatch.setattr("opscope.graph.graph.PROTOBUF_LIMIT_BYTES", 1_000)
    after = as_module(graph, 3).state_dict()
    assert before.keys() == after.keys()
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name])
    weights = {weight.name: weight for weight in graph.weights}
    np.testing.assert_array_equal(before["conv0.weight"], weights["conv0.weight"].draw(3))


def test_padding_that_differs_between_ends_is_put_on_before():
    module = as_module(graph_of("zoo:ds_cnn_a"), 0)
    first = next(node for node in module.graph.nodes if node.op != "placeholder")
    assert first.target is nn.functional.pad
    assert sources_of(module)[first.name] == ("conv0",)
    assert module.conv0.padding == (0, 0)
