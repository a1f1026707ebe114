"""The zoo: real networks under the names the field gives them. One file per family of networks."""

from opscope.graph.design import Design
from opscope.graph.zoo import darts, keyword, nasnet

DESIGNS: tuple[type[Design], ...] = (*darts.DESIGNS, *keyword.DESIGNS, *nasnet.DESIGNS)
