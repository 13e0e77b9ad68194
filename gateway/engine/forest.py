"""Every number under the places it can be found in: areas, states and countries of each scope.

    leaf (group, area, branded?, grade) ─► area of a wider scope ─► state ─► country
                                        └► state at one grade ─► country at one grade

Toll-free numbers are a place of their own and belong to no state or country, so that nobody gets one unasked.
Every node costs a little at each use, so a scope's tree is planted when somebody first asks for it, and the
nodes of grades (`rates`) when somebody first asks for the best.
"""

from collections.abc import Callable, ItemsView
from typing import NamedTuple

from gateway.engine.geo import Geography, Point, is_toll_free
from gateway.engine.lottery import Lottery
from gateway.engine.pools import ALL, SHARED, Pools, Scope
from gateway.engine.ranks import NOBODY, Leaf, Node
from gateway.model.inventory import Ani

Tree = dict[str, Node]
"""Place -> the node that knows the least used number there."""
Near = Callable[[Point, str], tuple[str, ...]]
"""Areas of a country that are near a point, the nearest first."""
GradedTree = dict[str, dict[int, Node]]
"""State or country -> grade -> the node for the numbers of that grade there."""

# Most points whose neighbours one view remembers: most of a country's zips, 10 MB.
_REMEMBERED = 20_000
# Scopes that hold more than one group.
_MANY = frozenset({ALL, SHARED})


class Home(NamedTuple):
    """What the numbers of one leaf have in common."""

    group: str
    country: str
    area: str
    """As `Geography.area`, or `toll_free_place` or "… elsewhere" of the country."""
    branded: bool
    grade: int

    @property
    def is_local(self) -> bool:
        """Whether the numbers are not toll-free."""
        return self.area != toll_free_place(self.country)


def toll_free_place(country: str) -> str:
    """The place of a country's toll-free numbers."""
    return country + " toll-free"


