"""Who was used least: the order of numbers in every place, kept true at each use.

A number stands in one leaf: a heap of keys, the least used first. Above the leaves stand nodes (a state, a
country, the same area over several groups) that know the least key below them. One use changes one leaf and
climbs only as long as it changes the least of a node, so its cost does not grow with the inventory: the
leaf's logarithm, and the children of the few nodes whose least it was (a state has up to 45 areas).

A key is one integer: day of the last use | uses on that day | order of the last use | index. It only grows,
also over midnight: unused today stands before used today, then fewer uses first, then the longest ago.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace

INDEX_BITS = 24
_ORDER_BITS = 40
_COUNT_BITS = 20
COUNT_SHIFT = INDEX_BITS + _ORDER_BITS
DAY_SHIFT = COUNT_SHIFT + _COUNT_BITS
INDEX_MASK = (1 << INDEX_BITS) - 1
MAX_COUNT = (1 << _COUNT_BITS) - 1
"""Most uses a key can count; a higher cap is none."""
NOBODY = 1 << 128
"""Greater than every key: nobody here can be used."""


def make_key(*, day: int, count: int, order: int, index: int) -> int:
    """`day` is a proleptic ordinal, `count` 0 to `MAX_COUNT`, `index` 0 to 16,777,215."""
    return day << DAY_SHIFT | count << COUNT_SHIFT | order << INDEX_BITS | index


def index_of(key: int) -> int:
    """The number's index in a key."""
    return key & INDEX_MASK


def count_on(day: int, key: int) -> int:
    """How often the number was used on `day`, if that is the day of its last use or a later one."""
    return key >> COUNT_SHIFT & MAX_COUNT if key >> DAY_SHIFT == day else 0


def limit_key(*, day: int, cap: int) -> int:
    """The least key of a number that reached `cap` on `day`; with a cap of 0, every number has."""
    return make_key(day=day, count=min(cap, MAX_COUNT), order=0, index=0) if cap > 0 else 0


@dataclass(slots=True, eq=False)
class Node:
    """Knows the least key among its children."""

    best: int = NOBODY
    children: list[int] = field(default_factory=list)
    """The least key of each child, by the child's slot."""
    free: list[int] = field(default_factory=list)
    """Slots of children that left."""
    parents: list[tuple["Node", int]] = field(default_factory=list)
    """Each parent, and our slot in it."""

    def join(self, parent: "Node") -> None:
        """Become a child of `parent`."""
        if parent.free:
            slot = parent.free.pop()
        else:
            slot = len(parent.children)
            parent.children.append(NOBODY)
        self.parents.append((parent, slot))
        parent.children[slot] = self.best
        if self.best < parent.best:
            parent.change(self.best)

    def leave_all(self) -> None:
        """Be nobody's child any more."""
        parents, self.parents = self.parents, []
        for parent, slot in parents:
            parent.children[slot] = NOBODY
            parent.free.append(slot)
            if parent.best == self.best:
                parent.change(min(parent.children))

    def change(self, best: int) -> None:
        """Take a new least key, and tell the parents as far as it matters to them."""
        before = self.best
        self.best = best
        for parent, slot in self.parents:
            children = parent.children
            children[slot] = best
            if parent.best == before:
                parent.change(min(children))
            elif best < parent.best:
                parent.change(best)


@dataclass(slots=True, eq=False)
class Leaf(Node):
    """The numbers of one group in one place."""

    heap: list[int] = field(default_factory=list)
    """The keys of those that do not rest and are not paused."""
    members: set[int] = field(default_factory=set)
    """The indexes of all."""

    def add(self, key: int) -> None:
        """Let a number in."""
        heappush(self.heap, key)
        if key < self.best:
            self.change(key)

    def replace(self, position: int, key: int) -> None:
        """Give the number at `position` of the heap a greater key."""
        if position == 0:
            heapreplace(self.heap, key)
            self.change(self.heap[0])
        else:
            self.heap[position] = key
            _sink(self.heap, position)

    def remove(self, key: int) -> None:
        """Take a number out by its key, which must be here. Looks through the heap: 2 ms at 100,000."""
        self.take(self.heap.index(key))

    def take(self, position: int) -> None:
        """Take the number at `position` of the heap out."""
        heap = self.heap
        if position == 0:
            heappop(heap)
            self.change(heap[0] if heap else NOBODY)
            return
        last = heap.pop()
        if position < len(heap):
            heap[position] = last
            _sink(heap, position)
            _rise(heap, position)


def _sink(heap: list[int], position: int) -> None:
    key, size = heap[position], len(heap)
    while (child := 2 * position + 1) < size:
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[position] = heap[child]
        position = child
    heap[position] = key


def _rise(heap: list[int], position: int) -> None:
    key = heap[position]
    while position > 0 and heap[parent := (position - 1) // 2] > key:
        heap[position] = heap[parent]
        position = parent
    heap[position] = key
