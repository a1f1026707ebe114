"""What building blocks are made of, as functions on tensors: for blocks and whole networks alike.

Each function adds nodes to a network and returns the block's output. Defaults are those of the
publication named; hyper-parameters, their names in a configuration and their checks live beside.
"""

from __future__ import annotations

from typing import Literal

from opscope.core.record import Record
from opscope.graph.activations import Activation
from opscope.graph.graph import Tensor
from opscope.graph.network import Network

Act = Activation | str
"""An activation, or its name."""

RESIDUAL_SCALE = 0.25
"""Scale of a residual branch's last BatchNorm: 50 units multiply magnitudes by some tens."""


class Squeeze(Record, frozen=True, kw_only=True):
    """How squeeze-and-excitation weighs channels.

    Attributes:
        channels: Channels between its two 1×1 layers.
        act: Activation between them.
        gate: What maps the weights into 0…1.
    """

    channels: int
    act: Activation = Activation.RELU
    gate: Activation = Activation.SIGMOID


class Branches(Record, frozen=True, kw_only=True):
    """Channels of the four branches of an Inception module (GoogLeNet, Table 1)."""

    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int


def squeeze_excite(net: Network, x: Tensor, squeeze: Squeeze) -> Tensor:
    """Multiply each channel by a weight that follows from all channels' means; the shape stays.

    The two fully connected layers are 1×1 convolutions with bias on (N, C, 1, 1).

    Source: Hu et al., Squeeze-and-Excitation Networks, Sec. 3 and Fig. 3.
    """
    y = net.conv(net.global_average_pool(x), squeeze.channels, 1)
    y = net.conv(net.activate(y, squeeze.act), x.channels, 1)
    return net.multiply(x, net.activate(y, squeeze.gate))


def separable(
    net: Network, x: Tensor, cout: int, *, k: int = 3, s: int = 1, act: Act = Activation.RELU
) -> Tensor:
    """Add a depthwise K×K and a 1×1 convolution, each with BatchNorm and activation.

    Source: Howard et al., MobileNets, Sec. 3.1 and Fig. 3.
    """
    y = net.conv_bn(x, x.channels, k, s=s, groups=x.channels, act=act)
    return net.conv_bn(y, cout, 1, act=act)


def inverted_residual(  # noqa: PLR0913 - the search space of mobile networks has these dimensions
    net: Network,
    x: Tensor,
    cout: int,
    *,
    expanded: int,
    k: int = 3,
    s: int = 1,
    act: Act = Activation.RELU6,
    squeeze: Squeeze | None = None,
    residual: bool = True,
) -> Tensor:
    """Add 1×1 expansion, depthwise K×K, squeeze-and-excitation if any, and linear 1×1 projection.

    The expansion is left out where ``expanded`` is Cin; the input is added where ``residual`` is
    asked for and the shape stayed (stride 1 and Cin = Cout).

    Source: Sandler et al., MobileNetV2, Sec. 3.4 and Fig. 4; with ``squeeze``, Howard et al.,
    Searching for MobileNetV3, Fig. 4, and Tan et al., MnasNet, Fig. 7.
    """
    y = x if expanded == x.channels else net.conv_bn(x, expanded, 1, act=act)
    y = net.conv_bn(y, expanded, k, s=s, groups=expanded, act=act)
    if squeeze:
        y = squeeze_excite(net, y, squeeze)
    y = net.conv_bn(y, cout, 1, act=Activation.NONE)
    return net.add(x, y) if residual and y.shape == x.shape else y


