"""The fake family: platforms with a known truth, for tests of everything above them.

``fake`` is timed: its durations follow a staircase with seeded noise, from no clock at all.
``fake-compiler`` reports: cycles and a latency, as a compiler estimates them. Options make a
workload of a given Cout crash, hang, fail or eat memory, as real runtimes sometimes do.
"""

from __future__ import annotations

import ctypes
import math
import time
from typing import Annotated

import msgspec
import numpy as np
import onnx

from opscope.core.configuration import Precision, Workload
from opscope.core.measurement import Measurement
from opscope.core.platform import Origin, PlatformInfo, PlatformListing, PlatformName
from opscope.core.readings import Samples
from opscope.core.record import Record, digest
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import build
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment, read_options

_GULP = 64 * 1024**2

_CALL_S = 1e-4
"""What each call takes beside its layers."""

_REPORTED = ("latency_s", "cycles")

Channels = Annotated[int, msgspec.Meta(ge=1)]


class Options(Record, frozen=True, kw_only=True):
    """What ``fake:…`` may say; each ``*_at`` names the Cout that misbehaves."""

    period: Channels = 16
    noise: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.005
    factor: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    pause_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    crash_at: Channels | None = None
    hang_at: Channels | None = None
    fail_at: Channels | None = None
    eat_at: Channels | None = None


class FakeFamily:
    """Deterministic platforms."""

    def listings(self) -> list[PlatformListing]:
        """Return both."""
        options = (
            ("period", "channels in a step (16)"),
            ("noise", "relative scatter of a duration (0.005)"),
            ("factor", "what every duration is multiplied by (1)"),
            ("pause_ms", "real time each call takes (0)"),
            ("crash_at, hang_at, fail_at, eat_at", "Cout at which that happens"),
        )
        return [
            PlatformListing(
                name=name,
                family="fake",
                description=description,
                available=True,
                precisions=(Precision.FP32,),
                origin=Origin.ESTIMATED,
                options=options,
                quantities=quantities,
            )
            for name, description, quantities in (
                ("fake", "a staircase without hardware, for trying opscope and testing it", ()),
                ("fake-compiler", "the same staircase as a compiler would estimate it", _REPORTED),
            )
        ]

    def open(self, name: PlatformName) -> Fake:
        """Return the fake with the options of ``name``."""
        return Fake(*read_options(name, Options))


class Fake:
    """A platform whose latency is known: a step for every ``period`` output channels."""

    def __init__(self, name: PlatformName, options: Options) -> None:
        self._name = name
        self._options = options
        self._reports = name.name == "fake-compiler"

    def info(self) -> PlatformInfo:
        """Return invented but constant facts."""
        return PlatformInfo(
            name=str(self._name),
            family="fake",
            device="no device",
            runtime="fake",
            runtime_version="1",
            precisions=(Precision.FP32,),
            quantities=_REPORTED if self._reports else ("latency_s",),
            origin=Origin.ESTIMATED,
            deployments="reporting" if self._reports else "timed",
            computes=False,
        )

    def supports(self, workload: Workload) -> str:
        """Refuse all but FP32."""
        return "" if workload.precision is Precision.FP32 else f"{self._name.name} runs fp32 only"

    def load(self) -> None:
        """Load nothing."""

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> FakeDeployment | FakeReport:
        """Return the workload, or misbehave as the options say."""
        self._misbehave(workload)
        latency_s = self._options.factor * self._latency(workload)
        if self._reports:
            return FakeReport(latency_s)
        deployment = FakeDeployment(workload, latency_s, self._options, seed)
        deployment.profiled = instrumentation.profile
        return deployment

    def _latency(self, workload: Workload) -> float:
        """Return the time of a call, and in a stack that of each copy and what comes with it."""
        layer = self._step(_cout(workload)) * workload.batch
        if not workload.copies:
            return _CALL_S + layer
        tensors = onnx.ModelProto.FromString(build(workload).structure).graph
        beside = sum(
            self._step(tensor.type.tensor_type.shape.dim[1].dim_value)
            for tensor in (*tensors.value_info, *tensors.output)
            if tensor.name.startswith(("spine", "end"))
        )
        return _CALL_S + workload.copies * layer + beside * workload.batch

    def _step(self, channels: int) -> float:
        return 2e-4 * math.ceil(channels / self._options.period)

    def _misbehave(self, workload: Workload) -> None:
        cout = _cout(workload)
        if cout == self._options.crash_at:
            ctypes.string_at(0)  # a real segmentation fault
        if cout == self._options.hang_at:
            time.sleep(1e6)
        if cout == self._options.fail_at:
            raise PlatformError(f"the fake refuses cout={cout}, as it was told to")
        if cout == self._options.eat_at:
            hoard: list[np.ndarray] = []
            while True:  # untouched memory counts against the limit as well, and comes faster
                hoard.append(np.empty(_GULP, np.uint8))


