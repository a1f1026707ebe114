"""The zoo: real networks under the names the field gives them. One file per family of networks."""

from opscope.graph.design import Design
from opscope.graph.zoo import (
    cifar,
    darts,
    densenet,
    efficientnet,
    inception,
    keyword,
    mnasnet,
    mobilenet,
    nasnet,
    proxylessnas,
    resnet,
    shufflenet,
    squeezenet,
)

_FAMILIES = (
    *(mobilenet, shufflenet, mnasnet, proxylessnas, efficientnet),
    *(resnet, inception, squeezenet, densenet, cifar),
    *(nasnet, darts, keyword),
)

DESIGNS: tuple[type[Design], ...] = tuple(
    design for family in _FAMILIES for design in family.DESIGNS
)