def shuffle_unit_v1(
    net: Network,
    x: Tensor,
    cout: int,
    *,
    groups: int = 3,
    k: int = 3,
    s: int = 1,
    group_first: bool = True,
) -> Tensor:
    """Add a ShuffleNet unit; at stride 1 Cout must be Cin, else Cout - Cin new channels are joined.

    Bottleneck channels are Cout / 4. ``group_first=False`` leaves the first 1×1 convolution
    ungrouped, as the first unit of stage 2 does. The pooled input counts padding as zeros, as the
    authors' code does.

    Source: Zhang et al., ShuffleNet, Sec. 3.2 and Fig. 2 (b, c); Sec. 3.3 for the first unit.
    """
    joined = s > 1
    y = net.conv_bn(x, cout // 4, 1, groups=groups if group_first else 1)
    y = net.shuffle(y, groups) if groups > 1 else y
    y = net.conv_bn(y, cout // 4, k, s=s, groups=cout // 4, act=Activation.NONE)
    if joined:
        y = net.conv_bn(y, cout - x.channels, 1, groups=groups, act=Activation.NONE)
        y = net.concat(net.average_pool(x, 3, s=s, pad=1, count_padding=True), y)
    else:
        y = net.conv_bn(y, cout, 1, groups=groups, act=Activation.NONE, scale=RESIDUAL_SCALE)
        y = net.add(x, y)
    return net.activate(y, Activation.RELU)


def shuffle_unit_v2(net: Network, x: Tensor, cout: int, *, k: int = 3, s: int = 1) -> Tensor:
    """Add a ShuffleNetV2 unit; at stride 1 half the channels pass and Cout must be Cin.

    Source: Ma et al., ShuffleNet V2, Sec. 3 and Fig. 3 (c, d).
    """
    half = cout // 2
    if s == 1:
        passed, y = net.split(x, x.channels - half, half)
    else:
        passed = net.conv_bn(x, x.channels, k, s=s, groups=x.channels, act=Activation.NONE)
        passed, y = net.conv_bn(passed, cout - half, 1), x
    y = net.conv_bn(y, half, 1)
    y = net.conv_bn(y, half, k, s=s, groups=half, act=Activation.NONE)
    y = net.conv_bn(y, half, 1)
    return net.shuffle(net.concat(passed, y), 2)


def dense_layer(
    net: Network, x: Tensor, growth: int = 32, *, bottleneck: int = 4, k: int = 3
) -> Tensor:
    """Join ``growth`` new channels to the input: (N, Cin, H, W) to (N, Cin + growth, H, W).

    Source: Huang et al., DenseNet, Sec. 3: BN-ReLU-Conv(1×1)-BN-ReLU-Conv(3×3), DenseNet-B with
    ``bottleneck`` · growth channels between.
    """
    y = net.activate(net.batch_norm(x), Activation.RELU)
    y = net.conv_bn(y, bottleneck * growth, 1)
    return net.concat(x, net.conv(y, growth, k, bias=False))


def shortcut(net: Network, x: Tensor, cout: int, s: int = 1) -> Tensor:
    """Return the input, projected by a 1×1 convolution with BatchNorm where the shape changes.

    Source: He et al., Deep Residual Learning, Sec. 3.3 (option B).
    """
    if s == 1 and x.channels == cout:
        return x
    return net.conv_bn(x, cout, 1, s=s, act=Activation.NONE)


def residual_basic(net: Network, x: Tensor, cout: int, *, k: int = 3, s: int = 1) -> Tensor:
    """Add two K×K convolutions around which the input is added.

    Source: He et al., Deep Residual Learning, Fig. 5 (left).
    """
    y = net.conv_bn(x, cout, k, s=s)
    y = net.conv_bn(y, cout, k, act=Activation.NONE, scale=RESIDUAL_SCALE)
    return net.activate(net.add(y, shortcut(net, x, cout, s)), Activation.RELU)


def residual_bottleneck(
    net: Network,
    x: Tensor,
    cout: int,
    *,
    middle: int,
    k: int = 3,
    s: int = 1,
    groups: int = 1,
    stride_in: Literal["1x1", "3x3"] = "3x3",
) -> Tensor:
    """Add 1×1, K×K and 1×1 convolutions around which the input is added.

    Args:
        net: The network.
        x: Input of shape (N, Cin, H, W).
        cout: Output channels.
        middle: Channels of the K×K convolution.
        k: Kernel size of the middle convolution.
        s: Stride.
        groups: Groups of the middle convolution: ResNeXt's cardinality.
        stride_in: Which convolution strides: the first 1×1 as published, or the K×K
            as ResNeXt and later ResNets do.

    Returns:
        The output of shape (N, Cout, H / S, W / S).

    Source: He et al., Deep Residual Learning, Fig. 5 (right); Xie et al., Aggregated Residual
    Transformations, Fig. 3 (c).
    """
    first, second = (s, 1) if stride_in == "1x1" else (1, s)
    y = net.conv_bn(x, middle, 1, s=first)
    y = net.conv_bn(y, middle, k, s=second, groups=groups)
    y = net.conv_bn(y, cout, 1, act=Activation.NONE, scale=RESIDUAL_SCALE)
    return net.activate(net.add(y, shortcut(net, x, cout, s)), Activation.RELU)


def inception_module(
    net: Network, x: Tensor, branches: Branches, *, batch_norm: bool = False, five: int = 5
) -> Tensor:
    """Join 1×1, 3×3 and 5×5 convolutions and a max pool, 3×3 and wider ones after 1×1 reductions.

    Every convolution has a ReLU; ``batch_norm`` puts BatchNorm before it, which the publication
    does not have, and ``five=3`` makes the 5×5 convolution 3×3, as TF-slim has it.

    Source: Szegedy et al., Going Deeper with Convolutions, Fig. 2 (b).
    """

    def conv(y: Tensor, cout: int, k: int) -> Tensor:
        if batch_norm:
            return net.conv_bn(y, cout, k)
        return net.activate(net.conv(y, cout, k), Activation.RELU)

    return net.concat(
        conv(x, branches.one, 1),
        conv(conv(x, branches.three_reduce, 1), branches.three, 3),
        conv(conv(x, branches.five_reduce, 1), branches.five, five),
        conv(net.max_pool(x, 3, pad=1), branches.pool, 1),
    )
