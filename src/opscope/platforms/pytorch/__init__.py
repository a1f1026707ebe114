"""The pytorch family: the framework itself, as its users run it. One file per platform."""

from __future__ import annotations

from opscope.core.platform import PlatformListing, PlatformName
from opscope.platforms.base import Platform, read_options
from opscope.platforms.pytorch import compiled, cuda, eager


class PyTorchFamily:
    """PyTorch eager and compiled, on the processor and on NVIDIA's GPUs."""

    def listings(self) -> list[PlatformListing]:
        """Return its three platforms; PyTorch is not imported."""
        return [eager.RUNTIME.listing(), compiled.listing(), cuda.RUNTIME.listing()]

    def open(self, name: PlatformName) -> Platform:
        """Return the platform with the options of ``name``."""
        if name.name == eager.RUNTIME.platform:
            return eager.PyTorchCpu(*read_options(name, eager.Options))
        if name.name == compiled.PLATFORM:
            return compiled.PyTorchCompile(*read_options(name, compiled.Options))
        return cuda.PyTorchCuda(*read_options(name, cuda.Options))


family = PyTorchFamily()
