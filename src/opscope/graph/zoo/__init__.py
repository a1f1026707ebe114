"""The zoo: real networks under the names the field gives them. One file per family of networks."""

from opscope.graph.design import Design
from opscope.graph.zoo import efficientnet, mnasnet, mobilenet, proxylessnas, shufflenet

DESIGNS: tuple[type[Design], ...] = (
    *mobilenet.DESIGNS,
    *shufflenet.DESIGNS,
    *mnasnet.DESIGNS,
    *proxylessnas.DESIGNS,
    *efficientnet.DESIGNS,
)
