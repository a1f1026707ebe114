"""ExecuTorch programs of graphs, lowered to XNNPACK: exported from the graph's PyTorch module."""

from __future__ import annotations

import re
import warnings
from typing import Any

from opscope.convert.files import kept
from opscope.convert.quantization import CALIBRATIONS
from opscope.convert.quiet import quiet
from opscope.convert.torch import as_module
from opscope.core.configuration import Precision
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import Graph

_NO_KERNEL = re.compile(r"Missing out variants: \{(.*)\}")


@kept
def executorch_program(graph: Graph, seed: int, precision: Precision) -> bytes:
    """Return the graph as a program with one method ``forward``, weights drawn from ``seed``.

    What XNNPACK has kernels for is delegated to it; the rest is left to ExecuTorch's own. Inputs
    stay in the memory of whoever runs it. In INT8 activations are signed and per tensor, weights
    signed and per channel, all symmetric but for activations' zeros, as XNNPACK's quantizer has
    them; ranges are taken from the same inputs as for every other runtime.

    Raises:
        UnsupportedWorkload: If a node has no form in PyTorch, or an operator none in ExecuTorch.
        PlatformError: If the module cannot be exported or lowered.
    """
    module = as_module(graph, seed)
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _lowered(graph, module, seed, precision)
        except Exception as exc:  # exporting and lowering raise errors of many kinds
            if lacking := _NO_KERNEL.search(str(exc)):
                raise UnsupportedWorkload(f"ExecuTorch has no kernel of {lacking[1]}") from exc
            what = " ".join(str(exc).split()) or type(exc).__name__
            raise PlatformError(f"ExecuTorch does not lower the graph: {what}") from exc


def _lowered(graph: Graph, module: Any, seed: int, precision: Precision) -> bytes:
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import ExecutorchBackendConfig, to_edge_transform_and_lower
    from executorch.exir.passes import MemoryPlanningPass

    drawn = [graph.draw_inputs(seed + number) for number in range(CALIBRATIONS)]
    inputs = [tuple(map(torch.from_numpy, arrays.values())) for arrays in drawn]
    with torch.no_grad():
        if precision is Precision.INT8:
            module = _quantised(module, inputs)
        exported = torch.export.export(module, inputs[0])
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    planning = MemoryPlanningPass(alloc_graph_input=False)
    settings = ExecutorchBackendConfig(memory_planning_pass=planning)
    return bytes(lowered.to_executorch(settings).buffer)


def _quantised(module: Any, inputs: list[tuple[Any, ...]]) -> Any:
    """Return the module with quantise-dequantise pairs, which lowering folds into kernels."""
    import torch
    from executorch.backends.xnnpack.quantizer import xnnpack_quantizer as xnnpack
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantizer = xnnpack.XNNPACKQuantizer()
    quantizer.set_global(xnnpack.get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(torch.export.export(module, inputs[0]).module(), quantizer)
    for arrays in inputs:
        prepared(*arrays)
    return convert_pt2e(prepared)
