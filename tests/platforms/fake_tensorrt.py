"""TensorRT and PyTorch's CUDA without a GPU: engines run in onnxruntime, on a made-up clock."""

import contextlib
import enum
import json
import types

import numpy as np
import onnx
import onnxruntime
import pytest

DataType = enum.Enum("DataType", "FLOAT HALF BF16 INT8 UINT8 INT32 INT64 BOOL")
BuilderFlag = enum.Enum("BuilderFlag", "TF32 DISABLE_TIMING_CACHE")
Verbosity = enum.Enum("Verbosity", "LAYER_NAMES_ONLY DETAILED NONE")
ErrorCode = enum.Enum("ErrorCode", "UNSUPPORTED_NODE INVALID_NODE MODEL_DESERIALIZE_FAILED")
Severity = enum.Enum("Severity", "INTERNAL_ERROR ERROR WARNING")

_TYPES = {"tensor(float)": DataType.FLOAT, "tensor(float16)": DataType.HALF}
_SPELT = {"tensor(float)": "Float", "tensor(float16)": "Half"}


class FakeCuda:
    """PyTorch's CUDA on a clock that what runs sets forward."""

    def __init__(self):
        self.now_ms = 0.0
        self.streams = []

    def is_available(self):
        return True

    def Event(self, *, enable_timing):  # noqa: N802 - CUDA's names
        assert enable_timing
        return FakeEvent(self)

    def Stream(self):  # noqa: N802
        return types.SimpleNamespace(
            cuda_stream=7, wait_stream=lambda _: None, synchronize=lambda: None
        )

    def current_stream(self):
        return self.streams[-1] if self.streams else self.Stream()

    @contextlib.contextmanager
    def stream(self, stream):
        self.streams.append(stream)
        yield
        self.streams.pop()

    def CUDAGraph(self):  # noqa: N802
        return types.SimpleNamespace()

    @contextlib.contextmanager
    def graph(self, graph):
        graph.replay = FakeContext.latest.execute
        yield

    def synchronize(self):
        pass

    def empty_cache(self):
        pass


class FakeEvent:
    def __init__(self, cuda):
        self.cuda = cuda

    def record(self):
        self.at_ms = self.cuda.now_ms

    def synchronize(self):
        pass

    def elapsed_time(self, end):
        return end.at_ms - self.at_ms


class FakeTorch:
    """PyTorch whose tensors on the GPU lie in this machine's memory, found by their address."""

    def __init__(self):
        self.real = pytest.importorskip("torch")
        self.cuda = FakeCuda()
        self.memory = {}

    def zeros(self, shape, *, dtype, device):
        assert device == "cuda"
        tensor = self.real.zeros(shape, dtype=dtype)
        self.memory[tensor.data_ptr()] = tensor
        return tensor

    def __getattr__(self, name):
        return getattr(self.real, name)


class FakeTensorRt(types.ModuleType):
    """The module ``tensorrt``.

    Args:
        torch: Where tensors are.
        durations_ms: How long calls of each engine take, in the order that they are built.
        refusals: What the parser has against every model.
    """

    DataType, BuilderFlag, ProfilingVerbosity = DataType, BuilderFlag, Verbosity
    MemoryPoolType = enum.Enum("MemoryPoolType", "WORKSPACE")
    LayerInformationFormat = enum.Enum("LayerInformationFormat", "ONELINE JSON")
    IProfiler = object

    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING = Severity

    def __init__(self, torch, durations_ms=(3.0, 2.0, 4.0), refusals=()):
        super().__init__("tensorrt")
        self.torch = torch
        self.durations_ms = list(durations_ms)
        self.refusals = refusals
        self.configs, self.contexts = [], []

    def Builder(self, log):  # noqa: N802 - TensorRT's names
        return FakeBuilder(self, log)

    def OnnxParser(self, network, log):  # noqa: N802
        return FakeParser(self.refusals, network)

    def Runtime(self, log):  # noqa: N802
        return types.SimpleNamespace(deserialize_cuda_engine=lambda plan: FakeEngine(self, *plan))


