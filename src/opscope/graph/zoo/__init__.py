"""The zoo: real networks under the names the field gives them. One file per family of networks."""

from opscope.graph.design import Design

DESIGNS: tuple[type[Design], ...] = ()
