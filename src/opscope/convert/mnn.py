"""MNN's own forms of ONNX graphs: its model, and that model in 8 bits by its quantisation tool."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np

from opscope.convert.files import kept, written
from opscope.convert.quantization import CALIBRATIONS
from opscope.convert.tools import failure, no_form, run_tool
from opscope.core.configuration import Precision
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import Graph

_REFUSED = re.compile(r"Not Support: (.*)")
_OPERATOR = re.compile(r"ONNX::(\w+)")


@kept
def mnn_model(graph: Graph, seed: int, precision: Precision) -> bytes:
    """Return the graph as an MNN model, weights drawn from ``seed``.

    In INT8 MNN's tool quantises weights and activations, both symmetric, by the values that the
    network has of a few inputs, the first of which is the one that is timed. What it has no
    integer kernel for stays as it is.

    Raises:
        UnsupportedWorkload: If MNN has no form of an operator, or none of the graph in 8 bits.
        PlatformError: If its converter fails otherwise, or cannot write.
    """
    with written(graph, seed) as source:
        model = source.with_suffix(".mnn")
        # Of the loops that it makes of GRUs otherwise, it computes other results.
        how = ("-f", "ONNX", "--bizCode", "opscope", "--useOriginRNNImpl")
        said = _run("mnnconvert", *how, "--modelFile", source, "--MNNModel", model)
        if not model.exists():
            raise _refusal(graph, said)
        if precision is Precision.INT8:
            model = _quantised(graph, seed, model)
        return model.read_bytes()


def _quantised(graph: Graph, seed: int, model: Path) -> Path:
    """Return where the model in 8 bits lies, beside ``model``."""
    quantised, settings = model.with_suffix(".int8.mnn"), model.with_suffix(".json")
    inputs = [{"name": tensor.name, "shape": tensor.shape} for tensor in graph.inputs]
    for tensor in graph.inputs:
        if "/" in tensor.name:
            what = f"MNN's quantisation reads an input from a file of its name, not {tensor.name!r}"
            raise UnsupportedWorkload(what)
    for number in range(CALIBRATIONS):
        folder = model.with_name("calibration") / str(number)
        folder.mkdir(parents=True)
        (folder / "input.json").write_text(json.dumps({"inputs": inputs}))
        for name, array in graph.draw_inputs(seed + number).items():
            np.savetxt(folder / f"{name}.txt", array.ravel(), "%.7g")
    asked = {
        "path": f"{model.with_name('calibration')}/",
        "used_sample_num": CALIBRATIONS,
        "input_type": "sequence",
        "inputs": inputs,
        "feature_quantize_method": "KL",
        "weight_quantize_method": "MAX_ABS",
        "quant_bits": 8,
    }
    settings.write_text(json.dumps(asked))
    _run("mnnquant", model, quantised, settings)
    if not quantised.exists():
        raise UnsupportedWorkload("MNN's quantisation makes no model in 8 bits of it")
    return quantised


def _run(tool: str, *arguments: str | Path) -> str:
    """Run one of MNN's tools on arguments, of which the last lies where it may write."""
    # MNN.tools would install packages by itself; the module beside it is what does the work.
    code = f"import sys, _tools; _tools.{tool}(sys.argv)"
    command = [sys.executable, "-P", "-c", code, *arguments]
    return run_tool(f"MNN's {tool}", command, Path(arguments[-1]).parent)


def _refusal(graph: Graph, said: str) -> PlatformError:
    if refused := _REFUSED.search(said):
        return no_form("MNN", graph, _OPERATOR.findall(refused[1]))
    return failure("MNN's converter", said)
