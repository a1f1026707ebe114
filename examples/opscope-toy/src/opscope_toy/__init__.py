"""The toy family: ONNX's reference implementation as a platform, slow and exact.

Everything a family needs is here: a listing, a way to open it, and a deployment that binds, calls
and reads its runtime. `tests/test_toy.py` beside it runs opscope's conformance suite.
"""

from __future__ import annotations

import time

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import Origin, PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.graph import build
from opscope.platforms import cpu
from opscope.platforms.base import Arrays, TimedDeployment, read_options


class Options(Record, frozen=True, kw_only=True):
    """What ``toy:…`` may say: nothing."""


class ToyFamily:
    """A family of one platform."""

    def listings(self) -> list[PlatformListing]:
        """Return its one platform."""
        return [
            PlatformListing(
                name="toy",
                family="toy",
                description="ONNX reference implementation, an example",
                available=True,
                precisions=(Precision.FP32,),
                origin=Origin.MEASURED,
            )
        ]

    def open(self, name: PlatformName) -> Toy:
        """Return the platform."""
        canonical, _ = read_options(name, Options)
        return Toy(canonical)


class Toy:
    """The reference implementation on this machine's processor."""

    def __init__(self, name: PlatformName) -> None:
        self._name = name

    def info(self) -> PlatformInfo:
        """Return what it is."""
        device, extensions = cpu.describe()
        return PlatformInfo(
            name=str(self._name),
            family="toy",
            device=device,
            runtime="onnx.reference",
            runtime_version=onnx.__version__,
            precisions=(Precision.FP32,),
            quantities=("latency_s",),
            origin=Origin.MEASURED,
            deployments="timed",
            instruction_set=extensions,
        )

    def supports(self, workload: Workload) -> str:
        """Refuse all but FP32."""
        return "" if workload.precision is Precision.FP32 else "toy runs fp32 only"

    def load(self) -> None:
        """Load nothing."""

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> ToyDeployment:
        """Return the workload, ready to run."""
        del instrumentation  # there is nothing to instrument
        return ToyDeployment(build(workload).materialise(seed))


class ToyDeployment(TimedDeployment):
    """One graph in the reference implementation."""

    def __init__(self, model: onnx.ModelProto) -> None:
        start = time.perf_counter()
        self._evaluator = ReferenceEvaluator(model)
        self.load_s = time.perf_counter() - start
        self._inputs: dict[str, np.ndarray] = {}
        self._results: list[np.ndarray] = []

    def bind(self, inputs: Arrays) -> None:
        """Keep the inputs for every call."""
        self._inputs = dict(inputs)

    def call(self) -> None:
        """Evaluate the graph once."""
        self._results = [np.asarray(r) for r in self._evaluator.run(None, self._inputs)]

    def outputs(self) -> dict[str, np.ndarray]:
        """Return the outputs of the last call."""
        return dict(zip(self._evaluator.output_names, self._results, strict=True))

    def close(self) -> None:
        """Hold nothing but memory."""


family = ToyFamily()
