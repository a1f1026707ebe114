"""Building blocks: the small groups of layers that networks repeat, one kind each."""

from opscope.graph.design import Design

DESIGNS: tuple[type[Design], ...] = ()