class Forest:
    """One tree for each scope, branded and plain numbers apart."""

    def __init__(self, geography: Geography, pools: Pools) -> None:
        self._geography = geography
        self._pools = pools
        self._is_graded = False
        self._trees: dict[tuple[Scope, bool], Tree] = {}
        self._graded: dict[tuple[Scope, bool], GradedTree] = {}
        self._leaves: dict[Home, Leaf] = {}
        self._groups: set[str] = set()
        self._planted: set[Scope] = set()
        self.epoch = 0
        """Grows when views made before may miss a place."""

    @property
    def pools(self) -> Pools:
        """By what groups the numbers are shared out."""
        return self._pools

    def home(self, ani: Ani, grade: int) -> Home:
        """Where `ani` belongs."""
        country = ani.country_code
        area = toll_free_place(country) if is_toll_free(ani.number) else self._geography.area(ani.number)
        return Home(ani.inbound_group_id, country, area or country + " elsewhere", ani.is_branded, grade)

    def leaf(self, home: Home) -> Leaf:
        """The leaf of `home`, planted when it is the first of its kind."""
        leaf = self._leaves.get(home)
        if leaf is None:
            leaf = self._leaves[home] = Leaf()
            if home.group not in self._groups:
                # Somebody may have asked for the group when it was empty.
                self._groups.add(home.group)
                self.epoch += 1
            for scope in self._pools.scopes(home.group):
                if scope in self._planted:
                    self._plant(scope, home, leaf)
        return leaf

    def leaves(self) -> ItemsView[Home, Leaf]:
        """All leaves, empty ones included."""
        return self._leaves.items()

    def state(self, home: Home) -> str:
        """The state or province of a leaf's numbers, "" when unknown."""
        facts = self._geography.facts(home.area)
        return facts.state if facts is not None else ""

    def regroup(self, pools: Pools) -> None:
        """Share the numbers out anew. Moves only the leaves of groups that changed hands, 10 µs each."""
        before, self._pools = self._pools, pools
        self._replant(
            [home for home in self._leaves if before.scopes(home.group) != pools.scopes(home.group)]
        )

    def grow_grades(self) -> None:
        """Be ready to be asked by grade. Takes 10 µs for each leaf, once."""
        if not self._is_graded:
            self._is_graded = True
            self._replant(list(self._leaves))

    def view(self, scopes: tuple[Scope, ...], *, branded: bool | None) -> "View":
        """What is searched together; `branded` as in `Lead`."""
        for scope in scopes:
            if scope not in self._planted:
                self._plant_all(scope)
        kinds = (False, True) if branded is None else (branded,)
        wanted = [(scope, kind) for scope in scopes for kind in kinds]
        return View(
            [tree for each in wanted if (tree := self._trees.get(each))],
            [graded for each in wanted if (graded := self._graded.get(each))],
        )

    def lottery(self, scopes: tuple[Scope, ...], *, branded: bool | None, country: str) -> "Lottery":
        """Draws among a country's local numbers in these scopes."""
        wanted = set(scopes)
        return Lottery(
            [
                leaf
                for home, leaf in self._leaves.items()
                if leaf.members
                and home.country == country
                and home.is_local
                and branded in {None, home.branded}
                and not wanted.isdisjoint(self._pools.scopes(home.group))
            ]
        )

    def _replant(self, homes: list[Home]) -> None:
        for home in homes:
            leaf = self._leaves[home]
            leaf.leave_all()
            # Only in its own group's tree can a leaf stand for the area itself.
            own = self._trees.get((self._pools.scopes(home.group)[0], home.branded), {})
            if own.get(home.area) is leaf:
                del own[home.area]
        for home in homes:
            for scope in self._pools.scopes(home.group):
                if scope in self._planted:
                    self._plant(scope, home, self._leaves[home])
        self.epoch += len(homes)

    def _plant_all(self, scope: Scope) -> None:
        """Plant every leaf of `scope`. A group without any is left, so that no lead can fill the memory."""
        leaves = [
            (home, leaf) for home, leaf in self._leaves.items() if scope in self._pools.scopes(home.group)
        ]
        if leaves or scope in _MANY:
            self._planted.add(scope)
        for home, leaf in leaves:
            self._plant(scope, home, leaf)

    def _plant(self, scope: Scope, home: Home, leaf: Leaf) -> None:
        where = (scope, home.branded)
        # One leaf may stand for the area itself only where no other can come to it.
        is_alone = scope not in _MANY and not self._is_graded
        self._plant_in(self._trees.setdefault(where, {}), home, leaf, is_alone=is_alone)
        if self._is_graded and home.is_local:
            self._plant_graded(self._graded.setdefault(where, {}), home, leaf)

    def _plant_in(self, tree: Tree, home: Home, leaf: Leaf, *, is_alone: bool) -> None:
        if is_alone:
            top: Node = leaf
        elif home.area in tree:
            leaf.join(tree[home.area])
            return
        else:
            top = Node()
            leaf.join(top)
        tree[home.area] = top
        self.epoch += 1
        if home.is_local:
            self._grow(tree, home, top)

    def _grow(self, tree: Tree, home: Home, top: Node) -> None:
        country = tree.setdefault(home.country, Node())
        state = self.state(home)
        if not state:
            top.join(country)
            return
        if state not in tree:
            tree[state] = Node()
            tree[state].join(country)
        top.join(tree[state])

    def _plant_graded(self, tree: GradedTree, home: Home, leaf: Leaf) -> None:
        country = self._graded_node(tree, home.country, home.grade)
        state = self.state(home)
        if not state:
            leaf.join(country)
            return
        node = self._graded_node(tree, state, home.grade)
        if not node.parents:
            node.join(country)
        leaf.join(node)

    def _graded_node(self, tree: GradedTree, place: str, grade: int) -> Node:
        nodes = tree.setdefault(place, {})
        if grade not in nodes:
            nodes[grade] = Node()
            self.epoch += 1
        return nodes[grade]


class View:
    """Several trees as one: asks every node of a place, or of several places, for its least key."""

    def __init__(self, trees: list[Tree], graded: list[GradedTree]) -> None:
        self._places: dict[str, tuple[Node, ...]] = {}
        for tree in trees:
            for place, node in tree.items():
                self._places[place] = (*self._places.get(place, ()), node)
        self._grades = {place: _by_grade(graded, place) for tree in graded for place in tree}
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

    def best_grade(self, place: str, limit: int) -> int:
        """The least key of the highest grade in `place` that has one below `limit`."""
        return _first(self._grades.get(place, ()), limit)

    def nearest(self, point: Point, country: str, limit: int, near: Near) -> int:
        """The least key in the first area of `near(point, country)` where it is below `limit`."""
        rows = self._near.get(point)
        if rows is None:
            if len(self._near) >= _REMEMBERED:
                self._near.clear()
            areas = near(point, country)
            rows = self._near[point] = tuple(self._places[area] for area in areas if area in self._places)
        return _first(rows, limit)


def _by_grade(trees: list[GradedTree], place: str) -> tuple[tuple[Node, ...], ...]:
    grades = sorted({grade for tree in trees for grade in tree.get(place, ())}, reverse=True)
    return tuple(
        tuple(tree[place][grade] for tree in trees if grade in tree.get(place, ())) for grade in grades
    )


def _first(rows: tuple[tuple[Node, ...], ...], limit: int) -> int:
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
