"""A family made from data, over a runtime that computes nothing."""

import importlib
import resource

import numpy as np
import pytest
from msgspec.structs import replace

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformName
from opscope.core.study import Instrumentation
from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.graph import resolve
from opscope.platforms.base import TimedDeployment
from opscope.platforms.devices import Device
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.runtimes import CpuOptions, CpuRuntime, DeviceRuntime, NoOptions

SHARED = {"family": "void", "package": "msgspec", "description": "Nothing at all"}
CPU = CpuRuntime(
    platform="void-cpu",
    precisions=(Precision.FP32, Precision.INT8),
    makers=((Precision.INT8, "quantizer"),),
    **SHARED,
)
DEVICE = DeviceRuntime(
    platform="void-gpu",
    precisions=(Precision.FP32,),
    device=Device(kind="void GPU", files=("*",), remedy="Wait."),
    **SHARED,
)
WORKLOAD = Workload(configuration=resolve("act:relu,h=4,c=2"))


class VoidDeployment(TimedDeployment):
    """What it was asked for, and no outputs."""

    def __init__(self, *asked):
        self.asked = asked

    def bind(self, inputs):
        """Take nothing."""

    def call(self):
        """Compute nothing."""

    def outputs(self):
        return {"y": np.zeros(1)}

    def close(self):
        """Hold nothing."""


class Void(RuntimePlatform):
    def load(self):
        """Load nothing."""

    def deploy(self, graph, precision, seed, instrumentation):
        return VoidDeployment([tensor.shape for tensor in graph.outputs], precision, seed)


class Broken(Void):
    def load(self):
        raise PlatformUnavailable("it is broken")


family = RuntimeFamily(Member(Void, CPU, CpuOptions), Member(Void, DEVICE, NoOptions))


def test_its_platforms_are_listed_each_with_its_options():
    options = {row.name: [name for name, _ in row.options] for row in family.listings()}
    assert options == {"void-cpu": ["threads"], "void-gpu": []}


def test_a_platform_is_opened_with_the_options_of_its_text():
    opened = family.open(PlatformName.parse("void-cpu:threads=2"))
    assert (opened.info().name, opened.info().threads) == ("void-cpu:threads=2", 2)
    assert family.open(PlatformName.parse("void-cpu:threads=1")).info().name == "void-cpu"
    with pytest.raises(ConfigurationError, match="threads"):
        family.open(PlatformName.parse("void-gpu:threads=2"))


@pytest.mark.parametrize(
    ("platform", "counter"),
    [
        ("void-cpu", resource.RUSAGE_THREAD),
        ("void-cpu:threads=2", resource.RUSAGE_SELF),
        ("void-gpu", resource.RUSAGE_SELF),
    ],
)
def test_a_workload_s_graph_is_deployed_and_preemptions_counted_where_it_computes(
    platform, counter
):
    deployment = family.open(PlatformName.parse(platform)).prepare(
        WORKLOAD, seed=3, instrumentation=Instrumentation()
    )
    assert deployment.asked == ([(1, 2, 4, 4)], Precision.FP32, 3)
    assert deployment.counter == counter


def test_a_runtime_that_does_not_load_is_told_before_a_graph_is_built():
    platform = Broken(PlatformName(name="void-cpu"), CPU, CpuOptions())
    with pytest.raises(PlatformUnavailable, match="it is broken"):
        platform.prepare(None, seed=0, instrumentation=Instrumentation())


def test_a_precision_is_offered_where_what_makes_its_forms_is_installed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "needy", "Requires-Dist: quantizer (<3) ; extra == 'x'\n")
    runtime = replace(CPU, declared_by="needy")
    workload = replace(WORKLOAD, precision=Precision.INT8)
    assert runtime.listing().precisions == (Precision.FP32,)
    assert runtime.refusal(workload) == (
        "int8 on void-cpu: the package quantizer is missing; "
        "install it with: pip install 'quantizer<3'"
    )
    installed(tmp_path, "quantizer")
    assert runtime.listing().precisions == (Precision.FP32, Precision.INT8)
    assert runtime.refusal(workload) == ""


def test_a_package_of_anothers_says_which_versions_of_its_runtime_will_do(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "needy", "Requires-Dist: void (>=2) ; extra == 'x'\n")
    installed(tmp_path, "void")
    row = replace(CPU, package="void", declared_by="needy").listing()
    assert row.reason == "void 1 is installed, and void>=2 is needed: pip install 'void>=2'"
    assert row.by_extra


def installed(folder, name, more=""):
    """Describe a distribution as installed in version 1."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{more}")
    importlib.invalidate_caches()
