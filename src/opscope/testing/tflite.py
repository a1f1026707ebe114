"""A writer of small TFLite files, tensor by tensor, for tests of what reads them."""

from __future__ import annotations

import numpy as np

from opscope.convert.tflite import writer


class TfliteWriter(writer.TfliteWriter):
    """A TFLite file under construction whose constants may be drawn.

    Args:
        seed: Of the stream that `random` draws constants from.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self._stream = np.random.default_rng(seed)

    def random(self, *shape: int) -> int:
        """Add a float32 constant drawn from the seed, small enough to stay so through layers."""
        values = self._stream.standard_normal(shape, dtype=np.float32)
        return self.tensor(shape, data=values / np.sqrt(np.prod(shape[1:]) or 1))


def run_tflite(data: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return what the LiteRT interpreter computes without delegates; inputs come in order."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return [np.asarray(interpreter.get_tensor(detail["index"])) for detail in details]
