from opscope.engine.protocol import visiting_order


def test_every_round_visits_every_member_once_in_an_order_of_its_own():
    members = list(range(12))
    orders = [visiting_order(members, seed="seed", round_=number) for number in range(10)]
    assert all(sorted(order) == members for order in orders)
    assert len({tuple(order) for order in orders}) == 10


def test_orders_repeat_with_the_seed_and_change_with_it():
    first, again, other = (
        visiting_order(range(12), seed=seed, round_=3) for seed in ("1", "1", "2")
    )
    assert first == again != other
