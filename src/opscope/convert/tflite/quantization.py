"""INT8 forms of TFLite files: static, weights per channel, as ai-edge-quantizer makes them."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from opscope.convert.quantization import CALIBRATIONS
from opscope.convert.tflite.convert import TfliteModel
from opscope.convert.tflite.writer import SIGNATURE
from opscope.errors import UnsupportedWorkload
from opscope.graph import Graph

PACKAGE, MODULE = "ai-edge-quantizer", "ai_edge_quantizer"


def quantised(model: TfliteModel, graph: Graph, seed: int) -> TfliteModel:
    """Return a file whose weights and activations are signed integers of 8 bits.

    Args:
        model: The graph in FP32.
        graph: The graph.
        seed: Of the inputs that the ranges of activations are calibrated with.

    Raises:
        UnsupportedWorkload: If the quantiser has no form of an operator.
    """
    from ai_edge_quantizer import quantizer, recipe

    samples = [
        {
            tensor.name: np.ascontiguousarray(drawn[tensor.name].transpose(tensor.order))
            for tensor in model.inputs
        }
        for drawn in (graph.draw_inputs(seed + number) for number in range(CALIBRATIONS))
    ]
    with _silent():
        maker = quantizer.Quantizer(model.data, recipe.static_wi8_ai8())
        try:
            result = maker.quantize(maker.calibrate({SIGNATURE: samples}, num_threads=1))
        except (ValueError, NotImplementedError) as exc:
            raise UnsupportedWorkload(f"ai-edge-quantizer has no form of it: {exc}") from exc
    return replace(model, data=bytes(result.quantized_model))


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep back what the quantiser prints, and its warning that calibration takes memory."""
    silence = io.StringIO()
    with (
        contextlib.redirect_stdout(silence),
        contextlib.redirect_stderr(silence),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
