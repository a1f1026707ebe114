"""Each operator's counts against arithmetic by hand, on models written by hand."""

import numpy as np
import pytest

from opscope.cost import count

# operator text, stored weights, MACs, element-wise ops, parameters, elements read and written
EXAMPLES = {
    # 6·6·4 outputs × 3·3·3; reads 3·8·8, 4·3·9, 4; writes 4·6·6
    "conv": (
        "g (float[1,3,8,8] x) => (float[1,4,6,6] y) { y = Conv(x, w, b) }",
        {"w": (4, 3, 3, 3), "b": (4,)},
        (3888, 0, 112, 192 + 108 + 4 + 144),
    ),
    # two groups: each output sees 2 of 4 channels
    "grouped": (
        (
            "g (float[2,4,5,5] x) => (float[2,6,5,5] y)"
            "{ y = Conv<group=2, kernel_shape=[3,3], pads=[1,1,1,1]>(x, w) }"
        ),
        {"w": (6, 2, 3, 3)},
        (2 * 6 * 25 * 18, 0, 108, 200 + 108 + 300),
    ),
    # as many groups as channels, asymmetric kernel, dilation 2: 9 - 2·2 = 5 columns
    "depthwise": (
        (
            "g (float[1,8,9,9] x) => (float[1,8,9,5] y)"
            "{ y = Conv<group=8, kernel_shape=[1,3], dilations=[1,2]>(x, w) }"
        ),
        {"w": (8, 1, 1, 3)},
        (8 * 45 * 3, 0, 24, 648 + 24 + 360),
    ),
    # stride 2 halves the sides: MACs use the output's, memory access each tensor's own
    "strided": (
        "g (float[1,2,8,8] x) => (float[1,2,4,4] y) { y = Conv<strides=[2,2]>(x, w) }",
        {"w": (2, 2, 1, 1)},
        (2 * 16 * 2, 0, 4, 128 + 4 + 32),
    ),
    # one axis
    "conv1d": (
        "g (float[1,2,10] x) => (float[1,3,8] y) { y = Conv(x, w) }",
        {"w": (3, 2, 3)},
        (3 * 8 * 6, 0, 18, 20 + 18 + 24),
    ),
    # each of 2·4·4 inputs meets 3·2·2 weights
    "transposed": (
        "g (float[1,2,4,4] x) => (float[1,3,8,8] y) { y = ConvTranspose<strides=[2,2]>(x, w) }",
        {"w": (2, 3, 2, 2)},
        (32 * 12, 0, 24, 32 + 24 + 192),
    ),
    "gemm": (
        "g (float[2,10] x) => (float[2,5] y) { y = Gemm<transB=1>(x, w, b) }",
        {"w": (5, 10), "b": (5,)},
        (100, 0, 55, 20 + 55 + 10),
    ),
    "gemm, first operand transposed": (
        "g (float[10,2] x) => (float[2,5] y) { y = Gemm<transA=1>(x, w) }",
        {"w": (10, 5)},
        (100, 0, 50, 20 + 50 + 10),
    ),
    "matmul": (
        "g (float[2,7,10] x) => (float[2,7,5] y) { y = MatMul(x, w) }",
        {"w": (10, 5)},
        (2 * 7 * 5 * 10, 0, 50, 140 + 50 + 70),
    ),
    # attention: both operands flow, none is a weight
    "matmul of activations": (
        "g (float[2,7,10] x, float[2,10,7] z) => (float[2,7,7] y) { y = MatMul(x, z) }",
        {},
        (2 * 49 * 10, 0, 0, 140 + 140 + 98),
    ),
    # 8 comparisons for each of 4·3·3 outputs
    "max pool": (
        (
            "g (float[1,4,7,7] x) => (float[1,4,3,3] y)"
            "{ y = MaxPool<kernel_shape=[3,3], strides=[2,2]>(x) }"
        ),
        {},
        (0, 36 * 8, 0, 196 + 36),
    ),
    # 8 additions and a multiplication
    "average pool": (
        (
            "g (float[1,4,7,7] x) => (float[1,4,3,3] y)"
            "{ y = AveragePool<kernel_shape=[3,3], strides=[2,2]>(x) }"
        ),
        {},
        (0, 36 * 9, 0, 196 + 36),
    ),
    "global average pool": (
        "g (float[1,4,7,7] x) => (float[1,4,1,1] y) { y = GlobalAveragePool(x) }",
        {},
        (0, 196, 0, 200),
    ),
    "global max pool": (
        "g (float[1,4,7,7] x) => (float[1,4,1,1] y) { y = GlobalMaxPool(x) }",
        {},
        (0, 192, 0, 200),
    ),
    "mean": (
        "g (float[1,4,7,7] x) => (float[1,4] y) { y = ReduceMean<keepdims=0>(x, axes) }",
        {"axes": np.array([2, 3])},
        (0, 196, 0, 200),
    ),
    "add": (
        "g (float[1,4,7,7] x, float[1,4,1,1] z) => (float[1,4,7,7] y) { y = Add(x, z) }",
        {},
        (0, 196, 0, 196 + 4 + 196),
    ),
    "divide": (
        "g (float[4,4] x, float[4,4] z) => (float[4,4] y) { y = Div(x, z) }",
        {},
        (0, 4 * 16, 0, 48),
    ),
    # three tensors: two additions each
    "sum": (
        "g (float[4] a, float[4] b, float[4] c) => (float[4] y) { y = Sum(a, b, c) }",
        {},
        (0, 8, 0, 16),
    ),
    # a stored vector is trained, a stored number is a setting
    "add a vector": (
        "g (float[2,5] x) => (float[2,5] y) { y = Add(x, b) }",
        {"b": (5,)},
        (0, 10, 5, 25),
    ),
    "multiply by a number": (
        "g (float[2,5] x) => (float[2,5] y) { y = Mul(x, b) }",
        {"b": ()},
        (0, 10, 0, 20),
    ),
    "concat": (
        "g (float[1,4,2,2] x, float[1,3,2,2] z) => (float[1,7,2,2] y) { y = Concat<axis=1>(x, z) }",
        {},
        (0, 0, 0, 56),
    ),
    "split": (
        "g (float[6,2] x) => (float[2,2] y, float[4,2] z) { y, z = Split(x, s) }",
        {"s": np.array([2, 4])},
        (0, 0, 0, 24),
    ),
    # a slice reads what it puts out
    "slice": (
        "g (float[6,2] x) => (float[2,2] y) { y = Slice(x, a, b) }",
        {"a": np.array([0]), "b": np.array([2])},
        (0, 0, 0, 8),
    ),
    "transpose": (
        "g (float[6,2] x) => (float[2,6] y) { y = Transpose(x) }",
        {},
        (0, 0, 0, 24),
    ),
    # views move nothing
    "reshape": (
        "g (float[6,2] x) => (float[3,4] y) { y = Reshape(x, s) }",
        {"s": np.array([3, 4])},
        (0, 0, 0, 0),
    ),
    "flatten": ("g (float[2,3,4] x) => (float[2,12] y) { y = Flatten(x) }", {}, (0, 0, 0, 0)),
    "identity": ("g (float[2] x) => (float[2] y) { y = Identity(x) }", {}, (0, 0, 0, 0)),
    "pad": (
        "g (float[1,1,2,2] x) => (float[1,1,4,4] y) { y = Pad(x, p) }",
        {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1])},
        (0, 0, 0, 20),
    ),
    # a table of 100 × 8 trained, of which 3 rows are read
    "embedding": (
        "g (int64[3] x) => (float[3,8] y) { y = Gather(t, x) }",
        {"t": (100, 8)},
        (0, 0, 800, 24 + 24),
    ),
    # x·a + b; running mean and variance are read but not trained
    "batch norm": (
        "g (float[1,4,3,3] x) => (float[1,4,3,3] y) { y = BatchNormalization(x, s, b, m, v) }",
        dict.fromkeys("sbmv", (4,)),
        (0, 72, 8, 36 + 16 + 36),
    ),
    "layer norm": (
        "g (float[2,8] x) => (float[2,8] y) { y = LayerNormalization(x, s, b) }",
        {"s": (8,), "b": (8,)},
        (0, 7 * 16, 16, 48),
    ),
    "softmax": ("g (float[2,8] x) => (float[2,8] y) { y = Softmax(x) }", {}, (0, 15 * 16, 0, 32)),
    "nearest": (
        "g (float[1,2,4,4] x) => (float[1,2,8,8] y) { y = Resize(x, , s) }",
        {"s": np.array([1, 1, 2, 2], np.float32)},
        (0, 0, 0, 32 + 128),
    ),
    # four taps multiplied and summed: 7 for each of 128 outputs
    "bilinear": (
        'g (float[1,2,4,4] x) => (float[1,2,8,8] y) { y = Resize<mode="linear">(x, , s) }',
        {"s": np.array([1, 1, 2, 2], np.float32)},
        (0, 7 * 128, 0, 32 + 128),
    ),
    # five steps of (3·6 × 4 and 3·6 × 6) MACs; per unit 3 + 2·14 + 15 + 1 + 4 operations
    "gru": (
        "g (float[5,1,4] x) => (float[5,1,1,6] y) { y = GRU<hidden_size=6>(x, w, r, b) }",
        {"w": (1, 18, 4), "r": (1, 18, 6), "b": (1, 36)},
        (5 * (72 + 108), 51 * 30, 216, 20 + 216 + 30),
    ),
    # both directions; per unit 4 + 3·14 + 15 + 3 + 15 + 1
    "lstm": (
        (
            "g (float[5,2,4] x) => (float[5,2,2,6] y)"
            '{ y = LSTM<hidden_size=6, direction="bidirectional">(x, w, r) }'
        ),
        {"w": (2, 24, 4), "r": (2, 24, 6)},
        (10 * (192 + 288), 80 * 120, 480, 40 + 480 + 120),
    ),
    "quantise": (
        "g (float[8] x) => (uint8[8] y) { y = QuantizeLinear(x, s, z) }",
        {"s": (), "z": np.array(3, np.uint8)},
        (0, 40, 0, 16),
    ),
    "dequantise": (
        "g (uint8[8] x) => (float[8] y) { y = DequantizeLinear(x, s, z) }",
        {"s": (), "z": np.array(3, np.uint8)},
        (0, 16, 0, 16),
    ),
    # a convolution, and 5 operations for each of 4·6·6 outputs back to 8 bits
    "quantised conv": (
        "g (uint8[1,3,8,8] x) => (uint8[1,4,6,6] y) { y = QLinearConv(x, s, z, w, t, u, s, z, b) }",
        {
            "s": (),
            "z": np.array(3, np.uint8),
            "w": np.ones((4, 3, 3, 3), np.int8),
            "t": (4,),
            "u": np.zeros(4, np.int8),
            "b": np.ones(4, np.int32),
        },
        (3888, 5 * 144, 112, 192 + 108 + 4 + 144),
    ),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_counts_what_the_formula_says(onnx_model, example):
    text, weights, expected = EXAMPLES[example]
    cost = count(onnx_model(text, **weights))
    counted = (cost.macs, cost.elementwise_ops, cost.parameters, cost.memory_access_elements)
    assert counted == expected
    assert cost.ops == cost.macs + cost.elementwise_ops
    assert cost.uncounted == ()


