"""Copying an ONNX model's weights into a PyTorch definition; imported only where PyTorch is."""

from __future__ import annotations

import onnx
import torch
from onnx import numpy_helper
from torch import nn


def copy_weights(model: onnx.ModelProto, module: nn.Module) -> None:
    """Copy the weights of convolutions, BatchNorms and fully connected layers.

    In the order of the ONNX nodes; another number of layers or another shape is an error.
    """
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    kinds = {"Conv", "BatchNormalization", "Gemm"}
    nodes = [node for node in model.graph.node if node.op_type in kinds]
    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]
    for node, layer in zip(nodes, layers, strict=True):
        fields = ["weight", "bias"]
        if node.op_type == "BatchNormalization":
            fields += ["running_mean", "running_var"]
        fields = [field for field in fields if getattr(layer, field) is not None]
        for field, name in zip(fields, node.input[1:], strict=True):
            target = getattr(layer, field)
            assert target.shape == arrays[name].shape
            target.data.copy_(torch.from_numpy(arrays[name].copy()))
