"""Models written by hand, not by opscope: ONNX text with weights stored in the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser


@pytest.fixture(scope="session")
def onnx_model() -> Callable[..., onnx.ModelProto]:
    """Return a function from ONNX text and stored weights to a model, opset 20."""

    def model(text: str, domain: str = "", **weights: tuple[int, ...] | np.ndarray):
        other = f', "{domain}" : 1' if domain else ""
        proto = parser.parse_model(f'<ir_version: 10, opset_import: ["" : 20{other}]> {text}')
        for name, weight in weights.items():
            array = weight if isinstance(weight, np.ndarray) else np.ones(weight, np.float32)
            proto.graph.initializer.append(numpy_helper.from_array(array, name))
        return proto

    return model
