"""Every number under the places it can be found in: areas, states and countries of each scope.

    leaf (group, area, branded?) ─► area of a wider scope ─► state ─► country

Toll-free numbers are a place of their own and belong to no state or country, so that nobody gets one unasked.
"""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from gateway.engine.geo import Geography, Point, is_toll_free
from gateway.engine.pools import ALL, SHARED, Pools, Scope
from gateway.engine.ranks import NOBODY, Leaf, Node
from gateway.model.inventory import Ani

Tree = dict[str, Node]
"""Place -> the node that knows the least used number there."""


# Most points whose neighbours one view remembers: most of a country's zips, 10 MB.
_REMEMBERED = 20_000


def toll_free_place(country: str) -> str:
    """The place of a country's toll-free numbers."""
    return country + " toll-free"


class Forest:
    """One tree for each scope, branded and plain numbers apart."""

    def __init__(self, geography: Geography, pools: Pools) -> None:
        self._geography = geography
        self._pools = pools
        self._trees: dict[tuple[Scope, bool], Tree] = {}
        self._leaves: dict[tuple[str, str, bool], Leaf] = {}
        self._local: dict[tuple[Scope, bool, str], list[Leaf]] = {}
        self._sizes: dict[int, int] = {}

    def leaf(self, ani: Ani) -> Leaf:
        """The leaf for `ani`, made when it is the first of its kind. Call once for each number."""
        country = ani.country_code
        area = toll_free_place(country) if is_toll_free(ani.number) else self._geography.area(ani.number)
        key = (ani.inbound_group_id, area or country + " elsewhere", ani.is_branded)
        leaf = self._leaves.get(key)
        if leaf is None:
            leaf = self._leaves[key] = Leaf()
            for scope in self._pools.scopes(ani.inbound_group_id):
                self._plant(leaf, (scope, ani.is_branded), country, key[1])
        self._sizes[id(leaf)] = self._sizes.get(id(leaf), 0) + 1
        return leaf

    def view(self, scopes: tuple[Scope, ...], *, branded: bool | None) -> "View":
        """What is searched together; `branded` as in `Lead`."""
        kinds = (False, True) if branded is None else (branded,)
        found = (self._trees.get((scope, kind)) for scope in scopes for kind in kinds)
        return View([tree for tree in found if tree])

    def lottery(self, scopes: tuple[Scope, ...], *, branded: bool | None, country: str) -> "Lottery":
        """Draws among a country's local numbers in these scopes."""
        kinds = (False, True) if branded is None else (branded,)
        leaves = [
            leaf for scope in scopes for kind in kinds for leaf in self._local.get((scope, kind, country), ())
        ]
        return Lottery(leaves, [self._sizes[id(leaf)] for leaf in leaves])

    def _plant(self, leaf: Leaf, where: tuple[Scope, bool], country: str, area: str) -> None:
        tree = self._trees.setdefault(where, {})
        is_local = area != toll_free_place(country)
        if is_local:
            self._local.setdefault((*where, country), []).append(leaf)
        top: Node = leaf
        if where[0] in {ALL, SHARED}:
            if area in tree:
                leaf.join(tree[area])
                return
            top = Node()
            leaf.join(top)
        tree[area] = top
        if is_local:
            self._grow(tree, top, country, area)

    def _grow(self, tree: Tree, top: Node, country: str, area: str) -> None:
        if country not in tree:
            tree[country] = Node()
        facts = self._geography.facts(area)
        if facts is None:
            top.join(tree[country])
            return
        if facts.state not in tree:
            tree[facts.state] = Node()
            tree[facts.state].join(tree[country])
        top.join(tree[facts.state])


class View:
    """Several trees as one: asks every node of a place, or of several places, for its least key."""

    def __init__(self, trees: list[Tree]) -> None:
        self._places: dict[str, tuple[Node, ...]] = {}
        for tree in trees:
            for place, node in tree.items():
                self._places[place] = (*self._places.get(place, ()), node)
        self._sets: dict[tuple[str, ...], tuple[Node, ...]] = {}
        self._near: dict[Point, tuple[tuple[Node, ...], ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    def least(self, place: str) -> int:
        """The least key in `place`, `NOBODY` when nobody is there."""
        return _least(self._places.get(place, ()))

    def least_of(self, places: tuple[str, ...]) -> int:
        """The least key in all of `places`: the area codes of one zip, of which there are 1,500 sets."""
        nodes = self._sets.get(places)
        if nodes is None:
            nodes = tuple(node for place in places for node in self._places.get(place, ()))
            self._sets[places] = nodes
        return _least(nodes)

    def nearest(self, point: Point, limit: int, near: Callable[[Point], tuple[str, ...]]) -> int:
        """The least key in the first area of `near(point)` where it is below `limit`."""
        rows = self._near.get(point)
        if rows is None:
            if len(self._near) >= _REMEMBERED:
                self._near.clear()
            rows = tuple(self._places[area] for area in near(point) if area in self._places)
            self._near[point] = rows
        for nodes in rows:
            key = _least(nodes)
            if key < limit:
                return key
        return NOBODY


def _least(nodes: tuple[Node, ...]) -> int:
    best = NOBODY
    for node in nodes:
        if node.best < best:  # noqa: PLR1730 - calling min() takes three times as long
            best = node.best
    return best


class Lottery:
    """Draws a number with equal chances, as long as few are resting."""

    def __init__(self, leaves: list[Leaf], sizes: list[int]) -> None:
        self._leaves = leaves
        self._ends = list(accumulate(sizes))

    def draw(self, chance: float) -> tuple[Leaf, int] | None:
        """The leaf and the position in its heap that `chance` (0 to below 1) falls on; `None` for a blank."""
        if not self._ends:
            return None
        ticket = int(chance * self._ends[-1])
        slot = bisect_right(self._ends, ticket)
        leaf = self._leaves[slot]
        position = ticket - (self._ends[slot - 1] if slot else 0)
        # Resting and paused numbers are out of the heap; their tickets are blanks.
        return (leaf, position) if position < len(leaf.heap) else None
