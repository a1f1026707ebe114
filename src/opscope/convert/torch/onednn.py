"""oneDNN's own layout, forced on all that oneDNN supports, with the changes of layout between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

_AS_THEY_ARE = (
    *(nn.ReLU, nn.Sigmoid, nn.Tanh, nn.GELU, nn.Softmax, nn.Flatten),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
)
"""Modules without weights that compute on tensors in oneDNN's layout."""

_WITH_WEIGHTS = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
_ALIKE = (torch.add, torch.mul)
"""Functions that do so on tensors of one shape."""


def in_onednn_layout(module: Any) -> Any:
    """Return a module whose tensors are in oneDNN's layout wherever oneDNN computes with them.

    Weights are brought into the layout now. Nodes that oneDNN does not support take PyTorch's
    layout; the changes between are nodes of their own, ``to_mkldnn`` and ``to_dense``, that stand
    for no ONNX node. A tensor is changed once for all that take it.

    Source: the modified model of *Does Form Follow Function?*, Sec. 2.3.
    """
    graph = torch.fx.Graph()
    plain: dict[Any, Any] = {}
    packed: dict[Any, Any] = {}

    def take(known: dict[Any, Any], other: dict[Any, Any], change: str) -> Callable[[Any], Any]:
        def taken(node: Any) -> Any:
            if node not in known:
                known[node] = graph.call_method(change, (other[node],))
                known[node].meta["sources"] = ()
            return known[node]

        return taken

    dense, onednn = take(plain, packed, "to_dense"), take(packed, plain, "to_mkldnn")
    for node in module.graph.nodes:
        supported = _supported(module, node)
        made = graph.node_copy(node, onednn if supported else dense)
        (packed if supported else plain)[node] = made
    graph.lint()
    return torch.fx.GraphModule(module, graph).eval()


def _supported(module: Any, node: Any) -> bool:
    """Whether oneDNN has it; a layer's weights are then brought into its layout."""
    if node.op == "call_module":
        layer = module.get_submodule(node.target)
        if isinstance(layer, _WITH_WEIGHTS):
            _pack(layer)
            return True
        return isinstance(layer, _AS_THEY_ARE)
    if node.op != "call_function" or node.target not in _ALIKE:
        return False
    shapes = {other.meta.get("shape") for other in node.all_input_nodes}
    return len(shapes) == 1 and None not in shapes


def _pack(layer: Any) -> None:
    """Bring a layer's weights into oneDNN's layout, those of a convolution into its kernel's.

    oneDNN takes what BatchNorm multiplies with and adds in FP32 only.
    """
    tensors = [*layer.named_parameters(), *layer.named_buffers()]
    for name, tensor in [(name, t.detach()) for name, t in tensors if t.is_floating_point()]:
        packed = (tensor.float() if isinstance(layer, nn.BatchNorm2d) else tensor).to_mkldnn()
        if name == "weight" and isinstance(layer, nn.Conv2d):
            reorder = torch._C._nn.mkldnn_reorder_conv2d_weight  # noqa: SLF001 - it has no other
            packed = reorder(packed, layer.padding, layer.stride, layer.dilation, layer.groups)
        delattr(layer, name)
        layer.register_buffer(name, packed)
