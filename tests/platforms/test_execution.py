"""What was executed, in the graph's names: by hand, and on both runtimes; copies that are gone."""

from __future__ import annotations

from contextlib import closing

import pytest

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.graph import build, resolve
from opscope.graph.network import Network
from opscope.platforms.base import ExecutedNode
from opscope.platforms.execution import (
    Seen,
    attribute,
    missing_copies,
    undisturbed,
    usual_steps,
)
from opscope.platforms.onnxruntime import OnnxRuntimeDeployment
from opscope.platforms.onnxruntime import Options as OnnxRuntimeOptions
from opscope.platforms.openvino import OpenVinoDeployment
from opscope.platforms.operator_times import operator_times, total_s
from opscope.platforms.registry import open_platform
from opscope.testing.graphs import graph_of

PROFILED = Instrumentation(profile=True)

STACKS = [
    "conv:h=9,cin=16,cout=16,k=3,act=relu",
    "conv:h=9,cin=16,cout=24,k=3,s=2",
    "conv:h=9,cin=3,cout=5,k=3,act=swish",
    "dwconv:h=9,c=16,k=3",
    "pool:max,h=9,c=16,k=2,s=2",
    "pool:average,h=9,c=16,k=3,pad=1",
    "pool:global,h=9,c=16",
    "fc:cin=16,cout=16,act=relu",
    "fc:cin=16,cout=10",
    "add:h=9,c=16",
    "multiply:h=9,c=16,vector=1",
    "concat:h=9,c=16",
    "shuffle:h=9,c=16",
    "act:relu,h=9,c=16",
    "act:hard_swish,h=9,c=3",
    "act:softmax,c=16",
    "batch_norm:h=9,c=16",
    "gru:t=5,cin=8,hidden=8,bidirectional=1",
    "block:mobilenet_v3,h=9,cin=16",
    "block:resnet_basic,h=9,cin=16",
    "block:dense,h=9,cin=16",
]


def sequence(*names):
    """Return the graph of such nodes one after the other, and its nodes' names."""
    net = Network()
    x = net.input((1, 4, 6, 6))
    for name in names:
        match name:
            case "conv":
                x = net.conv(x, 4, 3)
            case "norm":
                x = net.batch_norm(x)
            case other:
                x = net.activate(x, other)
    return net.finish(x)


def sources(graph, *steps):
    return [node.sources for node in attribute(graph, steps)]


def test_a_folded_norm_belongs_to_the_convolution_whatever_it_is_named_after():
    graph = sequence("conv", "norm", "relu", "conv")
    fused = ("conv0", "batchnormalization0", "relu0")
    for name in fused:
        steps = (
            Seen(name="a", kind="Conv", names=(name,)),
            Seen(name="b", kind="C", names=("conv1",)),
        )
        assert sources(graph, *steps) == [fused, ("conv1",)]


def test_a_node_taken_apart_is_found_between_its_neighbours():
    graph = sequence("conv", "hard_swish", "conv")
    steps = (
        Seen(name="a", kind="Conv", names=("conv0",), takes=("in",), yields=("1",)),
        Seen(name="b", kind="HardSigmoid", takes=("1",), yields=("2",)),
        Seen(name="c", kind="Mul", takes=("1", "2"), yields=("3",)),
        Seen(name="d", kind="Reorder", takes=("3",), yields=("4",), added=True),
        Seen(name="e", kind="Conv", names=("conv1",), takes=("4",), yields=("5",)),
    )
    inner = ("hardswish0",)
    assert sources(graph, *steps) == [("conv0",), inner, inner, (), ("conv1",)]


def test_a_layout_change_does_no_node_s_work_whatever_it_mentions():
    graph = sequence("conv", "relu")
    steps = (
        Seen(name="a", kind="Conv", names=("conv0",)),
        Seen(name="b", kind="Reorder", names=("relu0",), added=True),
    )
    assert sources(graph, *steps) == [("conv0", "relu0"), ()]


