"""What is alive while a network runs, against what its nodes need (not-all-ops, Sec. 3)."""

from __future__ import annotations

import functools
import math
from collections import Counter

import msgspec
import onnx

from opscope.cost import Cost, count
from opscope.graph import Graph
from opscope.graph.network import Network
from tests.graph.zoo.networks import graph_of

IN_PLACE = {"BatchNormalization", "Relu"}


def in_place(graph: Graph) -> Graph:
    """Return the graph without BatchNorm and ReLU where each can overwrite its input.

    That is how networks are deployed, and what the paper's microcontroller library does.
    """
    model = onnx.load_from_string(graph.structure)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node]
    readers = Counter(name for node in nodes for name in node.input)
    made = {node.output[0] for node in nodes}
    stands_for: dict[str, str] = {}
    del model.graph.node[:]
    for node in nodes:
        source = node.input[0]
        if node.op_type in IN_PLACE and source in made and readers[source] == 1:
            stands_for[node.output[0]] = stands_for.get(source, source)
        else:
            renamed = [stands_for.get(name, name) for name in node.input]
            del node.input[:]
            node.input.extend(renamed)
            model.graph.node.append(node)
    return msgspec.structs.replace(graph, structure=model.SerializeToString())


@functools.cache
def cost_in_place(network: str) -> Cost:
    return count(in_place(graph_of(network)))


def own_bytes(cost: Cost) -> list[int]:
    """Return what each node reads and writes: all that a feed-forward network keeps at a time."""
    return [4 * sum(map(math.prod, (*la.inputs, *la.outputs))) for la in cost.layers]


def factor(cost: Cost, *, best: bool = False) -> float:
    """Return the peak over the most that one node reads and writes; 1 is feed-forward."""
    peak = cost.peak_activation_bytes if best else cost.peak_activation_bytes_given_order
    return peak / max(own_bytes(cost))


def waiting(cost: Cost) -> float:
    """Return what is alive over what the executing node reads and writes, all nodes together."""
    return sum(layer.live_bytes for layer in cost.layers) / sum(own_bytes(cost))


def worst(cost: Cost) -> float:
    """Return the largest ratio, at one node, of what is alive to what it reads and writes.

    Nodes that read or write less than a tenth of the largest layer say nothing about a device.
    """
    own = own_bytes(cost)
    pairs = zip(cost.layers, own, strict=True)
    return max(layer.live_bytes / size for layer, size in pairs if size > max(own) / 10)


def stack(layers: int, *, joined: bool) -> Cost:
    """Return the cost of equal convolutions, each reading the one before or all before."""
    net = Network()
    outputs = [net.input((1, 8, 16, 16))]
    for _ in range(layers):
        x = net.concat(*outputs) if joined and len(outputs) > 1 else outputs[-1]
        outputs.append(net.conv(x, 8, 3))
    return count(net.finish(outputs[-1]))
