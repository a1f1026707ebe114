import resource
import tempfile

import pytest

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.errors import ConfigurationError, PlatformError
from opscope.graph import build, resolve
from opscope.platforms.onnxruntime import OnnxRuntimeDeployment, Options
from opscope.platforms.registry import open_platform
from opscope.testing.platforms import PlatformConformance


class TestOnnxRuntimeCpu(PlatformConformance):
    platform = "onnxruntime-cpu"
    package = "onnxruntime"


class TestTwoThreads(PlatformConformance):
    platform = "onnxruntime-cpu:threads=2"
    package = "onnxruntime"


def test_threads_are_part_of_the_fingerprint_and_the_default_is_not_written():
    one, two = (open_platform(f"onnxruntime-cpu:threads={n}").info() for n in (1, 2))
    assert one.name == "onnxruntime-cpu"
    assert two.name == "onnxruntime-cpu:threads=2"
    assert one.fingerprint != two.fingerprint


@pytest.mark.parametrize("asked", [False, True])
def test_a_profile_leaves_no_file(asked, tmp_path, monkeypatch):
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    deployment = open_platform("onnxruntime-cpu").prepare(
        workload, seed=0, instrumentation=Instrumentation(profile=True)
    )
    deployment.bind(build(workload).draw_inputs(0))
    deployment.call()
    assert list(temporary.iterdir())
    if asked:
        assert "Conv" in [node.kind for node in deployment.executed()]
    deployment.close()
    assert not list(temporary.iterdir())
    assert not list(here.iterdir())


def test_a_graph_it_refuses_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    profiled = Instrumentation(profile=True)
    with pytest.raises(PlatformError, match="onnxruntime refuses the graph"):
        OnnxRuntimeDeployment(build(workload), b"no model", Options(), profiled)
    assert not list(tmp_path.iterdir())


def test_without_a_profile_it_does_not_tell_what_it_executes():
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    deployment = open_platform("onnxruntime-cpu").prepare(
        workload, seed=0, instrumentation=Instrumentation()
    )
    assert deployment.executed() == ()
    deployment.close()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("profile", [False, True])
def test_a_session_is_told_all_that_figures_depend_on(threads, profile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a profile would be written
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    deployment = open_platform(f"onnxruntime-cpu:threads={threads}").prepare(
        workload, seed=0, instrumentation=Instrumentation(profile=profile)
    )
    options = deployment._session.get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.inter_op_num_threads == 1
    assert options.enable_profiling == profile
    fast_but_rough = "mlas.enable_gemm_fastmath_arm64_bfloat16"
    assert options.get_session_config_entry(fast_but_rough) == "0"
    counters = {1: resource.RUSAGE_THREAD, 2: resource.RUSAGE_SELF}
    assert deployment.counter == counters[threads]
    assert deployment.load_s > 0
    deployment.close()


@pytest.mark.parametrize(
    ("options", "level", "spins"),
    [
        ("", "ORT_ENABLE_ALL", "1"),
        (":optimization=none", "ORT_DISABLE_ALL", "1"),
        (":optimization=basic,threads=2", "ORT_ENABLE_BASIC", "1"),
        (":optimization=extended,spinning=no", "ORT_ENABLE_EXTENDED", "0"),
    ],
)
def test_options_reach_the_session(options, level, spins):
    platform = open_platform(f"onnxruntime-cpu{options}")
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    deployment = platform.prepare(workload, seed=0, instrumentation=Instrumentation())
    settings = deployment._session.get_session_options()
    assert settings.graph_optimization_level.name == level
    assert settings.get_session_config_entry("session.intra_op.allow_spinning") == spins
    deployment.close()


def test_without_optimisation_every_node_of_the_graph_runs():
    workload = Workload.parse("block:resnet_basic,h=8,cin=16")
    kinds = {}
    for level in ("none", "all"):
        platform = open_platform(f"onnxruntime-cpu:optimization={level}")
        deployment = platform.prepare(
            workload, seed=0, instrumentation=Instrumentation(profile=True)
        )
        deployment.bind(build(workload).draw_inputs(0))
        deployment.call()
        kinds[level] = {node.kind for node in deployment.executed()}
        deployment.close()
    assert {"Conv", "BatchNormalization", "Relu", "Add"} <= kinds["none"]
    assert "BatchNormalization" not in kinds["all"]


def test_an_optimisation_it_does_not_know_is_refused():
    with pytest.raises(ConfigurationError, match="optimization=most"):
        open_platform("onnxruntime-cpu:optimization=most")
