"""How execution providers load: with the plain package, and with a fake onnxruntime's devices."""

import sys
import types

import onnxruntime
import pytest

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformUnavailable
from opscope.graph import build
from opscope.platforms import onnxruntime_providers as providers
from opscope.platforms.onnxruntime_providers import CPU, CUDA, QNN, TENSORRT
from opscope.platforms.registry import open_platform


class Session:
    """What starts, and what it was asked for."""

    def __init__(self, model, settings, *, providers=None):
        self.asked = providers or settings.asked

    def get_providers(self):
        return [name for name, _ in self.asked if name in self.starts]


class Runtime(types.SimpleNamespace):
    """An onnxruntime that has some providers, and devices once a library is registered."""

    def __init__(self, *starts):
        super().__init__(library="", OrtValue=None, SessionOptions=Settings)
        self.InferenceSession = type("S", (Session,), {"starts": starts})

    def get_available_providers(self):
        return [CUDA.name, TENSORRT.name, CPU.name]

    def register_execution_provider_library(self, name, path):
        if path != "lib.so":
            raise RuntimeError("no such file")
        self.library = name

    def get_ep_devices(self):
        names = [CPU.name, self.library]
        return [types.SimpleNamespace(ep_name=name) for name in names if name]


class Settings:
    def add_provider_for_devices(self, devices, options):
        self.asked = [(device.ep_name, options) for device in devices] + [(CPU.name, {})]


@pytest.fixture
def plugged(monkeypatch):
    """Return a function that installs a fake onnxruntime and a plug-in of QNN."""

    def plug(runtime, path="lib.so"):
        plugin = types.ModuleType("onnxruntime_qnn")
        plugin.get_library_path = lambda: path
        monkeypatch.setitem(sys.modules, "onnxruntime_qnn", plugin)
        monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
        return runtime

    return plug


@pytest.mark.skipif(
    CUDA.name in onnxruntime.get_available_providers(), reason="this onnxruntime has CUDA"
)
def test_the_plain_package_has_no_cuda():
    with pytest.raises(PlatformUnavailable, match="it has no CUDAExecutionProvider") as caught:
        providers.load(CUDA)
    assert "--force-reinstall 'onnxruntime-gpu" in caught.value.remedy


def test_a_provider_is_asked_for_with_its_settings_and_the_cpu_last(plugged):
    ort = plugged(Runtime(CUDA.name, TENSORRT.name, CPU.name))
    assert providers.load(CUDA) is ort
    made = providers.session(ort, CUDA, b"", Settings())
    assert made.asked == [(CUDA.name, {"use_tf32": "0"}), (CPU.name, {})]
    made = providers.session(ort, TENSORRT, b"", Settings())
    assert [name for name, _ in made.asked] == [TENSORRT.name, CUDA.name, CPU.name]
    made = providers.session(ort, CPU, b"", Settings())
    assert made.asked == [(CPU.name, {})]


def test_a_provider_that_does_not_start_is_not_replaced_by_the_cpu(plugged):
    ort = plugged(Runtime(CPU.name))
    with pytest.raises(PlatformUnavailable, match="does not start its CUDAExecutionProvider"):
        providers.session(ort, CUDA, b"", Settings())


def test_a_plug_in_is_registered_once_and_asked_for_by_its_devices(plugged):
    ort = plugged(Runtime(QNN.name, CPU.name))
    assert providers.load(QNN) is ort
    ort.register_execution_provider_library = None
    assert providers.load(QNN) is ort
    made = providers.session(ort, QNN, b"", Settings())
    assert made.asked == [(QNN.name, dict(QNN.settings)), (CPU.name, {})]


def test_a_plug_in_whose_library_does_not_load_is_told_with_what_mends_it(plugged):
    plugged(Runtime(), path="gone.so")
    with pytest.raises(PlatformUnavailable, match="no such file") as caught:
        providers.load(QNN)
    assert "--force-reinstall 'onnxruntime-qnn" in caught.value.remedy


def test_a_plug_in_without_a_device_is_unavailable(plugged):
    ort = plugged(Runtime())
    ort.register_execution_provider_library = lambda *_: None
    with pytest.raises(PlatformUnavailable, match="finds no device"):
        providers.load(QNN)


def test_the_device_that_ran_each_node_is_told():
    workload = Workload.parse("block:resnet_basic,h=8,cin=16")
    platform = open_platform("onnxruntime-cpu")
    deployment = platform.prepare(workload, seed=0, instrumentation=Instrumentation(profile=True))
    deployment.bind(build(workload).draw_inputs(0))
    deployment.call()
    assert {node.device for node in deployment.executed()} == {"CPU"}
    deployment.close()
