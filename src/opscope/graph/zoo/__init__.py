"""The zoo: real networks under the names the field gives them. One file per family of networks."""

from opscope.graph.design import Design
from opscope.graph.zoo import (
    cifar,
    darts,
    densenet,
    inception,
    keyword,
    nasnet,
    resnet,
    squeezenet,
)

DESIGNS: tuple[type[Design], ...] = (
    *resnet.DESIGNS,
    *inception.DESIGNS,
    *squeezenet.DESIGNS,
    *densenet.DESIGNS,
    *cifar.DESIGNS,
    *darts.DESIGNS,
    *keyword.DESIGNS,
    *nasnet.DESIGNS,
)
