"""The pytorch family: the framework itself, as its users run it. One file per platform."""

from __future__ import annotations

from opscope.platforms.family import Member, RuntimeFamily
from opscope.platforms.pytorch import compiled, cuda, eager

family = RuntimeFamily(
    Member(eager.PyTorchCpu, eager.RUNTIME, eager.Options),
    Member(compiled.PyTorchCompile, compiled.RUNTIME, compiled.Options),
    Member(cuda.PyTorchCuda, cuda.RUNTIME, cuda.Options),
)
