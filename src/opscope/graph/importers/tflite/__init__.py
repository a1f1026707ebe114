"""TFLite files as ONNX models: the common operators, floating-point and quantised to 8 bits."""

from opscope.graph.importers.tflite.convert import read_tflite

__all__ = ["read_tflite"]
