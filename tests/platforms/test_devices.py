import importlib.metadata

import pytest

from opscope.core.platform import PlatformName
from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.platforms.devices import INTEL_GPU, INTEL_NPU, NVIDIA_GPU
from opscope.platforms.onnxruntime_providers import CUDA, PROVIDERS, VITISAI
from opscope.platforms.openvino import GPU, TARGETS
from opscope.platforms.registry import list_platforms, open_platform

NVIDIA = """\
Model: \t\t NVIDIA H200
IRQ:   \t\t 42
GPU UUID: \t GPU-00000000
"""


def put(root, path, text=""):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_device_is_there_if_its_driver_s_file_is(tmp_path):
    assert INTEL_NPU.absence(tmp_path) == (
        "no Intel NPU is to be seen (there is no /dev/accel/accel*). Install Intel's NPU driver "
        "(intel-level-zero-npu); in a container, hand the NPU in (--device /dev/accel)."
    )
    put(tmp_path, "dev/accel/accel0")
    assert INTEL_NPU.absence(tmp_path) == ""
    assert NVIDIA_GPU.absence(tmp_path)


@pytest.mark.parametrize(
    ("device", "path", "text", "name"),
    [
        (NVIDIA_GPU, "proc/driver/nvidia/gpus/0000:01/information", NVIDIA, "NVIDIA H200"),
        (INTEL_GPU, "sys/class/drm/renderD128/device/uevent", "PCI_ID=8086:4680\n", "8086:4680"),
        (INTEL_GPU, "sys/class/drm/renderD128/device/uevent", "DRIVER=i915\n", ""),
    ],
)
def test_a_device_is_called_what_its_files_say(device, path, text, name, tmp_path):
    assert device.name(tmp_path) == device.kind
    put(tmp_path, path, text)
    assert device.name(tmp_path) == f"{device.kind} {name}".strip()


@pytest.fixture
def with_packages(monkeypatch):
    """Let every package be installed in a version that will do."""
    versions = {"onnxruntime-qnn": "2.7.0", "openvino": "2026.4.1"}
    monkeypatch.setattr(importlib.metadata, "version", lambda name: versions.get(name, "1.31.1"))


@pytest.mark.usefixtures("with_packages")
@pytest.mark.parametrize("runtime", [CUDA.runtime, GPU.runtime, VITISAI.runtime])
def test_a_platform_is_listed_by_its_package_and_its_device(runtime, tmp_path, monkeypatch):
    monkeypatch.setattr("opscope.platforms.devices.Device.absence", lambda _: "not here")
    assert runtime.listing().reason == "not here"
    monkeypatch.setattr("opscope.platforms.devices.Device.absence", lambda _: "")
    row = runtime.listing()
    assert row.available
    assert row.precisions == runtime.precisions


@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        ("onnxruntime-cuda", "pip install 'onnxruntime-gpu<2,>=1.31'"),
        ("onnxruntime-tensorrt", "pip install 'onnxruntime-gpu<2,>=1.31'"),
        ("onnxruntime-qnn", "pip install 'onnxruntime-qnn<3,>=2.7'"),
        ("onnxruntime-vitisai", "it comes with AMD's Ryzen AI Software"),
    ],
)
def test_a_missing_provider_s_row_says_what_brings_it(platform, reason, monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name.startswith("onnxruntime-"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    row = next(row for row in list_platforms() if row.name == platform)
    assert not row.available
    assert reason in row.reason
    with pytest.raises(PlatformUnavailable, match="is missing"):
        open_platform(platform)


def test_platforms_are_found_by_the_names_they_are_listed_under():
    assert {*PROVIDERS, *TARGETS} <= {row.name for row in list_platforms()}


def test_a_gpu_takes_no_threads():
    from opscope.platforms.openvino import family

    with pytest.raises(ConfigurationError, match="threads"):
        family.open(PlatformName.parse("openvino-gpu:threads=2"))
