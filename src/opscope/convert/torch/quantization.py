"""INT8 modules: exported, calibrated and converted by PyTorch's own recipe for x86 (PT2E)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from opscope.convert.quantization import CALIBRATIONS
from opscope.convert.torch import Sources, sources_of
from opscope.graph import Graph


def quantised_module(graph: Graph, module: Any, seed: int) -> tuple[Any, Sources]:
    """Return ``module`` with quantise-dequantise pairs, and its nodes' names with their sources.

    Activations are unsigned and per tensor, weights signed and per channel, both as the quantizer
    for inductor on x86 has them; ranges are taken from the same inputs as for every other runtime.

    Args:
        graph: The graph that ``module`` was made from.
        module: What `opscope.convert.torch.as_module` returned.
        seed: Of the inputs that ranges are calibrated with.
    """
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    drawn = [graph.draw_inputs(seed + number) for number in range(CALIBRATIONS)]
    inputs = [tuple(map(torch.from_numpy, arrays.values())) for arrays in drawn]
    with torch.no_grad(), _compiled_kept():
        exported = torch.export.export(module, inputs[0]).module()
        quantizer = x86.X86InductorQuantizer()
        quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
        prepared = prepare_pt2e(exported, quantizer)
        for arrays in inputs:
            prepared(*arrays)
        converted = convert_pt2e(prepared)
    return converted, _sources(converted, sources_of(module))


@contextmanager
def _compiled_kept() -> Iterator[None]:
    """Keep what was compiled in this process, for the deployments that it belongs to.

    Of a network whose BatchNorm cannot be folded torchao exports patterns, and each such export
    resets dynamo: everything would be compiled again in its next call.
    """
    from torch import _dynamo as dynamo

    reset = dynamo.reset
    dynamo.reset = lambda: None
    try:
        yield
    finally:
        dynamo.reset = reset


def _sources(module: Any, known: Sources) -> Sources:
    """Return what each node stands for; pairs stand for what the tensor they take stands for."""
    found: dict[str, tuple[str, ...]] = {}
    for node in module.graph.nodes:
        names = _names(node.meta.get("from_node", ()))
        behind = next((known[name] for name in names if name in known), ())
        if not behind and "quantize" in str(node.target) and node.args:
            behind = found.get(getattr(node.args[0], "name", ""), ())
        found[node.name] = behind
    return found


def _names(provenance: Any) -> list[str]:
    """Return the names of the nodes that one was made of, the oldest first."""
    names = []
    for source in provenance:
        names += [*_names(source.from_node), source.name]
    return names
