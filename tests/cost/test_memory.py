"""Peak activation memory: by hand, and against every order there is on small random graphs."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from opscope.core.configuration import Precision
from opscope.cost import count
from opscope.cost.memory import Buffers, live_buffers, live_bytes
from opscope.cost.search import best_order
from opscope.graph.network import Network


def test_a_chain_needs_the_largest_pair_of_neighbours():
    net = Network()
    x = net.input((1, 4, 8, 8))  # 256 elements
    x = net.conv(x, 16, 3, s=2)  # 256
    x = net.conv(x, 32, 1)  # 512
    x = net.conv(x, 8, 3, s=2)  # 32
    cost = count(net.finish(x), precision=Precision.INT8)
    assert cost.peak_activation_bytes == 256 + 512
    assert [layer.live_bytes for layer in cost.layers] == [512, 768, 544]
    assert cost.peak.node == "conv1"
    assert [(tensor.name, tensor.bytes) for tensor in cost.peak.tensors] == [
        ("conv1", 512),
        ("conv0", 256),
    ]
    assert cost.peak_is_minimum


def test_a_skip_connection_stays_until_it_is_added():
    net = Network()
    x = net.input((1, 2, 4, 4))  # 32 elements
    y = net.conv(x, 2, 3)
    z = net.add(net.conv(y, 2, 3), x)
    cost = count(net.finish(z), precision=Precision.INT8)
    assert [layer.live_bytes for layer in cost.layers] == [64, 96, 96]
    assert cost.peak_activation_bytes == 96
    assert {tensor.name for tensor in cost.peak.tensors} == {"input", "conv0", "conv1"}


def test_views_share_memory_and_outputs_stay():
    net = Network()
    x = net.input((1, 2, 4, 4))
    y = net.activate(x, "relu")
    flat = net.flatten(y)
    cost = count(net.finish(y, net.softmax(flat)), precision=Precision.INT8)
    assert [layer.live_bytes for layer in cost.layers] == [64, 32, 64]


def test_dense_connections_keep_what_a_chain_frees():
    """Not-all-ops, Sec. 3: feed-forward connections to later layers add concurrent data."""

    def network(*, dense):
        net = Network()
        outputs = [net.input((1, 8, 8, 8))]
        for _ in range(9):
            inputs = outputs if dense else outputs[-1:]
            x = net.concat(*inputs) if len(inputs) > 1 else inputs[0]
            outputs.append(net.conv(x, 8, 3))
        return count(net.finish(outputs[-1]))

    tensor = 4 * 8 * 8 * 8
    assert network(dense=False).peak_activation_bytes == 2 * tensor
    # nine pieces and their joint copy
    assert network(dense=True).peak_activation_bytes == 18 * tensor


def test_the_better_order_finishes_a_branch_before_the_next():
    """Four branches grow and shrink; side by side, they would all be large at once."""
    net = Network()
    x = net.input((1, 1, 8, 8))
    grown = [net.conv(x, 16, 3) for _ in range(4)]
    shrunk = [net.conv(y, 1, 1) for y in grown]
    cost = count(net.finish(net.concat(*shrunk)), precision=Precision.INT8)
    assert cost.peak_activation_bytes_given_order == 64 * (4 * 16 + 1)
    # the input, three finished branches, and the fourth: large, and shrunk beside it
    assert cost.peak_activation_bytes == 64 * (3 + 16 + 1)
    assert cost.peak_is_minimum
    assert cost.peak.order[-1] == "concat0"
    assert cost.peak_given_order.order[:4] == ("conv0", "conv1", "conv2", "conv3")


@st.composite
def graphs(draw, nodes=7):
    """Draw buffers of a random graph; views, several outputs and unread tensors included."""
    sizes = draw(st.lists(st.integers(0, 9), min_size=1, max_size=2))
    given_buffers = tuple(range(len(sizes)))
    writer = dict.fromkeys(given_buffers)
    writes, reads, after = [], [], []
    for node in range(draw(st.integers(1, nodes))):
        read = draw(st.sets(st.integers(0, len(sizes) - 1), min_size=0, max_size=3))
        written = []
        for _ in range(draw(st.integers(0, 2))):
            writer[len(sizes)] = node
            written.append(len(sizes))
            sizes.append(draw(st.integers(0, 9)))
        writes.append(tuple(written))
        reads.append(tuple(sorted(read)))
        after.append(tuple({writer[b] for b in read} - {None}))
    kept = draw(st.sets(st.integers(0, len(sizes) - 1), max_size=2))
    names = tuple(f"b{b}" for b in range(len(sizes)))
    return Buffers(
        names=names,
        sizes=tuple(sizes),
        writes=tuple(writes),
        reads=tuple(reads),
        after=tuple(after),
        given=given_buffers,
        kept=frozenset(kept),
    )


def possible(buffers, order):
    place = {node: step for step, node in enumerate(order)}
    return all(place[p] < place[node] for node in order for p in buffers.after[node])


def peak_by_definition(buffers, order):
    """Add up, for each node, its own tensors and those that are there and still needed."""
    peaks = []
    for step, node in enumerate(order):
        there = {*buffers.given, *(b for n in order[:step] for b in buffers.writes[n])}
        needed = {b for n in order[step:] for b in buffers.reads[n]} | buffers.kept
        alive = (there & needed) | {*buffers.writes[node]}
        peaks.append(sum(buffers.sizes[b] for b in alive))
        assert live_buffers(buffers, order, step) == sorted(alive)
    return peaks


@given(graphs(nodes=6))
def test_best_order_is_the_best_of_all(buffers):
    nodes = range(len(buffers.reads))
    orders = [order for order in permutations(nodes) if possible(buffers, order)]
    peaks = {order: max(peak_by_definition(buffers, order)) for order in orders}
    found, minimum = best_order(buffers, nodes)
    assert possible(buffers, found)
    assert peaks[tuple(found)] == min(peaks.values())
    assert minimum


@given(graphs(nodes=12))
def test_memory_of_an_order_is_what_the_definition_says(buffers):
    order = range(len(buffers.reads))
    assert live_bytes(buffers, order) == peak_by_definition(buffers, order)


@settings(max_examples=60)  # a large graph may take the whole search
@given(graphs(nodes=30))
def test_the_best_order_is_possible_and_never_worse(buffers):
    given_order = range(len(buffers.reads))
    found, _ = best_order(buffers, given_order)
    assert sorted(found) == list(given_order)
    assert possible(buffers, found)
    assert max(live_bytes(buffers, found)) <= max(live_bytes(buffers, given_order))


def test_where_trying_all_is_too_much_the_best_found_is_said_to_be_that(monkeypatch):
    """Thirty branches of two nodes each: 3^30 sets that an order may reach."""
    monkeypatch.setattr("opscope.cost.search._EFFORT", 20_000)
    width = 30
    buffers = Buffers(
        names=tuple(f"b{b}" for b in range(2 * width + 2)),
        sizes=(1, *(20 + 7 * b % 30 for b in range(width)), *range(1, width + 1), 1),
        writes=tuple((b,) for b in range(1, 2 * width + 2)),
        reads=(
            *(((0,),) * width),
            *((b,) for b in range(1, width + 1)),
            tuple(range(width + 1, 2 * width + 1)),
        ),
        after=(*(((),) * width), *((n,) for n in range(width)), tuple(range(width, 2 * width))),
        given=(0,),
        kept=frozenset({2 * width + 1}),
    )
    given_order = range(2 * width + 1)
    found, minimum = best_order(buffers, given_order)
    assert possible(buffers, found)
    assert max(live_bytes(buffers, found)) < 0.8 * max(live_bytes(buffers, given_order))
    assert not minimum
