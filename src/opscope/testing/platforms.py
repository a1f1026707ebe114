"""The suite every platform family must pass. Inherit it and name a platform.

    class TestOpenVino(PlatformConformance):
        platform = "openvino-cpu"
        package = "openvino"

It needs pytest. It prepares small convolutions and three networks, so it takes some seconds.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from opscope.core.configuration import Precision, Workload
from opscope.core.execution import Execution
from opscope.core.platform import PlatformListing
from opscope.core.study import Instrumentation
from opscope.engine.verification import verified
from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.graph import build, resolve
from opscope.platforms.base import Platform, ReportingDeployment, TimedDeployment
from opscope.platforms.execution import missing_copies
from opscope.platforms.operator_times import operator_times, total_s
from opscope.platforms.probe import probed
from opscope.platforms.registry import list_platforms, open_platform

WORKLOADS = (
    "conv:h=9,cin=5,cout=7,k=3,act=relu",
    "conv:h=8,cin=4,cout=6,k=1,groups=2",
    "conv:h=12,cin=3,cout=4,k=3,s=2,dilation=2",
    "dwconv:h=10,c=6,k=3,act=hard_swish",
)

STACKED = ("conv:h=9,cin=16,cout=16,k=3,act=relu", "act:hard_swish,h=9,c=3")
"""A layer whose nodes runtimes fuse, and one that they take apart."""

NETWORKS = (
    "zoo:resnet18,input=64",
    "zoo:mobilenet_v2,input=64",
    "zoo:efficientnet_b0,input=64",
)

TOLERANCE = {Precision.FP32: 1e-4, Precision.FP16: 1e-3}
"""Largest error, relative to the largest output, of a runtime that computes in FP32, by what it
stores weights in. BF16 would be off by about 1e-2."""


class PlatformConformance:
    """What holds for every platform."""

    platform: str
    """Text of the platform to try."""

    package: str | None = None
    """The package that brings its runtime, where there is one."""

    module: str = ""
    """What that package is imported as, where not by its own name."""

    extra: str = ""
    """opscope's extra that brings the package, where it is not installed with opscope itself.

    The suite skips without it."""

    networks: tuple[str, ...] = NETWORKS
    """Networks to try; fewer where preparing one takes long."""

    @property
    def _module(self) -> str:
        return self.module or (self.package or "").replace("-", "_")

    @pytest.fixture
    def opened(self) -> Platform:
        """Return the platform, opened."""
        return open_platform(self.platform)

    @pytest.fixture
    def listing(self) -> PlatformListing:
        """Return its row in the list of platforms."""
        name = self.platform.partition(":")[0]
        rows = [row for row in list_platforms() if row.name == name]
        assert len(rows) == 1, f"{name} is listed {len(rows)} times"
        return rows[0]

    @pytest.fixture(autouse=True)
    def _installed(self, listing: PlatformListing) -> None:
        """Skip where the platform needs an extra that is not installed."""
        if self.extra and not listing.available:
            pytest.skip(f"{self.platform} needs opscope[{self.extra}]: {listing.reason}")

    def test_is_listed_with_what_it_can_do(
        self, opened: Platform, listing: PlatformListing
    ) -> None:
        info = opened.info()
        assert listing.available
        assert not listing.reason
        assert listing.family == info.family
        assert set(info.precisions) <= set(listing.precisions)
        assert ":" in info.name or listing.precisions == info.precisions
        assert listing.origin is info.origin
        assert "latency_s" in info.quantities

    def test_names_itself_canonically(self, opened: Platform) -> None:
        name = opened.info().name
        assert open_platform(name).info() == opened.info()

    def test_refuses_an_unknown_option(self) -> None:
        separator = "," if ":" in self.platform else ":"
        with pytest.raises(ConfigurationError, match="no_such_option"):
            open_platform(f"{self.platform}{separator}no_such_option=1")

    def test_says_why_it_cannot_run_a_precision(self, opened: Platform) -> None:
        for precision in Precision:
            workload = Workload(configuration=resolve(WORKLOADS[0]), precision=precision)
            assert bool(opened.supports(workload)) == (precision not in opened.info().precisions)

    @pytest.mark.parametrize("configuration", WORKLOADS)
    @pytest.mark.parametrize("batch", [1, 2])
    def test_computes_what_the_graph_says(
        self, opened: Platform, configuration: str, batch: int
    ) -> None:
        workload = Workload(configuration=resolve(configuration), batch=batch)
        graph = build(workload)
        inputs = graph.draw_inputs(3)
        expected = ReferenceEvaluator(graph.materialise(1)).run(None, inputs)
        with closing(_prepare(opened, workload, seed=1)) as deployment:
            if not isinstance(deployment, TimedDeployment):
                assert opened.info().deployments == "reporting"
                return
            deployment.bind(inputs)
            deployment.call()
            outputs = deployment.outputs()
        for tensor, reference in zip(graph.outputs, expected, strict=True):
            output = outputs[tensor.name]
            assert output.shape == tensor.shape
            scale = np.abs(np.asarray(reference)).max()
            error = np.abs(output - np.asarray(reference)).max()
            assert error <= TOLERANCE[opened.info().weights] * scale

    @pytest.mark.parametrize("configuration", [WORKLOADS[0], "act:relu,h=8,c=16"])
    @pytest.mark.parametrize("profile", [False, True])
    def test_computes_the_same_in_every_call(
        self, opened: Platform, configuration: str, *, profile: bool
    ) -> None:
        if opened.info().deployments == "reporting":
            pytest.skip(f"{self.platform} reports; it has no outputs to compare")
        workload = Workload(configuration=resolve(configuration))
        asked = Instrumentation(profile=profile)
        with closing(opened.prepare(workload, seed=1, instrumentation=asked)) as deployment:
            assert isinstance(deployment, TimedDeployment)
            deployment.bind(build(workload).draw_inputs(1))
            deployment.call()
            first = deployment.outputs()
            deployment.call()
            again = deployment.outputs()
        assert all(np.array_equal(again[name], value) for name, value in first.items())

    @pytest.mark.parametrize("configuration", [*WORKLOADS, *NETWORKS])
    def test_agrees_with_the_reference(self, opened: Platform, configuration: str) -> None:
        if configuration not in (*WORKLOADS, *self.networks):
            pytest.skip(f"{self.platform} takes long to prepare a network, and tries others")
        execution = _verified(opened, Workload(configuration=resolve(configuration)))
        if execution is None:
            assert opened.info().deployments == "reporting"
        else:
            assert execution.as_asked in (None, 1)

    def test_runs_in_every_precision_it_lists(self, opened: Platform) -> None:
        for precision in opened.info().precisions:
            workload = Workload(configuration=resolve(WORKLOADS[0]), precision=precision)
            execution = _verified(opened, workload)
            assert execution is None or execution.as_asked != 0

    def test_draws_other_weights_from_another_seed(self, opened: Platform) -> None:
        if opened.info().deployments == "reporting":
            pytest.skip(f"{self.platform} reports; it has no outputs to compare")
        workload = Workload(configuration=resolve(WORKLOADS[0]))
        first, again, other = (_outputs(opened, workload, seed) for seed in (1, 1, 2))
        assert np.array_equal(first, again)
        assert not np.allclose(first, other)

    def test_is_read_as_it_promises(self, opened: Platform) -> None:
        info = opened.info()
        workload = Workload(configuration=resolve(WORKLOADS[0]))
        with closing(_prepare(opened, workload, seed=1)) as deployment:
            assert deployment.load_s >= 0
            if isinstance(deployment, TimedDeployment):
                assert info.deployments == "timed"
                deployment.bind(build(workload).draw_inputs(1))
                samples = deployment.sample(5)
                assert len(samples.durations_s) == 5
                assert all(duration > 0 for duration in samples.durations_s)
                assert samples.preemptions is None or len(samples.preemptions) == 5
                assert samples.clock
            else:
                assert info.deployments == "reporting"
                report = deployment.report()
                assert report == deployment.report()
                assert {m.quantity for m in report} >= set(info.quantities)
                assert {m.origin for m in report} == {info.origin}

    @pytest.mark.parametrize("configuration", STACKED)
    def test_tells_what_it_executes(self, opened: Platform, configuration: str) -> None:
        workload = Workload(configuration=resolve(configuration), copies=3)
        graph = build(workload)
        known = {node.name for node in onnx.ModelProto.FromString(graph.structure).graph.node}
        profile = Instrumentation(profile=True)
        with closing(opened.prepare(workload, seed=1, instrumentation=profile)) as deployment:
            if not isinstance(deployment, TimedDeployment):
                assert opened.info().deployments == "reporting"
                return
            deployment.bind(graph.draw_inputs(1))
            for _ in range(4):
                deployment.call()
            executed = deployment.executed()
            assert executed == deployment.executed()
        if not executed:
            pytest.skip(f"{self.platform} does not tell what it executes")
        assert known.issuperset(source for node in executed for source in node.sources)
        assert not missing_copies(workload.copies, executed)
        times = [node.time_s for node in executed if node.time_s is not None]
        assert all(time_s >= 0 for time_s in times)
        steps = operator_times(workload.copies, [executed])
        assert bool(times) == (total_s(steps) is not None)

    def test_loads_and_is_listed_without_its_package(
        self, listing: PlatformListing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if self.package is None:
            pytest.skip(f"{self.platform} needs no package")
        code = (
            "import sys; from opscope.platforms.registry import list_platforms; "
            f"list_platforms(); sys.exit({self._module!r} in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
        real = importlib.metadata.version

        def hide(name: str) -> str:
            if name == self.package:
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name)

        monkeypatch.setattr(importlib.metadata, "version", hide)
        row = next(row for row in list_platforms() if row.name == listing.name)
        assert not row.available
        wanted = f"(?i)pip install '{self.package}"  # metadata may have the name in lower case
        assert re.search(wanted, row.reason)
        with pytest.raises(PlatformUnavailable, match=wanted):
            open_platform(self.platform)

    def test_a_broken_package_is_told_with_what_mends_it(
        self, listing: PlatformListing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if self.package is None:
            pytest.skip(f"{self.platform} needs no package")
        module = tmp_path / self._module
        module.mkdir()
        (module / "__init__.py").write_text("raise ImportError('a library is missing')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        (row,) = probed([listing])
        assert not row.available
        assert "a library is missing" in row.reason
        assert re.search(f"(?i)pip install --force-reinstall '{self.package}", row.reason)


def _prepare(
    platform: Platform, workload: Workload, seed: int
) -> TimedDeployment | ReportingDeployment:
    return platform.prepare(workload, seed=seed, instrumentation=Instrumentation())


def _verified(platform: Platform, workload: Workload) -> Execution | None:
    """Return what a deployment really ran, its outputs compared; nothing of one that reports."""
    with closing(_prepare(platform, workload, seed=1)) as deployment:
        if not isinstance(deployment, TimedDeployment):
            return None
        deployment.bind(build(workload).draw_inputs(1))
        deployment.call()
        return verified(platform, workload, deployment, 1).execution


def _outputs(platform: Platform, workload: Workload, seed: int) -> np.ndarray:
    with closing(_prepare(platform, workload, seed)) as deployment:
        assert isinstance(deployment, TimedDeployment)
        deployment.bind(build(workload).draw_inputs(0))
        deployment.call()
        return next(iter(deployment.outputs().values()))
