"""What a network costs that can be counted without running it."""

from opscope.cost.counting import count, count_layers, fits
from opscope.cost.records import Cost, Layer, LiveTensor, Peak

__all__ = ["Cost", "Layer", "LiveTensor", "Peak", "count", "count_layers", "fits"]