class FakeDeployment(TimedDeployment):
    """Durations from a formula and a seed; outputs as ONNX's reference implementation has them."""

    profiled = False

    def __init__(self, workload: Workload, latency_s: float, options: Options, seed: int) -> None:
        self._latency_s = latency_s
        self._options = options
        self._noise = np.random.default_rng(int(digest(seed, str(workload)), 16))
        self._workload, self._seed = workload, seed
        self._inputs: Arrays = {}

    def bind(self, inputs: Arrays) -> None:
        """Keep the inputs."""
        self._inputs = inputs

    def call(self) -> None:
        """Take the time it was told to take."""
        if self._options.pause_ms:
            time.sleep(self._options.pause_ms / 1e3)

    def sample(self, count: int) -> Samples:
        """Return durations with one-sided noise, as disturbances only ever slow things down."""
        for _ in range(count):
            self.call()
        scatter = np.abs(self._noise.standard_normal(count)) * self._options.noise
        durations = self._latency_s * (1 + scatter)
        return Samples(
            durations_s=tuple(durations.tolist()), preemptions=(0,) * count, clock="formula"
        )

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the graph's own nodes, which share what a call takes beside its overhead."""
        nodes = onnx.ModelProto.FromString(build(self._workload).structure).graph.node
        time_s = (self._latency_s - _CALL_S) / len(nodes) if self.profiled else None
        return tuple(
            ExecutedNode(name=n.name, kind=n.op_type, sources=(n.name,), time_s=time_s)
            for n in nodes
        )

    def outputs(self) -> dict[str, np.ndarray]:
        """Compute the outputs, slowly."""
        from onnx.reference import ReferenceEvaluator

        graph = build(self._workload)
        results = ReferenceEvaluator(graph.materialise(self._seed)).run(None, dict(self._inputs))
        return {t.name: np.asarray(r) for t, r in zip(graph.outputs, results, strict=True)}

    def close(self) -> None:
        """Hold nothing."""


class FakeReport:
    """What a compiler of the fake would say."""

    def __init__(self, latency_s: float) -> None:
        self.load_s = 0.0
        self._latency_s = latency_s

    def report(self) -> tuple[Measurement, ...]:
        """Return cycles at 1 GHz, and the latency they take."""
        derivation = "a formula over Cout"
        return (
            Measurement(
                quantity="latency_s",
                value=self._latency_s,
                unit="s",
                origin=Origin.ESTIMATED,
                derivation=derivation,
            ),
            Measurement(
                quantity="cycles",
                value=self._latency_s * 1e9,
                unit="cycles",
                origin=Origin.ESTIMATED,
                derivation=derivation,
            ),
        )

    def close(self) -> None:
        """Hold nothing."""


def _cout(workload: Workload) -> int:
    value = workload.configuration.get("cout") or workload.configuration.get("c") or 1
    return int(value)


family = FakeFamily()