def executed(*sources, time_s=None):
    return [
        ExecutedNode(name=f"n{number}", kind="Conv", sources=names, time_s=time_s)
        for number, names in enumerate(sources)
    ]


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        ([("copy0/a", "copy0/b"), ("copy1/a", "copy1/b"), ("copy2/a", "copy2/b")], ()),
        ([("stem/a",), ("copy0/a",), ("copy1/a",), ("copy2/a",), ("end2/a",)], ()),
        ([("copy0/a",), ("copy2/a",)], (1,)),
        ([("copy0/a", "copy1/a", "copy2/a")], (1, 2)),
        ([("stem/a", "copy0/a"), ("copy1/a",), ("copy2/a",)], (0,)),
        ([("copy0/a",), ("copy0/b",), ("copy1/a",), ("copy1/b",), ("copy2/a",)], (2,)),
        ([], (0, 1, 2)),
    ],
)
def test_a_copy_is_missing_if_its_work_is_not_done_for_it_alone(found, missing):
    assert missing_copies(3, executed(*found)) == missing


def test_of_two_copies_a_deeper_stack_tells_what_each_needs():
    seam = [("copy0/a",), ("copy0/b", "copy1/c"), ("copy1/a",), ("copy1/b",)]
    edge = [("copy0/a",), ("copy0/c",), ("copy0/b", "copy1/c"), ("copy1/a",), ("copy1/b",)]
    assert usual_steps(2, executed(*seam)) == {"a", "b"}
    assert missing_copies(2, executed(*edge)) == (1,), "for want of what only the first has"
    assert missing_copies(2, executed(*edge), {"a", "b"}) == ()
    assert missing_copies(2, executed(*edge[:-1]), {"a", "b"}) == (1,)


def test_an_undisturbed_time_is_the_mean_of_the_faster_half():
    assert undisturbed([9.0, 1.0, 2.0, 3.0, 99.0]) == pytest.approx(2.0)
    assert undisturbed([]) is None


def run(deployment, graph):
    with closing(deployment):
        deployment.bind(graph.draw_inputs(1))
        for _ in range(4):
            deployment.call()
        return deployment.executed()


@pytest.mark.parametrize("platform", ["onnxruntime-cpu", "openvino-cpu"])
@pytest.mark.parametrize("text", STACKS)
def test_the_executed_graph_holds_every_copy(platform, text):
    workload = Workload(configuration=resolve(text), copies=8)
    deployment = open_platform(platform).prepare(workload, seed=0, instrumentation=PROFILED)
    nodes = run(deployment, build(workload))
    assert missing_copies(8, nodes) == ()
    assert total_s(operator_times(8, [nodes])) >= 0


class _Merged(Network):
    """Names like a stack's."""

    def name(self, operator):
        self._counts[operator] += 1
        return f"copy{self._counts[operator] - 1}/{operator.lower()}0"


def equal_nodes_on_one_tensor():
    """Return three poolings that are one and the same, joined."""
    net = _Merged()
    x = net.input((1, 16, 8, 8))
    pooled = [net.max_pool(x, 2, s=2) for _ in range(3)]
    shape = (3, *pooled[0].shape[1:])
    return net.finish(net.node("Concat", [p.name for p in pooled], shape, name="join", axis=0))


def affine_after_affine():
    """Return three norms in a row, which are one affine function."""
    net = _Merged()
    x = net.input((1, 16, 8, 8))
    for _ in range(3):
        x = net.batch_norm(x)
    return net.finish(x)


def test_onnxruntime_is_caught_merging_copies():
    graph = equal_nodes_on_one_tensor()
    model = graph.materialise(0).SerializeToString()
    deployment = OnnxRuntimeDeployment(graph, model, OnnxRuntimeOptions(), PROFILED)
    assert len(missing_copies(3, run(deployment, graph))) == 2


@pytest.mark.parametrize("degenerate", [equal_nodes_on_one_tensor, affine_after_affine])
def test_openvino_is_caught_merging_copies(degenerate):
    graph = degenerate()
    model = graph.materialise(0).SerializeToString()
    hints = {"PERF_COUNT": True, "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    deployment = OpenVinoDeployment(graph, model, hints)
    assert len(missing_copies(3, run(deployment, graph))) == 2


def test_a_node_that_several_steps_mention_is_in_all_of_them():
    graph = graph_of("conv:h=8,cin=4,cout=4,k=3,groups=2,act=relu")
    steps = (
        Seen(name="a", kind="Conv", names=("conv0",)),
        Seen(name="b", kind="Conv", names=("conv0",)),
    )
    assert sources(graph, *steps) == [("conv0", "relu0"), ("conv0",)]
