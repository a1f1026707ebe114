"""opscope: what a convolutional network's design choices really cost on a target platform."""

__version__ = "0.1.0"
