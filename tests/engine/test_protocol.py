from hypothesis import given
from hypothesis import strategies as st

from opscope.core.study import Protocol
from opscope.engine.protocol import rounds_of, visiting_orders


@given(st.integers(1, 40), st.integers(1, 6))
def test_every_round_falls_on_exactly_one_preparation_in_even_shares(rounds, preparations):
    protocol = Protocol(rounds=rounds, preparations=preparations)
    shares = [rounds_of(protocol, number) for number in range(preparations)]
    assert [number for share in shares for number in share] == list(range(rounds))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_every_round_visits_every_member_once_in_an_order_of_its_own():
    protocol = Protocol(rounds=20, preparations=2)
    members = list(range(12))
    orders = [order for _, order in visiting_orders(protocol, 0, members, "seed")]
    assert len(orders) == 10
    assert all(sorted(order) == members for order in orders)
    assert len({tuple(order) for order in orders}) == 10


def test_orders_repeat_with_the_seed_and_change_with_it():
    protocol, members = Protocol(), list(range(12))
    first, again, other = (
        list(visiting_orders(protocol, 0, members, seed)) for seed in ("1", "1", "2")
    )
    assert first == again != other
