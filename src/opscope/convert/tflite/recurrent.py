"""Gated recurrent units in TFLite, which has none: a matrix product per step, and its gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from opscope.convert.tflite import layout
from opscope.convert.tflite.builder import Builder, Value
from opscope.convert.tflite.linear import fully_connected
from opscope.convert.tflite.shaping import cut

_DEFAULTS = {
    "linear_before_reset": (1, "its reset gate acts before the matrix product"),
    "activations": (None, "its activations are not the usual ones"),
    "clip": (None, "its cells are clipped"),
    "layout": (0, "its batch comes first"),
}
"""Attributes with the one value there is a form for, and what any other means."""

_BIAS, _LENGTHS, _STATE = 3, 4, 5


def _gru(builder: Builder) -> None:
    """Add the unrolled cell for each direction, (T, N, Cin) to (T, ways, N, H) and (ways, N, H)."""
    node = builder.node
    for name, (expected, meaning) in _DEFAULTS.items():
        if builder.attribute(name, expected or 0) != (expected or 0):
            raise builder.refuse(meaning)
    if any(node.input[_LENGTHS:]):
        raise builder.refuse("it begins with a given state, or its sequences differ in length")
    x = builder.plain(node.input[0])
    weights, recurrence = builder.constant(1), builder.constant(2)
    ways, _, hidden = recurrence.shape
    bias = builder.optional(_BIAS)
    biases = np.zeros((ways, 6 * hidden), np.float32) if bias is None else bias
    direction = (builder.attribute("direction") or b"forward").decode()
    states = []
    for way in range(ways):
        cell = _Cell(builder, f"{node.name}/{way}", weights[way], recurrence[way], biases[way])
        backward = direction == "reverse" or way == 1
        states.append(cell.run(x, backward=backward))
    steps, batch, _ = x.shape
    if node.output[0]:
        shape = (steps, 1, batch, hidden)
        sequences = [_joined(builder, found, 0) for found in states]
        whole = [builder.reshape(y, shape, layout.plain(4)) for y in sequences]
        builder.give(_joined(builder, whole, 1))
    if len(node.output) > 1 and node.output[1]:
        last = [
            found[0 if direction == "reverse" or way else -1] for way, found in enumerate(states)
        ]
        builder.give(_joined(builder, last, 0), 1)


class _Cell:
    """One direction's units; its gates are stored as ONNX has them: update, reset, new.

    Source: the ONNX operator documentation of GRU, with ``linear_before_reset``.
    """

    def __init__(
        self,
        builder: Builder,
        name: str,
        weights: np.ndarray,
        recurrence: np.ndarray,
        bias: np.ndarray,
    ) -> None:
        self._builder = builder
        self._name = name
        self._weights, self._recurrence = weights, recurrence
        self._bias, self._recurrent_bias = np.split(bias, 2)
        self._hidden = recurrence.shape[1]

    def run(self, x: Value, *, backward: bool) -> list[Value]:
        """Return the state after each step, (1, N, H), in the order of the input."""
        builder, name = self._builder, self._name
        gates = fully_connected(builder, x, self._weights, self._bias, f"{name}/input")
        steps = range(x.shape[0])
        states: dict[int, Value] = {}
        state: Value | None = None
        for step in reversed(steps) if backward else steps:
            states[step] = state = self._step(gates, step, state)
        return [states[step] for step in steps]

    def _step(self, gates: Value, step: int, state: Value | None) -> Value:
        name = f"{self._name}/{step}"
        given = self._part(gates, 0, 3, f"{name}/x", step=step)
        if state is None:
            return self._first(given, name)
        back = fully_connected(
            *(self._builder, state, self._recurrence, self._recurrent_bias, f"{name}/state")
        )
        update, reset = self._gates(
            self._part(given, 0, 2, f"{name}/xg"), self._part(back, 0, 2, f"{name}/hg"), name
        )
        held = self._pair("MUL", reset, self._part(back, 2, 3, f"{name}/hn"), f"{name}/held")
        new = self._new(given, held, name)
        change = self._pair("SUB", state, new, f"{name}/change")
        kept = self._pair("MUL", update, change, f"{name}/kept")
        return self._pair("ADD", new, kept, f"{name}/out")

    def _first(self, given: Value, name: str) -> Value:
        """Add the first step, whose state is zero and so without a product, as converters do."""
        hidden = self._hidden
        both = self._constant(self._recurrent_bias[: 2 * hidden])
        update, reset = self._gates(self._part(given, 0, 2, f"{name}/xg"), both, name)
        back = self._constant(self._recurrent_bias[2 * hidden :])
        new = self._new(given, self._pair("MUL", reset, back, f"{name}/held"), name)
        kept = self._pair("MUL", update, new, f"{name}/kept")
        return self._pair("SUB", new, kept, f"{name}/out")

    def _gates(self, given: Value, back: Value, name: str) -> tuple[Value, Value]:
        sums = self._pair("ADD", given, back, f"{name}/sums")
        gates = self._single("LOGISTIC", sums, f"{name}/gates")
        return self._part(gates, 0, 1, f"{name}/z"), self._part(gates, 1, 2, f"{name}/r")

    def _new(self, given: Value, held: Value, name: str) -> Value:
        candidate = self._part(given, 2, 3, f"{name}/xn")
        return self._single("TANH", self._pair("ADD", candidate, held, f"{name}/n"), f"{name}/new")

    def _part(self, x: Value, first: int, end: int, name: str, step: int | None = None) -> Value:
        steps, batch, _ = x.shape
        bounds = {
            0: (0, steps, 1) if step is None else (step, step + 1, 1),
            1: (0, batch, 1),
            2: (first * self._hidden, end * self._hidden, 1),
        }
        return cut(self._builder, x, bounds, name)

    def _single(self, code: str, x: Value, name: str) -> Value:
        return self._builder.add(code, [x.index], x.shape, x.order, name=name)

    def _pair(self, code: str, x: Value, y: Value, name: str) -> Value:
        inputs, options = [x.index, y.index], f"{code.capitalize()}Options"
        return self._builder.add(code, inputs, x.shape, x.order, options, name=name)

    def _constant(self, values: np.ndarray) -> Value:
        index = self._builder.floats(values)
        return Value(index=index, shape=(1, 1, values.size), order=layout.plain(3))


def _joined(builder: Builder, values: list[Value], axis: int) -> Value:
    first = values[0]
    if len(values) == 1:
        return first
    shape = list(first.shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    inputs = [value.index for value in values]
    name = f"{builder.node.name}/joined"
    return builder.add(
        *("CONCATENATION", inputs, shape, first.order, "ConcatenationOptions"),
        name=name,
        axis=axis,
    )


HANDLERS: Mapping[str, Callable[[Builder], None]] = {"GRU": _gru}
