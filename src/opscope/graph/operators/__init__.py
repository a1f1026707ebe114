"""Operators: single layers of the design space (behaviour study, Table 1)."""

from opscope.graph.design import Design
from opscope.graph.operators import convolution

DESIGNS: tuple[type[Design], ...] = convolution.DESIGNS
