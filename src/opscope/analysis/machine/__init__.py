"""How good a machine is for measuring: raw readings in, a diagnosis with advice out."""

from opscope.analysis.machine.diagnosis import diagnose

__all__ = ["diagnose"]
