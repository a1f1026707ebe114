"""Building blocks: the small groups of layers that networks repeat (behaviour study, Fig. 2)."""

from opscope.graph.blocks import joining, mobile, residual, shuffle
from opscope.graph.design import Design

DESIGNS: tuple[type[Design], ...] = (
    *mobile.DESIGNS,
    *shuffle.DESIGNS,
    *residual.DESIGNS,
    *joining.DESIGNS,
)
