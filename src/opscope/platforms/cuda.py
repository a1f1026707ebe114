"""NVIDIA's GPUs as PyTorch's CUDA offers them: whether one can be had, its clocks, and events.

What a platform runs there is its own business; inputs, outputs, events and streams are PyTorch's.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from opscope.core.readings import DeviceState, Samples
from opscope.errors import PlatformUnavailable
from opscope.platforms.packages import missing_package
from opscope.platforms.runtimes import DeviceRuntime

CLOCK = "CUDA events"

Cache = Literal["warm", "flushed"]

GRAPH = ("graph", "whether it is replayed as one CUDA graph, without launches (no)")
L2 = ("l2", "whether its cache is warm or flushed before each call (warm)")
"""Options of every such platform, each with its meaning and default."""

_TORCH = "torch"
_DRIVER = Path("/proc/driver/nvidia/version")


class CudaRuntime(DeviceRuntime, frozen=True, kw_only=True):
    """A platform on a GPU, as data: it takes a build of PyTorch for CUDA, too."""

    def absence(self) -> str:
        """Return why it is not available, with the remedy; PyTorch is not imported."""
        reasons = [super().absence()]
        if not missing_package(_TORCH):
            reasons.append(unfit(importlib.metadata.version(_TORCH)))
        return ". ".join(reason.removesuffix(".") for reason in reasons if reason)

    def _version(self) -> str:
        return f"{super()._version()} with {driver(_DRIVER)}"


def started(torch: Any) -> None:
    """Start CUDA.

    Raises:
        PlatformUnavailable: If it does not start.
    """
    if not torch.cuda.is_available():
        raise PlatformUnavailable(
            "PyTorch finds no CUDA device",
            remedy="See that nvidia-smi lists one, and that its driver suits this PyTorch.",
        )


def timed(
    cuda: Any, run: Callable[[], Any], count: int, flush: Callable[[], None] | None = None
) -> Samples:
    """Return ``count`` calls of ``run``, each between two events; the GPU idles before each.

    Args:
        cuda: What `torch.cuda` offers.
        run: Launches one call.
        count: How many.
        flush: Launches what empties caches before a call, outside its events.
    """
    durations, preemptions = [], []
    usage, thread = resource.getrusage, resource.RUSAGE_THREAD
    for _ in range(count):
        start, end = (cuda.Event(enable_timing=True) for _ in range(2))
        if flush:
            flush()
        cuda.synchronize()
        before = usage(thread).ru_nivcsw
        start.record()
        run()
        end.record()
        end.synchronize()
        preemptions.append(usage(thread).ru_nivcsw - before)
        durations.append(start.elapsed_time(end) / 1e3)
    return Samples(durations_s=tuple(durations), preemptions=tuple(preemptions), clock=CLOCK)


class Evictor:
    """Fills the L2 cache with other data; its memory is twice as large."""

    def __init__(self, torch: Any) -> None:
        size = 2 * torch.cuda.get_device_properties(0).L2_cache_size
        self._memory = torch.empty(size, dtype=torch.uint8, device="cuda")

    def __call__(self) -> None:
        """Launch it."""
        self._memory.zero_()


@functools.cache
def gauge() -> Callable[[], DeviceState]:
    """Return what reads the clocks, temperature and power of the first GPU, or says why not."""
    try:
        import pynvml
    except ImportError:
        absent = "nvidia-ml-py is not installed, which asks the driver: pip install nvidia-ml-py"
        return lambda: DeviceState(absent=absent)
    try:
        pynvml.nvmlInit()
        import torch

        number = torch.cuda.get_device_properties(0).uuid
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{number}")
    except pynvml.NVMLError as exc:
        absent = f"the driver does not tell: {exc}"
        return lambda: DeviceState(absent=absent)
    return functools.partial(device_state, pynvml, handle)


def device_state(nvml: Any, handle: Any) -> DeviceState:
    """Return what NVIDIA's management library says of a GPU.

    Args:
        nvml: What `pynvml` offers.
        handle: The GPU, as it calls it.
    """
    absent: list[str] = []

    def read(what: str, call: Callable[..., int], *asked: int, unit: float) -> float | None:
        try:
            return call(handle, *asked) * unit
        except nvml.NVMLError as exc:
            absent.append(f"{what}: {exc}")
            return None

    clock = nvml.nvmlDeviceGetClockInfo
    return DeviceState(
        clock_hz=read("clock", clock, nvml.NVML_CLOCK_SM, unit=1e6),
        memory_clock_hz=read("memory clock", clock, nvml.NVML_CLOCK_MEM, unit=1e6),
        temperature_c=read(
            "temperature", nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU, unit=1
        ),
        power_w=read("power", nvml.nvmlDeviceGetPowerUsage, unit=1e-3),
        absent="; ".join(absent),
    )


def unfit(version: str) -> str:
    """Return why a build of PyTorch cannot use a GPU, with what mends it, or nothing if it can."""
    if not version.endswith("+cpu"):
        return ""
    wanted = version.removesuffix("+cpu")
    return (
        f"This PyTorch is the CPU build {version}; install one for CUDA with: "
        f"pip install --force-reinstall 'torch=={wanted}'"
    )


def driver(path: Path) -> str:
    """Return the version of NVIDIA's driver, as the driver tells it."""
    try:
        told = path.read_text(encoding="utf-8")
    except OSError:
        return "an unknown driver"
    found = re.search(r"\b\d+\.\d+(?:\.\d+)?\b", told)
    return f"driver {found[0]}" if found else "an unknown driver"
