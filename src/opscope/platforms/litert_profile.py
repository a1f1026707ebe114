"""LiteRT's own profiler, which no Python interface reaches: its C library, called by hand.

That library's interface may change with any version, so only versions tried here are asked, and
whatever it refuses means that no times are told.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from opscope.core.record import Record
from opscope.errors import PlatformError
from opscope.platforms.execution import undisturbed

PACKAGE = "ai-edge-litert"
TRIED = ("2.3.0",)
"""Versions whose C interface is the one below."""

_CPU = 1
_ACCELERATORS, _SEVERITY = 24, 25
_INTEGER, _ERRORS_ONLY = 2, 3
_HOST_MEMORY, _WRITE = 1, 1
_OPERATOR, _IN_DELEGATE = 1 << 1, 1 << 3
_TYPE_BYTES = 512
"""More than a tensor's type takes."""


class Kernel(Record, frozen=True, kw_only=True):
    """One kernel that ran.

    Attributes:
        kind: What LiteRT or its delegate calls it.
        delegated: Whether it is a delegate's.
        number: Its place in its delegate's part of the network, or its operator's in the file.
        time_s: How long it took, undisturbed.
    """

    kind: str
    delegated: bool
    number: int
    time_s: float | None


class Profiler:
    """A model compiled by the C library, to be run beside the interpreter for its kernels' times.

    Args:
        data: The TFLite file.
        threads: Threads that compute.

    Raises:
        PlatformError: If the library refuses the model or its interface is not the one known.
    """

    def __init__(self, data: bytes, threads: int) -> None:
        self._library = _library()
        self._data = data  # which the model reads where it is
        self._held: list[tuple[str, Any]] = []
        self._calls: list[list[tuple[tuple[str, bool, int], float]]] = []
        try:
            self._compile(threads)
        except BaseException:
            self.close()
            raise

    def write(self, arrays: Sequence[np.ndarray]) -> None:
        """Copy the model's inputs, in its own order and types, to where it reads them."""
        for buffer, array in zip(self._inputs, arrays, strict=True):
            place = ctypes.c_void_p()
            self._call("LiteRtLockTensorBuffer", buffer, ctypes.byref(place), ctypes.c_int(_WRITE))
            whole = np.ascontiguousarray(array)
            ctypes.memmove(place, whole.ctypes.data, whole.nbytes)
            self._call("LiteRtUnlockTensorBuffer", buffer)

    def run(self) -> None:
        """Run the model once, and note its kernels and their times."""
        for name in ("LiteRtResetProfiler", "LiteRtStartProfiler"):
            self._call(name, self._profiler)
        self._call("LiteRtRunCompiledModel", self._model, ctypes.c_size_t(0), *self._arguments)
        self._call("LiteRtStopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(count))
        events = (_Event * count.value)()
        self._call("LiteRtGetProfilerEvents", self._profiler, count, events)
        self._calls.append(
            [
                (
                    (event.tag.decode(), event.type == _IN_DELEGATE, event.number),
                    event.elapsed_us / 1e6,
                )
                for event in events
                if event.type in {_OPERATOR, _IN_DELEGATE}
            ]
        )

    def kernels(self) -> list[Kernel]:
        """Return the kernels in the order in which they ran, with times over all runs."""
        if not self._calls:
            return []
        latest = [kernel for kernel, _ in self._calls[-1]]
        alike = [call for call in self._calls if [kernel for kernel, _ in call] == latest]
        times = zip(*([time_s for _, time_s in call] for call in alike), strict=True)
        return [
            Kernel(kind=kind, delegated=delegated, number=number, time_s=undisturbed(durations))
            for (kind, delegated, number), durations in zip(latest, times, strict=True)
        ]

    def close(self) -> None:
        """Give back what the library holds."""
        while self._held:
            name, held = self._held.pop()
            getattr(self._library, f"LiteRtDestroy{name}")(held)

    def _compile(self, threads: int) -> None:
        options = (_Option * 2)(
            _Option(_ACCELERATORS, _Value(_INTEGER, _CPU)),
            _Option(_SEVERITY, _Value(_INTEGER, _ERRORS_ONLY)),
        )
        size = ctypes.c_size_t
        self._environment = self._new(
            "Environment", "LiteRtCreateEnvironment", ctypes.c_int(len(options)), options
        )
        model = self._new(
            *("Model", "LiteRtCreateModelFromBuffer", self._environment),
            *(ctypes.c_char_p(self._data), size(len(self._data))),
        )
        settings = self._new("Options", "LiteRtCreateOptions")
        self._call("LiteRtSetOptionsHardwareAccelerators", settings, ctypes.c_int(_CPU))
        self._set(settings, b"runtime_options_string", b"enable_profiling = true\n")
        self._set(settings, b"xnnpack", f"num_threads = {threads}\n".encode())
        create = "LiteRtCreateCompiledModel"
        self._model = self._new("CompiledModel", create, self._environment, model, settings)
        signature = self._new("", "LiteRtGetModelSignature", model, size(0))
        self._inputs = self._buffers(signature, "Input")
        outputs = self._buffers(signature, "Output")
        self._arguments = [
            argument
            for buffers in (self._inputs, outputs)
            for argument in (size(len(buffers)), (ctypes.c_void_p * len(buffers))(*buffers))
        ]
        self._profiler = self._new("", "LiteRtCompiledModelGetProfiler", self._model)

    def _buffers(self, signature: Any, kind: str) -> list[Any]:
        """Return memory for each input or output."""
        size, count = ctypes.c_size_t, ctypes.c_size_t()
        self._call(f"LiteRtGetNumSignature{kind}s", signature, ctypes.byref(count))
        buffers = []
        for number in range(count.value):
            of_signature = f"LiteRtGetSignature{kind}TensorByIndex"
            tensor = self._new("", of_signature, signature, size(number))
            type_ = ctypes.create_string_buffer(_TYPE_BYTES)
            self._call("LiteRtGetRankedTensorType", tensor, type_)
            requirements = self._new(
                *("", f"LiteRtGetCompiledModel{kind}BufferRequirements", self._model),
                *(size(0), size(number)),
            )
            needed = size()
            name = "LiteRtGetTensorBufferRequirementsBufferSize"
            self._call(name, requirements, ctypes.byref(needed))
            buffers.append(
                self._new(
                    *("TensorBuffer", "LiteRtCreateManagedTensorBuffer", self._environment),
                    *(ctypes.c_int(_HOST_MEMORY), type_, needed),
                )
            )
        return buffers

    def _set(self, settings: Any, part: bytes, text: bytes) -> None:
        """Add options of one part, as TOML; the library frees the text."""
        libc = ctypes.CDLL(None)
        libc.strdup.restype = ctypes.c_void_p
        copy = ctypes.c_void_p(libc.strdup(ctypes.c_char_p(text)))
        free = ctypes.cast(libc.free, ctypes.c_void_p)
        options = self._new("", "LiteRtCreateOpaqueOptions", ctypes.c_char_p(part), copy, free)
        self._call("LiteRtAddOpaqueOptions", settings, options)

    def _new(self, kind: str, name: str, *arguments: Any) -> Any:
        """Return what a function yields; of a ``kind`` it is destroyed in the end."""
        made = ctypes.c_void_p()
        self._call(name, *arguments, ctypes.byref(made))
        if kind:
            self._held.append((kind, made))
        return made

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, name, None)
        if function is None:
            raise PlatformError(f"the library of {PACKAGE} has no {name}")
        if status := function(*arguments):
            raise PlatformError(f"{name} of {PACKAGE} returned {status}")


class _Value(ctypes.Structure):
    """``LiteRtAny`` of litert_any.h, as far as it is a number."""

    _fields_ = (("type", ctypes.c_int), ("value", ctypes.c_int64))


class _Option(ctypes.Structure):
    """``LiteRtEnvOption`` of litert_environment_options.h."""

    _fields_ = (("tag", ctypes.c_int), ("value", _Value))


class _Event(ctypes.Structure):
    """``ProfiledEventData`` of litert_profiler_event.h."""

    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory", ctypes.c_size_t * 6),
        ("number", ctypes.c_uint64),
        ("graph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    )


def _library() -> Any:
    """Return the C library.

    Raises:
        PlatformError: If the version is not one that was tried, or the library does not load.
    """
    version = importlib.metadata.version(PACKAGE)
    if version not in TRIED:
        raise PlatformError(f"the profiler of {PACKAGE} {version} has not been tried")
    spec = importlib.util.find_spec("ai_edge_litert")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise PlatformError(f"the library of {PACKAGE} is not where its package is")
    try:
        return ctypes.CDLL(str(Path(next(iter(places)), "libLiteRt.so")))
    except OSError as exc:
        raise PlatformError(f"the library of {PACKAGE} does not load: {exc}") from exc
