"""Devices beside the processor: whether one is there and which, from files; no driver is loaded."""

from __future__ import annotations

import re
from pathlib import Path

from opscope.core.record import Record

ROOT = Path("/")


class Device(Record, frozen=True, kw_only=True):
    """A kind of device, as data.

    Attributes:
        kind: What it is, for people: ``NVIDIA GPU``.
        files: Patterns of files, one of which is there if its driver is.
        facts: Patterns of text files that name it, each with the key of the line that does.
        remedy: What makes it available, as a sentence.
    """

    kind: str
    files: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    remedy: str

    def absence(self, root: Path = ROOT) -> str:
        """Return why it is not available, with the remedy; nothing if it seems to be there."""
        if any(True for pattern in self.files for _ in root.glob(pattern)):
            return ""
        files = " or ".join(f"/{pattern}" for pattern in self.files)
        return f"no {self.kind} is to be seen (there is no {files}). {self.remedy}"

    def name(self, root: Path = ROOT) -> str:
        """Return what the first such device is called, as exactly as its files say."""
        for pattern, key in self.facts:
            for path in sorted(root.glob(pattern)):
                if found := re.search(rf"(?m)^{key}\s*[:=]\s*(\S.*)$", path.read_text()):
                    return f"{self.kind} {found[1].strip()}"
        return self.kind


NVIDIA_GPU = Device(
    kind="NVIDIA GPU",
    files=("dev/nvidiactl", "dev/nvhost-gpu", "dev/dxg"),
    facts=(("proc/driver/nvidia/gpus/*/information", "Model"),),
    remedy="Install NVIDIA's driver; in a container, hand the GPU in (--gpus all).",
)
INTEL_GPU = Device(
    kind="Intel GPU",
    files=("dev/dri/renderD*", "dev/dxg"),
    facts=(("sys/class/drm/renderD*/device/uevent", "PCI_ID"),),
    remedy="Install Intel's compute runtime (the package intel-opencl-icd); in a container, hand "
    "the GPU in (--device /dev/dri).",
)
INTEL_NPU = Device(
    kind="Intel NPU",
    files=("dev/accel/accel*",),
    facts=(("sys/class/accel/accel*/device/uevent", "PCI_ID"),),
    remedy="Install Intel's NPU driver (intel-level-zero-npu); in a container, hand the NPU in "
    "(--device /dev/accel).",
)
VULKAN_DEVICE = Device(
    kind="Vulkan device",
    files=("usr/share/vulkan/icd.d/*.json", "etc/vulkan/icd.d/*.json"),
    remedy="Install the GPU's Vulkan driver; Debian's package mesa-vulkan-drivers has Intel's, "
    "AMD's, and one in software.",
)
QUALCOMM_NPU = Device(
    kind="Qualcomm NPU",
    files=("dev/fastrpc-cdsp*", "dev/adsprpc-smd"),
    remedy="It takes a Snapdragon with Qualcomm's FastRPC driver.",
)
AMD_NPU = Device(
    kind="AMD NPU",
    files=("dev/accel/accel*",),
    facts=(("sys/class/accel/accel*/device/uevent", "PCI_ID"),),
    remedy="It takes a Ryzen AI processor with AMD's driver amdxdna.",
)
