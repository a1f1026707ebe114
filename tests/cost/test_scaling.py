"""Each count scales as its formula says, whatever the other hyper-parameters are."""

from hypothesis import given
from hypothesis import strategies as st

from opscope.core.configuration import Precision
from opscope.cost import count
from opscope.graph.network import Network

SIZES = st.integers(min_value=1, max_value=64)
KERNELS = st.sampled_from([1, 2, 3, 5, 7])
BATCHES = st.integers(min_value=1, max_value=8)


def conv(batch, h, cin, cout, k, s=1, groups=1, *, bias=False):
    net = Network()
    y = net.conv(net.input((batch, cin, h, h)), cout, k, s=s, pad=k, groups=groups, bias=bias)
    return count(net.finish(y)), y.shape[2]


@given(BATCHES, SIZES, SIZES, SIZES, KERNELS, st.integers(1, 3))
def test_convolution_follows_table_3(batch, h, cin, cout, k, s):
    cost, out = conv(batch, h, cin, cout, k, s)
    assert cost.macs == batch * out**2 * cin * cout * k**2
    assert cost.parameters == cin * cout * k**2
    assert cost.memory_access_elements == (
        batch * h**2 * cin + batch * out**2 * cout + k**2 * cin * cout
    )
    assert cost.macs_per_output == cin * k**2
    assert cost.peak_activation_bytes == 4 * batch * (h**2 * cin + out**2 * cout)


@given(BATCHES, SIZES, SIZES, SIZES, KERNELS)
def test_doubling_output_channels_doubles_macs_and_parameters(batch, h, cin, cout, k):
    once, out = conv(batch, h, cin, cout, k, bias=True)
    twice, _ = conv(batch, h, cin, 2 * cout, k, bias=True)
    assert twice.macs == 2 * once.macs
    assert twice.parameters == 2 * once.parameters
    more = batch * out**2 * cout + k**2 * cin * cout + cout
    assert twice.memory_access_elements - once.memory_access_elements == more


@given(SIZES, SIZES, SIZES, KERNELS, st.integers(2, 8))
def test_groups_divide_macs_and_weights_but_not_activations(h, cin, cout, k, groups):
    cin, cout = cin * groups, cout * groups
    one, out = conv(1, h, cin, cout, k)
    many, _ = conv(1, h, cin, cout, k, groups=groups)
    assert one.macs == groups * many.macs
    assert one.parameters == groups * many.parameters
    activations = h**2 * cin + out**2 * cout
    assert one.memory_access_elements - activations == one.parameters
    assert many.memory_access_elements - activations == many.parameters
    assert many.data_reuse < one.data_reuse


@given(BATCHES, SIZES, SIZES, KERNELS)
def test_depthwise_is_a_group_for_each_channel(batch, h, c, k):
    cost, out = conv(batch, h, c, c, k, groups=c)
    assert cost.macs == batch * out**2 * c * k**2
    assert cost.parameters == c * k**2
    assert cost.macs_per_output == k**2


@given(BATCHES, SIZES, SIZES, st.sampled_from(list(Precision)))
def test_batch_scales_all_but_the_weights(batch, h, c, precision):
    def network(batch):
        net = Network()
        x = net.input((batch, c, h, h))
        y = net.conv_bn(x, 2 * c, 3, act="hard_swish")
        return count(net.finish(net.max_pool(y, 3, s=2, pad=1)), precision=precision)

    one, many = network(1), network(batch)
    assert many.macs == batch * one.macs
    assert many.elementwise_ops == batch * one.elementwise_ops
    assert many.peak_activation_bytes == batch * one.peak_activation_bytes
    assert (many.parameters, many.weight_bytes) == (one.parameters, one.weight_bytes)
    weights = one.parameters + 4 * c
    access = one.memory_access_elements - weights
    assert many.memory_access_elements == batch * access + weights


@given(BATCHES, SIZES, SIZES)
def test_fully_connected_is_a_convolution_of_one_pixel(batch, cin, cout):
    net = Network()
    linear = count(net.finish(net.fully_connected(net.input((batch, cin)), cout)))
    assert linear.macs == batch * cin * cout
    assert linear.parameters == cin * cout + cout
    assert linear.memory_access_elements == batch * (cin + cout) + linear.parameters


@given(SIZES, SIZES, st.integers(1, 5))
def test_elementwise_operators_grow_with_elements_only(h, c, times):
    def network(c):
        net = Network()
        x = net.input((1, c, h, h))
        for _ in range(times):
            x = net.activate(net.add(x, x), "swish")
        return count(net.finish(x))

    once, twice = network(c), network(2 * c)
    assert once.macs == once.parameters == 0
    assert twice.elementwise_ops == 2 * once.elementwise_ops == 2 * times * 16 * c * h**2
    assert twice.memory_access_elements == 2 * once.memory_access_elements
