"""ncnn on Vulkan's devices: on the software driver if there is no other."""

from contextlib import closing

import pytest

from opscope.core.configuration import Workload
from opscope.core.platform import PlatformName
from opscope.core.study import Instrumentation
from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.graph import build
from opscope.platforms import cpu, ncnn_vulkan
from opscope.platforms.ncnn_vulkan import RUNTIME, VulkanGpu, chosen, driver_version
from opscope.platforms.registry import list_platforms, open_platform
from opscope.testing.platforms import NETWORKS, PlatformConformance

LLVMPIPE = VulkanGpu(name="llvmpipe (LLVM 15.0.6, 256 bits)", software=True, driver="22.3.6")
GPU = VulkanGpu(name="NVIDIA H200", software=False, driver="570.86.15.0")
NAME = PlatformName.parse("ncnn-vulkan")


def missing():
    """Return why there is no device to try, or nothing if there is one."""
    row = next(row for row in list_platforms() if row.name == RUNTIME.platform)
    if row.reason:
        return row.reason
    try:
        open_platform(RUNTIME.platform).load()
    except PlatformUnavailable as exc:
        return str(exc)
    return ""


MISSING = missing()

needs_device = pytest.mark.skipif(bool(MISSING), reason=f"ncnn-vulkan: {MISSING}")


@needs_device
class TestNcnnVulkan(PlatformConformance):
    platform = "ncnn-vulkan"
    package = "ncnn"
    networks = NETWORKS[:1]

    def test_layers_say_what_runs_them(self):
        workload = Workload.parse("conv:h=9,cin=5,cout=7,k=3,act=relu")
        prepared = open_platform(self.platform).prepare(
            workload, seed=1, instrumentation=Instrumentation()
        )
        with closing(prepared) as deployment:
            deployment.bind(build(workload).draw_inputs(1))
            deployment.call()
            steps = deployment.executed()
            options = deployment._net.opt
            assert options.use_vulkan_compute
            assert not options.use_fp16_storage
            assert not options.use_fp16_arithmetic
        assert [(step.kind, step.sources, step.device) for step in steps] == [
            ("Convolution", ("conv0", "relu0"), "vulkan")
        ]

    def test_it_says_nothing_by_itself(self, capfd):
        ncnn_vulkan.gpus.cache_clear()
        assert ncnn_vulkan.gpus()
        assert capfd.readouterr() == ("", "")

    def test_a_device_that_is_not_there_is_told_with_those_that_are(self):
        with pytest.raises(PlatformUnavailable, match=r"no device 99.*device=N with one of: 0 \("):
            open_platform("ncnn-vulkan:device=99").load()


@pytest.fixture
def with_package(monkeypatch):
    """Let ncnn be installed, and the driver of some device."""
    monkeypatch.setattr("opscope.platforms.runtimes._installed", lambda _: "1.0.20261020")
    monkeypatch.setattr("opscope.platforms.devices.Device.absence", lambda _: "")


@pytest.mark.usefixtures("with_package")
def test_a_software_driver_is_called_software():
    info = RUNTIME.info_on(NAME, LLVMPIPE)
    model, extensions = cpu.describe()
    assert info.device == f"llvmpipe (LLVM 15.0.6, 256 bits), software on {model}"
    assert info.instruction_set == extensions
    assert info.runtime_version.endswith("with driver 22.3.6")
    assert RUNTIME.info_on(NAME, GPU).device == "NVIDIA H200"
    assert RUNTIME.info_on(NAME, GPU).fingerprint != info.fingerprint


@pytest.mark.usefixtures("with_package")
def test_the_threads_of_the_software_driver_are_those_it_is_told_to_use(monkeypatch):
    monkeypatch.setenv("LP_NUM_THREADS", "3")
    assert RUNTIME.info_on(NAME, LLVMPIPE).threads == 3
    assert RUNTIME.info_on(NAME, GPU).threads == 1
    monkeypatch.delenv("LP_NUM_THREADS")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3, 4})
    assert RUNTIME.info_on(NAME, LLVMPIPE).threads == 5


def test_it_is_listed_as_software_where_no_gpu_is_to_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(ncnn_vulkan, "ROOT", tmp_path)
    assert RUNTIME.listing().description.endswith("in software, for no GPU is to be seen")
    (tmp_path / "dev/dri").mkdir(parents=True)
    (tmp_path / "dev/dri/renderD128").touch()
    assert "software" not in RUNTIME.listing().description


def test_where_no_driver_is_installed_the_package_that_brings_one_is_named(tmp_path):
    assert "mesa-vulkan-drivers" in RUNTIME.device.absence(tmp_path)
    driver = tmp_path / "usr/share/vulkan/icd.d"
    driver.mkdir(parents=True)
    (driver / "lvp_icd.x86_64.json").touch()
    assert RUNTIME.device.absence(tmp_path) == ""


def test_devices_are_chosen_by_number():
    assert chosen((LLVMPIPE, GPU), 1) is GPU
    with pytest.raises(PlatformUnavailable) as told:
        chosen((LLVMPIPE, GPU), 2)
    assert str(told.value) == (
        "Vulkan shows no device 2. Say device=N with one of: "
        "0 (llvmpipe (LLVM 15.0.6, 256 bits), software), 1 (NVIDIA H200)."
    )
    with pytest.raises(PlatformUnavailable, match=r"shows no device\. Install"):
        chosen((), 0)
    with pytest.raises(ConfigurationError):
        ncnn_vulkan.family.open(PlatformName.parse("ncnn-vulkan:device=-1"))


@pytest.mark.parametrize(
    ("number", "vendor", "version"),
    [
        (22 << 22 | 3 << 12 | 6, 0x10005, "22.3.6"),
        (570 << 22 | 86 << 14 | 15 << 6, 0x10DE, "570.86.15.0"),
    ],
)
def test_a_drivers_version_is_unpacked_as_its_vendor_packs_it(number, vendor, version):
    assert driver_version(number, vendor) == version
