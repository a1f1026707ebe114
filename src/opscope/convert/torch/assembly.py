"""Assembly: walks an ONNX graph, node by node, and checks that no work was lost on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import onnx
from onnx import helper

from opscope.convert.torch import arithmetic, layers, rearranging, windows
from opscope.convert.torch.construction import Construction, Step
from opscope.errors import PlatformError
from opscope.graph import Graph

OPERATORS = {
    **arithmetic.OPERATORS,
    **layers.OPERATORS,
    **rearranging.OPERATORS,
    **windows.OPERATORS,
}
"""What each ONNX operator becomes."""

_GATED = {"Sigmoid": "Swish", "HardSigmoid": "HardSwish"}
"""What x times these operators of x is called."""


def assemble(graph: Graph, seed: int) -> Any:
    """Return the module of ``graph``; see `opscope.convert.torch.as_module`."""
    construction = Construction(graph, seed)
    for step in steps(construction.model):
        construction.convert(step, OPERATORS)
    module = construction.finish()
    check_work(construction.model, module)
    return module


def steps(model: onnx.ModelProto) -> Iterator[Step]:
    """Yield the nodes of a model in order, each pair that gates its own input as one."""
    nodes = model.graph.node
    names = [node.name or f"node{number}" for number, node in enumerate(nodes)]
    uses = Counter(name for node in nodes for name in node.input)
    uses.update(output.name for output in model.graph.output)
    maker = {node.output[0]: number for number, node in enumerate(nodes)}
    gates = {
        number: gate
        for number, node in enumerate(nodes)
        for tensor in node.input
        if node.op_type == "Mul"
        and uses[tensor] == 1
        and (gate := maker.get(tensor)) is not None
        and _gates_its_input(nodes[gate], node)
    }
    for number, node in enumerate(nodes):
        if number in gates:
            gate = nodes[gates[number]]
            pair = helper.make_node(_GATED[gate.op_type], gate.input, node.output)
            yield Step(pair, names[number], (names[gates[number]], names[number]))
        elif number not in gates.values():
            yield Step(node, names[number], (names[number],))


def _gates_its_input(gate: onnx.NodeProto, product: onnx.NodeProto) -> bool:
    right = gate.op_type == "Sigmoid" or (
        gate.op_type == "HardSigmoid" and arithmetic.is_usual(Step(gate, gate.name, ()))
    )
    return right and set(product.input) == {gate.input[0], gate.output[0]}


def check_work(model: onnx.ModelProto, module: Any) -> None:
    """Refuse a module that has not every operator with MACs of its graph."""
    wanted = Counter(node.op_type for node in model.graph.node if node.op_type in layers.WORKING)
    made = Counter(
        operator
        for node in module.graph.nodes
        for operator, kinds in layers.WORKING.items()
        if layers.is_one_of(module, node, kinds)
    )
    if made != wanted:
        raise PlatformError(
            f"the graph has {dict(wanted)}, its PyTorch module {dict(made)}",
            remedy="This is a fault of the conversion; please report it with the configuration.",
        )
