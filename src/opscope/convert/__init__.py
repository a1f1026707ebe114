"""Graph → the forms platforms take: ONNX in other precisions, TFLite, PyTorch modules."""

REVISION = 1
"""Part of what a trial is known by: raise it when a converted form changes."""