class FakeError:
    def __init__(self, code, node, operator, said):
        self.code, self.node_name = lambda: ErrorCode[code], lambda: node
        self.node_operator, self.desc = lambda: operator, lambda: said


class FakeParser:
    def __init__(self, refusals, network):
        self.refusals, self.network = refusals, network
        self.num_errors = len(refusals)

    def parse(self, model):
        self.network.model = model
        return not self.refusals

    def get_error(self, number):
        return FakeError(*self.refusals[number])


class FakeConfig:
    def __init__(self):
        self.flags, self.pools, self.timing_cache = {BuilderFlag.TF32}, {}, None
        self.profiling_verbosity = Verbosity.LAYER_NAMES_ONLY

    def set_timing_cache(self, cache, ignore_mismatch):
        self.timing_cache = cache

    def clear_flag(self, flag):
        self.flags.discard(flag)

    def set_memory_pool_limit(self, pool, size):
        self.pools[pool.name] = size


class FakeBuilder:
    def __init__(self, trt, log):
        self.trt, self.log = trt, log

    def create_network(self):
        return types.SimpleNamespace(model=b"")

    def create_builder_config(self):
        return FakeConfig()

    def build_serialized_network(self, network, config):
        self.trt.configs.append(config)
        if not self.trt.durations_ms:
            self.log.log(Severity.WARNING, "this does not matter")
            self.log.log(Severity.ERROR, "no tactic is left\nfor conv0")
            return None
        return network.model, self.trt.durations_ms.pop(0)


class FakeEngine:
    def __init__(self, trt, model, duration_ms):
        self.trt, self.duration_ms = trt, duration_ms
        self.nodes = onnx.ModelProto.FromString(model).graph.node
        self.session = onnxruntime.InferenceSession(model)
        self.tensors = {
            t.name: t for t in (*self.session.get_inputs(), *self.session.get_outputs())
        }
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, number):
        return list(self.tensors)[number]

    def get_tensor_dtype(self, name):
        return _TYPES[self.tensors[name].type]

    def get_tensor_shape(self, name):
        return self.tensors[name].shape

    def create_execution_context(self):
        context = FakeContext(self)
        self.trt.contexts.append(context)
        return context

    def create_engine_inspector(self):
        return FakeInspector(self)


class FakeContext:
    latest = None
    profiler = None
    nvtx_verbosity = Verbosity.DETAILED

    def __init__(self, engine):
        self.engine, self.addresses, self.calls = engine, {}, 0

    def set_tensor_address(self, name, address):
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle):
        assert stream_handle == 7
        return self.execute()

    def execute(self):
        FakeContext.latest = self
        memory = self.engine.trt.torch.memory
        inputs = {t.name for t in self.engine.session.get_inputs()}
        values = {n: memory[a].numpy() for n, a in self.addresses.items() if n in inputs}
        names = [t.name for t in self.engine.session.get_outputs()]
        for name, value in zip(names, self.engine.session.run(names, values), strict=True):
            memory[self.addresses[name]].copy_(self.engine.trt.torch.from_numpy(np.asarray(value)))
        self.calls += 1
        self.engine.trt.torch.cuda.now_ms += self.engine.duration_ms
        for node in self.engine.nodes if self.profiler else ():
            self.profiler.report_layer_time(node.name, 0.5)
        return True


class FakeInspector:
    """Tells each node of the model as a layer, as TensorRT 11 does."""

    execution_context = None

    def __init__(self, engine):
        self.engine = engine

    def get_engine_information(self, format_):
        assert format_.name == "JSON"
        assert self.execution_context is not None
        (first, *_) = self.engine.session.get_inputs()
        spelt = _SPELT[first.type]
        layers = [
            {
                "Name": node.name,
                "LayerType": node.op_type,
                "Inputs": [{"Name": node.input[0], "Format": "kLINEAR", "DataType": spelt}],
                "Outputs": [{"Name": node.output[0], "Format": "kLINEAR", "DataType": spelt}],
                "Metadata": f"[ONNX Layer: {node.name}]",
            }
            for node in self.engine.nodes
        ]
        return json.dumps({"Layers": layers, "I/O Tensors": []})
