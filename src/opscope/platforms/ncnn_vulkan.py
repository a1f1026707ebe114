"""ncnn on Vulkan's devices: the same converted graphs, computed by shaders, in FP32.

A driver may compute in software, on the processor; it is called so wherever it is named. ncnn's
Python API takes inputs from and gives outputs to the processor's memory only: copying them is in
the time of a call, and not in that of a layer, which is a difference of calls.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import replace

from opscope.convert.pnnx import NcnnModel, ncnn_model
from opscope.convert.quiet import quiet
from opscope.core.configuration import Precision
from opscope.core.platform import PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformUnavailable
from opscope.graph import Graph
from opscope.platforms import cpu, ncnn
from opscope.platforms.base import ExecutedNode
from opscope.platforms.devices import ROOT, VULKAN_DEVICE
from opscope.platforms.execution import attribute
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import DeviceRuntime

_GPUS = ("dev/dri/renderD*", "dev/nvidiactl", "dev/dxg", "dev/kgsl-3d0", "dev/mali0")
"""Files one of which is there where a GPU has a driver."""

_SOFTWARE = 3
"""ncnn's type of a device that is a processor."""

_NVIDIA = 0x10DE


class VulkanRuntime(DeviceRuntime, frozen=True, kw_only=True):
    """ncnn on Vulkan's devices, as data."""

    def listing(self) -> PlatformListing:
        """Return its row in the list of platforms; nothing is imported."""
        row = super().listing()
        if any(True for pattern in _GPUS for _ in ROOT.glob(pattern)):
            return row
        what = f"{row.description}; in software, for no GPU is to be seen"
        return replace(row, description=what)

    def info_on(self, name: PlatformName, gpu: VulkanGpu) -> PlatformInfo:
        """Return what the platform is on one device; threads of a GPU are those of the CPU."""
        model, extensions = cpu.describe()
        if gpu.software:
            told = self._info(name, f"{gpu.name}, software on {model}", extensions, _threads())
        else:
            told = self._info(name, gpu.name, (), 1)
        return replace(told, runtime_version=f"{told.runtime_version} with driver {gpu.driver}")


RUNTIME = VulkanRuntime(
    platform="ncnn-vulkan",
    family="ncnn",
    package="ncnn",
    needs=("pnnx",),
    description="ncnn, Vulkan compute shaders; calls copy inputs and outputs",
    precisions=(Precision.FP32,),
    options=(("device", "number of the Vulkan device, from 0 (0)"),),
    device=VULKAN_DEVICE,
)


class Options(Record, frozen=True, kw_only=True):
    """What ``ncnn-vulkan:…`` may say."""

    device: Annotated[int, Meta(ge=0)] = 0


class VulkanGpu(Record, frozen=True, kw_only=True):
    """A device that Vulkan shows.

    Attributes:
        software: Whether it is the processor, called a GPU by its driver.
        driver: Version of its driver.
    """

    name: str
    software: bool
    driver: str


class NcnnVulkan(RuntimePlatform[Options]):
    """ncnn on one of Vulkan's devices."""

    def info(self) -> PlatformInfo:
        """Return device, versions and precisions; ncnn is loaded to see the device.

        Raises:
            PlatformUnavailable: If there is no such device.
        """
        return RUNTIME.info_on(self.name, chosen(gpus(), self.options.device))

    def load(self) -> None:
        """Import ncnn, and see that it has the device.

        Raises:
            PlatformUnavailable: If it does not load or there is no such device.
        """
        chosen(gpus(), self.options.device)

    def deploy(
        self,
        graph: Graph,
        precision: Precision,
        seed: int,
        instrumentation: Instrumentation,  # noqa: ARG002 - it tells the same, and takes no times
    ) -> VulkanDeployment:
        """Return a net over the converted graph, its shaders compiled."""
        return VulkanDeployment(graph, ncnn_model(graph, seed, precision), self.options.device)


class VulkanDeployment(ncnn.NcnnDeployment):
    """A net on a Vulkan device; layers that have no shader run on the processor."""

    def __init__(self, graph: Graph, model: NcnnModel, device: int) -> None:
        self._device = device
        super().__init__(graph, model, 1)

    def _choose_device(self) -> None:
        self._net.opt.use_vulkan_compute = True
        self._net.set_vulkan_device(self._device)

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the layers, and whether the GPU or the processor runs each."""
        shaders = {layer.name: layer.support_vulkan for layer in self._net.layers()}
        return attribute(
            self._graph,
            [
                replace(step, device="vulkan" if shaders[step.name] else "cpu")
                for step in ncnn.seen(self._graph, self._model.layers())
            ],
        )


@functools.cache
def gpus() -> tuple[VulkanGpu, ...]:
    """Return the devices that Vulkan shows, in ncnn's order."""
    vulkan = load_package("ncnn", ("get_gpu_count", "get_gpu_info"))
    with quiet():  # it introduces each on the standard error stream
        count = vulkan.get_gpu_count()
        return tuple(_gpu(vulkan.get_gpu_info(number)) for number in range(count))


def _gpu(info: Any) -> VulkanGpu:
    return VulkanGpu(
        name=info.device_name(),
        software=info.type() == _SOFTWARE,
        driver=driver_version(info.driver_version(), info.vendor_id()),
    )


def driver_version(number: int, vendor: int) -> str:
    """Return a driver's version; NVIDIA packs four parts of it into a number, others three."""
    parts: tuple[int, ...]
    if vendor == _NVIDIA:
        parts = (number >> 22, number >> 14 & 0xFF, number >> 6 & 0xFF, number & 0x3F)
    else:
        parts = (number >> 22, number >> 12 & 0x3FF, number & 0xFFF)
    return ".".join(map(str, parts))


def chosen(found: Sequence[VulkanGpu], number: int) -> VulkanGpu:
    """Return the device with this number.

    Raises:
        PlatformUnavailable: If there is none.
    """
    if number < len(found):
        return found[number]
    if not found:
        raise PlatformUnavailable("Vulkan shows no device", remedy=VULKAN_DEVICE.remedy)
    there = ", ".join(f"{n} ({_called(gpu)})" for n, gpu in enumerate(found))
    raise PlatformUnavailable(
        f"Vulkan shows no device {number}", remedy=f"Say device=N with one of: {there}."
    )


def _called(gpu: VulkanGpu) -> str:
    return f"{gpu.name}, software" if gpu.software else gpu.name


def _threads() -> int:
    """Return how many threads Mesa's software driver computes in, unless it has fewer at most."""
    told = os.environ.get("LP_NUM_THREADS", "")
    return max(1, int(told)) if told.isdigit() else len(os.sched_getaffinity(0))


family = RuntimeFamily(Member(NcnnVulkan, RUNTIME, Options))
