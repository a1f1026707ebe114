"""Operators: single layers of the design space (behaviour study, Table 1; not-all-ops, Fig. 1)."""

from opscope.graph.design import Design
from opscope.graph.operators import (
    activation,
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    recurrent,
)

DESIGNS: tuple[type[Design], ...] = (
    *convolution.DESIGNS,
    *linear.DESIGNS,
    *pooling.DESIGNS,
    *elementwise.DESIGNS,
    *activation.DESIGNS,
    *normalization.DESIGNS,
    *recurrent.DESIGNS,
)
