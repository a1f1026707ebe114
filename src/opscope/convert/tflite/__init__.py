"""Graph → TFLite: the flatbuffer written directly, images as NHWC, as converters leave it."""

from opscope.convert.tflite.convert import TfliteModel, TfliteTensor, tflite_model

__all__ = ["TfliteModel", "TfliteTensor", "tflite_model"]
