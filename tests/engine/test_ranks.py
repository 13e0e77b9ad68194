from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.ranks import NOBODY, Leaf, Node, count_on, index_of, limit_key, make_key

DAY = 739_000
KEYS = st.lists(st.integers(0, 10**6), unique=True, min_size=1, max_size=40)
STEPS = st.lists(st.tuples(st.sampled_from(["replace", "take", "add"]), st.integers(0), st.integers(1)))


def is_heap(heap: list[int]) -> bool:
    return all(heap[(child - 1) // 2] <= heap[child] for child in range(1, len(heap)))


@given(KEYS, STEPS)
def test_node_above_always_knows_the_least_key(keys: list[int], steps: list[tuple[str, int, int]]) -> None:
    leaves = [Leaf(), Leaf(), Leaf()]
    middle, top = Node(), Node()
    leaves[0].join(middle)
    leaves[1].join(middle)
    middle.join(top)
    leaves[2].join(top)
    for number, key in enumerate(keys):
        leaves[number % 3].add(key)
    for number, (kind, where, more) in enumerate(steps):
        leaf = leaves[number % 3]
        if kind == "add":
            leaf.add(where % 10**6)
        elif leaf.heap:
            position = where % len(leaf.heap)
            if kind == "take":
                leaf.take(position)
            else:
                leaf.replace(position, leaf.heap[position] + more)
        assert is_heap(leaf.heap)
        assert middle.best == min([NOBODY, *leaves[0].heap, *leaves[1].heap])
        assert top.best == min([middle.best, *leaves[2].heap])


def test_child_that_joins_late_brings_its_least_key() -> None:
    leaf, top = Leaf(), Node()
    leaf.add(7)
    leaf.join(top)
    assert top.best == 7


def test_key_tells_its_index_and_the_uses_of_its_day() -> None:
    key = make_key(day=DAY, count=12, order=99, index=5)
    assert index_of(key) == 5
    assert count_on(DAY, key) == 12
    assert count_on(DAY + 1, key) == 0


def test_unused_today_stands_before_used_once_whatever_was_yesterday() -> None:
    yesterday = make_key(day=DAY - 1, count=75, order=5, index=1)
    assert yesterday < make_key(day=DAY, count=1, order=1, index=0)


def test_limit_lies_between_the_last_allowed_use_and_the_first_refused() -> None:
    limit = limit_key(day=DAY, cap=75)
    assert make_key(day=DAY, count=74, order=2**39, index=9) < limit
    assert make_key(day=DAY, count=75, order=0, index=0) >= limit
    assert make_key(day=DAY - 1, count=900, order=0, index=0) < limit


def test_key_that_fills_a_gap_rises_above_greater_parents() -> None:
    leaf = Leaf()
    for key in (1, 10, 2, 11, 12, 3, 4):
        leaf.add(key)
    assert leaf.heap == [1, 10, 2, 11, 12, 3, 4]
    leaf.take(3)
    assert is_heap(leaf.heap)
    assert sorted(leaf.heap) == [1, 2, 3, 4, 10, 12]


def test_child_that_leaves_takes_its_key_along_and_its_slot_is_used_again() -> None:
    first, second, top = Leaf(), Leaf(), Node()
    first.add(3)
    second.add(5)
    first.join(top)
    second.join(top)
    first.leave_all()
    assert top.best == 5
    first.add(1)
    assert top.best == 5
    first.join(top)
    assert top.best == 1
    assert len(top.children) == 2


def test_number_is_removed_by_its_key() -> None:
    leaf, top = Leaf(), Node()
    leaf.join(top)
    for key in (4, 2, 9):
        leaf.add(key)
    leaf.remove(2)
    assert top.best == 4
    assert is_heap(leaf.heap)
