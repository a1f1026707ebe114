"""Whether a parsed ONNX model is one that opscope can take, node by node, before shapes are known.

What ONNX's own checker says in its own words is left to it; here stands what it does not look at,
or says without naming node and operator.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable

import onnx
from onnx import defs

from opscope.errors import ConfigurationError
from opscope.graph.importers.signatures import check_signature

_GRAPHS = {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}
_EXPORT = "Export the model with standard ONNX operators."


def check_model(model: onnx.ModelProto) -> None:
    """Refuse what the format allows but no static network has, and opsets that are not known.

    Raises:
        ConfigurationError: Saying which part.
    """
    if not model.HasField("graph") or not model.graph.node:
        raise ConfigurationError(
            "not an ONNX model, or one without a node", remedy="Export the model again."
        )
    if model.training_info:
        raise ConfigurationError(
            "the model carries training steps", remedy="Export it for inference."
        )
    if model.graph.sparse_initializer:
        name = model.graph.sparse_initializer[0].values.name
        raise ConfigurationError(
            f"the weights {name!r} are sparse", remedy="Export them as dense tensors."
        )
    newest = defs.onnx_opset_version()
    for opset in model.opset_import:
        if domain_of(opset.domain) == "" and not 1 <= opset.version <= newest:
            raise ConfigurationError(
                f"opset {opset.version} is not known",
                remedy=f"Export the model with opset {newest} or an earlier one.",
            )


def check_nodes(graph: onnx.GraphProto, opsets: dict[str, int]) -> None:
    """Refuse nodes that use unknown operators or values, or hold graphs of their own.

    Args:
        graph: Its nodes must come in an order in which they can run.
        opsets: Version by domain, as `opsets_of` gives it.

    Raises:
        ConfigurationError: Naming the node, its operator and what is wrong.
    """
    known = _names_at_start(graph)
    produced = {name for node in graph.node for name in node.output if name}
    for index, node in enumerate(graph.node):
        where = describe(node, index)
        check_operator(node, opsets, where)
        for name in node.input:
            if name and name not in known:
                raise _unknown_input(name, where, later=name in produced)
        for name in filter(None, node.output):
            if name in known:
                raise ConfigurationError(
                    f"{name!r} is produced twice",
                    where=where,
                    remedy="Give every tensor a name of its own.",
                )
            known.add(name)
    for output in graph.output:
        if output.name not in produced:
            raise ConfigurationError(
                f"the output {output.name!r} is not produced by any node",
                remedy="Export the model again.",
            )


def check_operator(node: onnx.NodeProto, opsets: dict[str, int], where: str) -> None:
    """Refuse an operator that ONNX does not define, or defines otherwise than the node uses it.

    Raises:
        ConfigurationError: Naming the node and the operator.
    """
    refuse_control_flow(node, where)
    domain = domain_of(node.domain)
    if domain or domain not in opsets:
        place = f"of domain {domain!r}" if domain else "in a model without an opset"
        raise ConfigurationError(
            f"operator {node.op_type!r} {place} is unknown", where=where, remedy=_EXPORT
        )
    schema = _schema(node.op_type, opsets[domain])
    if schema is None:
        raise ConfigurationError(
            f"operator {node.op_type!r} in opset {opsets[domain]} is unknown",
            where=where,
            remedy=_EXPORT,
        )
    if schema.deprecated:
        raise ConfigurationError(
            f"operator {node.op_type!r} is no longer defined in opset {opsets[domain]}",
            where=where,
            remedy="Export the model again with a newer exporter.",
        )
    if misfit := check_signature(node, schema):
        raise ConfigurationError(misfit, where=where, remedy="Export the model again.")


@functools.lru_cache(maxsize=1024)
def _schema(operator: str, opset: int) -> defs.OpSchema | None:
    """Return what ONNX says of an operator, or nothing if it does not define it."""
    try:
        return defs.get_schema(operator, opset)
    except defs.SchemaError:
        return None


def refuse_control_flow(node: onnx.NodeProto, where: str) -> None:
    """Refuse a node that holds graphs of its own: If, Loop, Scan.

    Raises:
        ConfigurationError: Naming the node and the operator.
    """
    if any(a.type in _GRAPHS or a.HasField("g") or a.graphs for a in node.attribute):
        raise ConfigurationError(
            "control flow is not part of a static network",
            where=where,
            remedy="Export the branch or the unrolled loop that is to be measured.",
        )


def opsets_of(imports: Iterable[onnx.OperatorSetIdProto]) -> dict[str, int]:
    """Return the version of each domain's operators."""
    return {domain_of(opset.domain): opset.version for opset in imports}


def domain_of(domain: str) -> str:
    """Return the domain by its usual name; that of ONNX itself is empty."""
    return "" if domain == "ai.onnx" else domain


def describe(node: onnx.NodeProto, index: int) -> str:
    """Return how an error names a node: by its name, else by its place, and its operator."""
    return f"node {node.name!r} ({node.op_type})" if node.name else f"node {index} ({node.op_type})"


def _names_at_start(graph: onnx.GraphProto) -> set[str]:
    """Return inputs and weights, refusing names that are given twice."""
    weights = [tensor.name for tensor in graph.initializer]
    inputs = [value.name for value in graph.input]
    known: set[str] = set()
    for names in (weights, inputs):
        name, count = Counter(names).most_common(1)[0] if names else ("-", 1)
        if count > 1 or "" in names:
            raise ConfigurationError(
                f"two tensors are named {name!r}" if count > 1 else "a tensor has no name",
                remedy="Give every tensor a name of its own.",
            )
        known.update(names)
    return known


def _unknown_input(name: str, where: str, *, later: bool) -> ConfigurationError:
    if later:
        return ConfigurationError(
            f"its input {name!r} is only produced by a later node",
            where=where,
            remedy="The graph has a cycle, or its nodes are not in an order in which they can run.",
        )
    return ConfigurationError(
        f"its input {name!r} is neither produced nor given", where=where, remedy="Export it again."
    )
