"""Search for the execution order that needs least activation memory. What one needs: `memory`.

Which buffers are alive depends only on the set of nodes executed, not on their order; so this is a
path with the lowest highest point through the sets that an order can reach. Three steps keep the
sets few: the network is cut where every path goes through one node, and each part searched by
itself; a node that needs no new high and leaves no more alive than before is executed at once,
which no order can better, and which contracts chains; and no part need be lower than the lower
bound of another.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from opscope.cost.memory import Buffers, live_bytes

_EFFORT = 1_000_000
"""Steps tried in one network, about a second, before the best order so far has to do."""

_BEAM = 64
"""States kept at each step where trying all would take too many."""


class _State(NamedTuple):
    """A set of executed nodes, as bits, and what follows from it."""

    executed: int
    alive: int
    ready: tuple[int, ...]


class _Part(NamedTuple):
    """Nodes between two cuts: their given order and its peak, and the state before them."""

    start: _State
    nodes: Sequence[int]
    peak: int


class _Found(NamedTuple):
    """An order of a part, its peak, and what no order of the part is below."""

    nodes: Sequence[int]
    peak: int
    bound: int


class _Path(NamedTuple):
    """How a state was reached: the node executed last, and the path before it."""

    before: _Path | None
    node: int


def best_order(buffers: Buffers, order: Sequence[int]) -> tuple[Sequence[int], bool]:
    """Return an order no worse than ``order``, and whether no order at all is better.

    Args:
        buffers: The network's activations.
        order: A possible order, which is returned itself where none better is found.
    """
    trace = live_bytes(buffers, order)
    peak, bound = max(trace, default=0), _bound(buffers)
    if peak <= bound:
        return order, True
    memory = _Memory(buffers)
    parts = _parts(memory, order, trace)
    found: dict[int, Sequence[int]] = {}
    worst = bound
    for part in sorted(parts, key=lambda part: -part.peak):
        nodes, part_peak, part_bound = _search(memory, part, bound)
        found[part.start.executed] = nodes
        worst, bound = max(worst, part_peak), max(bound, part_bound)
    if worst >= peak:
        return order, peak <= bound
    return [node for part in parts for node in found[part.start.executed]], worst <= bound


def _bound(buffers: Buffers) -> int:
    """Return what some node needs by itself: its inputs and outputs."""
    needs = zip(buffers.reads, buffers.writes, strict=True)
    return max((sum([buffers.sizes[b] for b in (*r, *w)]) for r, w in needs), default=0)


class _Memory:
    """The buffers as bit masks of their readers, and the step from a state to the next."""

    def __init__(self, buffers: Buffers) -> None:
        readers = [0] * len(buffers.sizes)
        for node, read in enumerate(buffers.reads):
            for b in read:
                readers[b] |= 1 << node
        passing = [b not in buffers.kept for b in range(len(buffers.sizes))]
        sizes = buffers.sizes
        self.count = len(buffers.reads)
        self.left = _EFFORT
        self.output = [sum(sizes[b] for b in written) for written in buffers.writes]
        self._unread = [
            sum(sizes[b] for b in written if passing[b] and not readers[b])
            for written in buffers.writes
        ]
        self._freed = [
            [(readers[b], sizes[b]) for b in read if passing[b]] for read in buffers.reads
        ]
        self.before = [sum(1 << p for p in after) for after in buffers.after]
        self.followers: list[list[int]] = [[] for _ in buffers.after]
        for node, after in enumerate(buffers.after):
            for p in after:
                self.followers[p].append(node)
        given = sum(sizes[b] for b in buffers.given if readers[b] or not passing[b])
        sources = tuple(node for node in range(self.count) if not self.before[node])
        self.start = _State(0, given, sources)

    def growth(self, state: _State, node: int) -> int:
        """Return by how much executing ``node`` changes the memory that stays alive."""
        self.left -= 1
        executed = state.executed | 1 << node
        growth = self.output[node] - self._unread[node]
        for readers, size in self._freed[node]:
            if not readers & ~executed:
                growth -= size
        return growth

    def execute(self, state: _State, node: int) -> _State:
        """Return the state after ``node``."""
        executed = state.executed | 1 << node
        ready = [n for n in state.ready if n != node]
        ready += [n for n in self.followers[node] if not self.before[n] & ~executed]
        return _State(executed, state.alive + self.growth(state, node), tuple(ready))

    def settle(
        self, state: _State, path: _Path | None, peak: int, goal: int
    ) -> tuple[_State, _Path | None]:
        """Execute what costs nothing: no memory above ``peak``, and none more than before.

        No order is worse for it: a node's growth only falls as others execute, so that doing it
        first leaves every later state with no more alive.
        """
        free = True
        while free:
            free = False
            for node in state.ready:
                if not goal >> node & 1 or state.alive + self.output[node] > peak:
                    continue
                if self.growth(state, node) <= 0:
                    state, path, free = self.execute(state, node), _Path(path, node), True
                    break
        return state, path


def _parts(memory: _Memory, order: Sequence[int], trace: list[int]) -> list[_Part]:
    """Cut an order after each node that all others must either precede or follow."""
    above, below = [0] * memory.count, [0] * memory.count
    for node in order:
        for follower in memory.followers[node]:
            above[follower] |= above[node] | 1 << node
    for node in reversed(order):
        for follower in memory.followers[node]:
            below[node] |= below[follower] | 1 << follower
    parts, state, begin = [], memory.start, memory.start
    first = 0
    for step, node in enumerate(order):
        state = memory.execute(state, node)
        related = (above[node] | below[node]).bit_count()
        if related == memory.count - 1 or step == memory.count - 1:
            parts.append(_Part(begin, order[first : step + 1], max(trace[first : step + 1])))
            begin, first = state, step + 1
    return parts


def _search(memory: _Memory, part: _Part, floor: int) -> _Found:
    """Return the best order of a part, or any at or below ``floor``."""
    if part.peak <= floor:
        return _Found(part.nodes, part.peak, floor)
    goal = sum(1 << node for node in part.nodes) | part.start.executed
    best = min(
        _Found(part.nodes, part.peak, floor),
        _greedy(memory, part, floor, goal),
        key=lambda found: found.peak,
    )
    if best.peak > floor:
        best = _best_first(memory, part, best, goal)
    return best if best.peak <= best.bound else _beam(memory, part, best, goal)


def _greedy(memory: _Memory, part: _Part, floor: int, goal: int) -> _Found:
    """Execute what needs no new high and leaves least alive, else what needs least."""
    peak, path = floor, None
    state, path = memory.settle(part.start, None, peak, goal)
    while state.executed != goal:
        if memory.left < 0:
            return _Found(part.nodes, part.peak, floor)
        node = min(
            (n for n in state.ready if goal >> n & 1),
            key=lambda n: (max(peak, state.alive + memory.output[n]), memory.growth(state, n)),
        )
        peak = max(peak, state.alive + memory.output[node])
        state, path = memory.settle(memory.execute(state, node), _Path(path, node), peak, goal)
    return _Found(_nodes(path), peak, floor)


def _best_first(memory: _Memory, part: _Part, known: _Found, goal: int) -> _Found:
    """Search states by rising peak, those nearest to the end first; ``known`` is to be bettered."""
    state, path = memory.settle(part.start, None, known.bound, goal)
    ticket = itertools.count()
    queue = [(known.bound, 0, next(ticket), state, path)]
    reached = {state.executed: known.bound}
    enough = memory.left * 3 // 4  # what is left is for other ways and other parts
    while queue and memory.left > enough:
        peak, _, _, state, path = heapq.heappop(queue)
        if state.executed == goal:
            return _Found(_nodes(path), peak, peak)
        for high, after, to in _steps(memory, state, path, peak, goal):
            if high < reached.get(after.executed, known.peak):
                reached[after.executed] = high
                rank = -after.executed.bit_count()
                heapq.heappush(queue, (high, rank, next(ticket), after, to))
    return _Found(known.nodes, known.peak, queue[0][0] if queue else known.peak)


def _beam(memory: _Memory, part: _Part, known: _Found, goal: int) -> _Found:
    """Search step by step, going on from the few states of the lowest peak and least alive."""
    front = [(known.bound, *memory.settle(part.start, None, known.bound, goal))]
    enough = memory.left // 2
    while front and memory.left > enough:
        reached: dict[int, tuple[int, _State, _Path | None]] = {}
        for peak, state, path in front:
            if state.executed == goal:
                return _Found(_nodes(path), peak, known.bound)
            for high, after, to in _steps(memory, state, path, peak, goal):
                if high < reached.get(after.executed, (known.peak,))[0]:
                    reached[after.executed] = (high, after, to)
        front = heapq.nsmallest(
            _BEAM, reached.values(), key=lambda found: (found[0], found[1].alive)
        )
    return known


def _steps(
    memory: _Memory, state: _State, path: _Path | None, peak: int, goal: int
) -> Iterator[tuple[int, _State, _Path | None]]:
    """Yield peak, state and path after each node that may come next."""
    for node in state.ready:
        if goal >> node & 1:
            high = max(peak, state.alive + memory.output[node])
            yield high, *memory.settle(memory.execute(state, node), _Path(path, node), high, goal)


def _nodes(path: _Path | None) -> list[int]:
    nodes = []
    while path:
        nodes.append(path.node)
        path = path.before
    return nodes[::-1]
