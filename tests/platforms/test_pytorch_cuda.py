"""PyTorch on a GPU: what holds without one, and conformance where there is one."""

from __future__ import annotations

import contextlib

import pytest

from opscope.core.platform import PlatformName
from opscope.core.readings import DeviceState
from opscope.errors import ConfigurationError, PlatformError, PlatformUnavailable
from opscope.platforms.cuda import device_state, driver, gauge, timed, unfit
from opscope.platforms.pytorch import cuda
from opscope.platforms.registry import list_platforms, open_platform
from opscope.testing.platforms import NETWORKS, PlatformConformance

MISSING = next(row.reason for row in list_platforms() if row.name == cuda.RUNTIME.platform)


needs_gpu = pytest.mark.skipif(bool(MISSING), reason=f"pytorch-cuda: {MISSING}")


@pytest.mark.gpu
@needs_gpu
class TestCuda(PlatformConformance):
    platform = "pytorch-cuda"
    package = "torch"


@pytest.mark.gpu
@needs_gpu
class TestCudaGraph(PlatformConformance):
    platform = "pytorch-cuda:graph=yes"
    package = "torch"


@pytest.mark.gpu
@needs_gpu
class TestCudaCompiled(PlatformConformance):
    platform = "pytorch-cuda:inductor=yes,graph=yes,l2=flushed"
    package = "torch"
    networks = NETWORKS[:1]


def test_the_cpu_build_is_told_with_what_mends_it():
    assert unfit("2.13.0+cu130") == unfit("2.13.0") == ""
    assert unfit("2.13.0+cpu") == (
        "This PyTorch is the CPU build 2.13.0+cpu; install one for CUDA with: "
        "pip install --force-reinstall 'torch==2.13.0'"
    )


@pytest.mark.skipif(not MISSING, reason="there is a GPU")
def test_where_there_is_no_gpu_opening_it_says_why():
    with pytest.raises(PlatformUnavailable, match=r"NVIDIA GPU|CPU build|pip install"):
        open_platform("pytorch-cuda")


def test_the_drivers_version_is_told_without_pytorch(tmp_path):
    path = tmp_path / "version"
    path.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release\n")
    assert driver(path) == "driver 570.86.15"
    assert driver(tmp_path / "nothing") == "an unknown driver"


def test_options_are_checked_without_a_gpu():
    from opscope.platforms.pytorch import family

    with pytest.raises(ConfigurationError, match="l2=cold does not fit"):
        family.open(PlatformName.parse("pytorch-cuda:l2=cold"))


class FakeCuda:
    """CUDA on a clock of its own: a launch takes 2 ms, a flush 100."""

    def __init__(self):
        self.now_ms = 0.0
        self.log = []

    def Event(self, *, enable_timing):  # noqa: N802 - CUDA's name
        assert enable_timing
        return FakeEvent(self)

    def synchronize(self):
        self.log.append("synchronize")

    def launch(self):
        self.now_ms += 2
        self.log.append("launch")

    def flush(self):
        self.now_ms += 100
        self.log.append("flush")

    def Stream(self):  # noqa: N802
        return self

    def current_stream(self):
        return self

    def wait_stream(self, stream):
        assert stream is self

    def stream(self, stream):
        return contextlib.nullcontext()

    def CUDAGraph(self):  # noqa: N802
        return "a graph"

    @contextlib.contextmanager
    def graph(self, graph):
        self.log.append("record")
        yield


class FakeEvent:
    def __init__(self, cuda):
        self.cuda = cuda

    def record(self):
        self.at_ms = self.cuda.now_ms

    def synchronize(self):
        pass

    def elapsed_time(self, end):
        return end.at_ms - self.at_ms


@pytest.mark.parametrize("flushed", [False, True])
def test_durations_are_the_gpus_and_flushing_is_not_in_them(flushed):
    fake = FakeCuda()
    samples = timed(fake, fake.launch, 3, fake.flush if flushed else None)
    assert samples.durations_s == pytest.approx((0.002,) * 3)
    assert samples.clock == "CUDA events"
    assert len(samples.preemptions) == 3
    one = ["flush", "synchronize", "launch"] if flushed else ["synchronize", "launch"]
    assert fake.log == one * 3


def test_a_graph_is_recorded_after_libraries_have_chosen_their_kernels():
    fake = FakeCuda()
    recorded, results = cuda.record(fake, lambda: fake.launch() or "results")
    assert (recorded, results) == ("a graph", "results")
    assert fake.log == ["launch"] * 3 + ["record", "launch"]


def test_what_cannot_be_recorded_is_told():
    fake = FakeCuda()

    def launch():
        if "record" in fake.log:
            raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(PlatformError, match=r"graph recorder refuses .* not permitted"):
        cuda.record(fake, launch)


class FakeNvml:
    """NVIDIA's management library for one GPU that does not tell its power."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        pass

    def nvmlDeviceGetClockInfo(self, handle, which):  # noqa: N802 - NVML's name
        assert handle == "a GPU"
        return {1: 1980, 2: 2619}[which]

    def nvmlDeviceGetTemperature(self, handle, sensor):  # noqa: N802
        return 41 + sensor

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        raise self.NVMLError("Not Supported")


def test_clocks_are_told_in_si_units_and_what_is_missing_with_its_reason():
    assert device_state(FakeNvml(), "a GPU") == DeviceState(
        clock_hz=1.98e9, memory_clock_hz=2.619e9, temperature_c=41, absent="power: Not Supported"
    )


@pytest.mark.skipif(not MISSING, reason="there is a GPU")
def test_clocks_that_nobody_tells_are_absent_with_the_reason():
    state = gauge()()
    assert state.clock_hz is None
    assert "nvidia-ml-py" in state.absent or "driver" in state.absent
