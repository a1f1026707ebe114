"""opscope: what a convolutional network's design choices really cost on a target platform."""

import os

# onnxruntime would report its use over the network, from a thread of its own, whoever calls it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