def elementwise_ops(onnx_model, nodes):
    text = f"g (float[1,96,28,28] x) => (float[1,96,28,28] y) {{ {nodes} }}"
    bounds = {"low": np.float32(0), "high": np.float32(6)}
    return count(onnx_model(text, **{k: np.array(v) for k, v in bounds.items()})).elementwise_ops


def test_activations_are_ordered_as_in_the_behaviour_study(onnx_model):
    """Sec. 4.3: ReLU < ReLU6 < HardSwish < Sigmoid < Swish."""
    relu, relu6, hard_swish, sigmoid, swish = (
        elementwise_ops(onnx_model, nodes)
        for nodes in (
            "y = Relu(x)",
            "y = Clip(x, low, high)",
            "y = HardSwish(x)",
            "y = Sigmoid(x)",
            "s = Sigmoid(x) y = Mul(x, s)",
        )
    )
    assert relu == 96 * 28 * 28
    assert relu < relu6 < hard_swish < sigmoid < swish


def test_an_unknown_operator_is_named_and_not_zero(onnx_model):
    text = (
        "g (float[1,3,8,8] x) => (float[1,4,6,6] y){ c = Conv(x, w) y = com.example.Strange(c, v) }"
    )
    cost = count(onnx_model(text, "com.example", w=(4, 3, 3, 3), v=(4, 2)))
    strange = cost.layers[1]
    assert (strange.macs, strange.elementwise_ops, strange.ops) == (None, None, None)
    assert strange.uncounted == "not counted: operator com.example.Strange"
    assert cost.uncounted == (f"not counted: operator com.example.Strange ({strange.name})",)
    assert cost.macs == 3888
    assert cost.parameters == 108 + 8
    assert strange.memory_access_elements == 144 + 8 + 144


def test_a_known_operator_with_too_few_inputs_is_refused_by_name(onnx_model):
    from opscope.errors import InputError

    model = onnx_model("g (float[1,3,8,8] x) => (float[1,4,6,6] y) { y = Conv(x) }")
    with pytest.raises(InputError, match=r"conv@0.*\(Conv\).*onnx\.checker"):
        count(model)
