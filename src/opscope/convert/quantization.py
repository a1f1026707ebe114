"""INT8 forms of ONNX graphs: quantise-dequantise pairs that runtimes fold into integer kernels.

One file serves nearly every runtime that reads ONNX. Activations are unsigned and per tensor,
weights signed and per channel: with unsigned weights onnxruntime is slower and OpenVINO computes
in FP32. TensorRT takes signed numbers around zero only.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx

from opscope.convert.folding import fold_batch_norms
from opscope.core.configuration import Precision
from opscope.errors import UnsupportedWorkload
from opscope.graph import Graph

INTEGERS = (Precision.INT8, Precision.UINT8)
"""Precisions whose forms hold quantise-dequantise pairs."""

_WARNINGS, _ERRORS = 2, 3
"""Levels of onnxruntime's log; the first is its default."""

CALIBRATIONS = 4
"""Inputs that the ranges of activations are taken from; the first are those that are timed."""


_SYMMETRIC = {"ActivationSymmetric": True, "AddQDQPairToWeight": True, "QuantizeBias": False}
"""Zero stands for zero; weights and biases are kept in FP32, weights with pairs of their own."""


def quantised(
    graph: Graph, seed: int, precision: Precision, *, symmetric: bool = False
) -> onnx.ModelProto:
    """Return the graph's model, weights drawn from ``seed``, with quantise-dequantise pairs.

    BatchNorm is folded into convolutions first: it has no kernel in 8 bits, and would be computed
    in FP32 between each two of them. A model that holds such pairs already is returned as it is.

    Args:
        graph: What to quantise.
        seed: Of the weights, and of the inputs that ranges are calibrated with.
        precision: ``INT8`` has signed weights, per channel; ``UINT8`` unsigned ones, per tensor.
        symmetric: Whether activations are signed, too, and zero stands for zero.

    Raises:
        UnsupportedWorkload: If the model is too large for one message.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    if not graph.fits_one_message:
        raise UnsupportedWorkload("models above 2 GB have no form in 8 bits here")
    model = graph.materialise(seed)
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        return model
    signed = precision is Precision.INT8
    inputs = [graph.draw_inputs(seed + number) for number in range(CALIBRATIONS)]
    fold_batch_norms(model)
    with tempfile.TemporaryDirectory(prefix="opscope-quantise-") as folder, _silent():
        path = Path(folder, "quantised.onnx")
        quantize_static(
            model,
            path,
            _Calibration(inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=signed,
            activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
            weight_type=QuantType.QInt8 if signed else QuantType.QUInt8,
            # A lone pooling or shuffle is to run in 8 bits as it does between convolutions.
            extra_options={"ForceQuantizeNoInputCheck": True} | (_SYMMETRIC if symmetric else {}),
        )
        return onnx.load(path)


class _Calibration:
    """Hands out inputs one by one, as onnxruntime's calibration asks for them."""

    def __init__(self, inputs: list[dict[str, np.ndarray]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._inputs, None)

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return self._inputs


@contextmanager
def _silent() -> Iterator[None]:
    """Keep back the advice that quantisation gives, and what onnxruntime warns of meanwhile."""
    import onnxruntime as ort

    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    ort.set_default_logger_severity(_ERRORS)
    try:
        yield
    finally:
        logging.getLogger().setLevel(level)
        ort.set_default_logger_severity(_WARNINGS)
