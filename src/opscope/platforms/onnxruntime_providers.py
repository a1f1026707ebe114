"""The execution providers that platforms of onnxruntime stand for, as a table, and how one loads.

Only the CPU provider comes with the plain package. None of the others was tried on its device.
"""

from __future__ import annotations

from typing import Any

from opscope.convert.quantization import INTEGERS
from opscope.core.configuration import Precision
from opscope.core.record import Record
from opscope.errors import PlatformUnavailable
from opscope.platforms.devices import AMD_NPU, NVIDIA_GPU, QUALCOMM_NPU
from opscope.platforms.packages import broken_package, load_package
from opscope.platforms.runtimes import THREADS, CpuRuntime, DeviceRuntime, TimedRuntime

OPTIMIZATION = ("optimization", "graph optimisation: none, basic, extended or all (all)")
SPINNING = ("spinning", "whether threads wait for work spinning (yes) or asleep (no)")
_OPTIONS = (THREADS, OPTIMIZATION, SPINNING)


class Provider(Record, frozen=True, kw_only=True):
    """One platform of onnxruntime and the execution provider behind it.

    Attributes:
        name: What onnxruntime calls the provider.
        settings: Options of the provider.
        plugin: Module of a package that brings the provider as a library to register; empty where
            the provider is part of an onnxruntime built with it.
        beside: Providers for what it does not take, before the CPU's.
        memory: Where inputs and outputs are bound, so that no call copies them.
    """

    runtime: TimedRuntime
    name: str
    settings: tuple[tuple[str, str], ...] = ()
    plugin: str = ""
    beside: tuple[str, ...] = ()
    memory: str = "cpu"


CPU = Provider(
    runtime=CpuRuntime(
        platform="onnxruntime-cpu",
        family="onnxruntime",
        package="onnxruntime",
        description="onnxruntime, CPU execution provider",
        precisions=(Precision.FP32, *INTEGERS),
        tells="profiled",
        options=_OPTIONS,
    ),
    name="CPUExecutionProvider",
)
CUDA = Provider(
    runtime=DeviceRuntime(
        platform="onnxruntime-cuda",
        family="onnxruntime",
        package="onnxruntime-gpu",
        description="onnxruntime, CUDA execution provider (cuDNN)",
        precisions=(Precision.FP32,),
        tells="profiled",
        options=_OPTIONS,
        device=NVIDIA_GPU,
    ),
    name="CUDAExecutionProvider",
    settings=(("use_tf32", "0"),),  # asked-for precision must hold
    memory="cuda",
)
TENSORRT = Provider(
    runtime=DeviceRuntime(
        platform="onnxruntime-tensorrt",
        family="onnxruntime",
        package="onnxruntime-gpu",
        description="onnxruntime, TensorRT execution provider",
        precisions=(Precision.FP32,),
        tells="profiled",
        options=_OPTIONS,
        device=NVIDIA_GPU,
    ),
    name="TensorrtExecutionProvider",
    beside=("CUDAExecutionProvider",),
    memory="cuda",
)
QNN = Provider(
    runtime=DeviceRuntime(
        platform="onnxruntime-qnn",
        family="onnxruntime",
        package="onnxruntime-qnn",
        description="onnxruntime, QNN execution provider (Qualcomm Hexagon)",
        precisions=(Precision.INT8,),
        tells="profiled",
        options=_OPTIONS,
        device=QUALCOMM_NPU,
    ),
    name="QNNExecutionProvider",
    settings=(("backend_type", "htp"), ("htp_performance_mode", "burst")),
    plugin="onnxruntime_qnn",
)
VITISAI = Provider(
    runtime=DeviceRuntime(
        platform="onnxruntime-vitisai",
        family="onnxruntime",
        package="onnxruntime-vitisai",
        description="onnxruntime, Vitis AI execution provider (AMD Ryzen AI)",
        precisions=(Precision.INT8,),
        tells="profiled",
        options=_OPTIONS,
        device=AMD_NPU,
        source="AMD's Ryzen AI Software",
    ),
    name="VitisAIExecutionProvider",
)

PROVIDERS = {p.runtime.platform: p for p in (CPU, CUDA, TENSORRT, QNN, VITISAI)}


def load(provider: Provider) -> Any:
    """Return onnxruntime with the provider ready to be asked for.

    Raises:
        PlatformUnavailable: If onnxruntime, or the provider in it, is missing or broken.
    """
    package = "onnxruntime" if provider.plugin else provider.runtime.package
    names = ("InferenceSession", "OrtValue", "SessionOptions")
    ort = load_package(package, names, module="onnxruntime")
    if provider.plugin:
        _register(ort, provider)
    elif provider.name not in ort.get_available_providers():
        raise broken_package(package, f"it has no {provider.name}", module="onnxruntime")
    return ort


def session(ort: Any, provider: Provider, model: bytes | str, settings: Any) -> Any:
    """Return a session in which the provider takes what it can, and the CPU the rest.

    Raises:
        PlatformUnavailable: If the provider does not start; onnxruntime would go on without it.
    """
    options = dict(provider.settings)
    if provider.plugin:
        settings.add_provider_for_devices(_devices(ort, provider), options)
        made = ort.InferenceSession(model, settings)
    else:
        asked: dict[str, dict[str, str]] = {
            name: {} for name in (provider.name, *provider.beside, CPU.name)
        }
        asked[provider.name] = options
        made = ort.InferenceSession(model, settings, providers=list(asked.items()))
    if provider.name not in made.get_providers():
        raise PlatformUnavailable(
            f"onnxruntime does not start its {provider.name}, and would run all on the CPU",
            remedy="See that the libraries the provider needs are installed and found.",
        )
    return made


def _register(ort: Any, provider: Provider) -> None:
    """Register a plug-in's library, once in a process."""
    if _devices(ort, provider):
        return
    plugin = load_package(provider.runtime.package, ("get_library_path",), module=provider.plugin)
    try:
        ort.register_execution_provider_library(provider.name, plugin.get_library_path())
    except Exception as exc:  # onnxruntime raises types of its own that no stub declares
        raise broken_package(provider.runtime.package, str(exc), module=provider.plugin) from exc
    if not _devices(ort, provider):
        raise PlatformUnavailable(
            f"{provider.name} finds no device it can use",
            remedy="See that the device's driver is installed and suits the provider.",
        )


def _devices(ort: Any, provider: Provider) -> list[Any]:
    return [device for device in ort.get_ep_devices() if device.ep_name == provider.name]
