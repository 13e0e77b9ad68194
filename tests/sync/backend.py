"""A backend in memory that can be away, slow to answer or killed, by a script."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Item, Kind, key_of, kind_of
from gateway.model.inventory_change import Change, changed, key_changed, kind_changed
from gateway.model.phone import PhoneNumber
from gateway.providers.base import (
    AlreadyExistsError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gateway.sync.patience import Limits
from gateway.sync.plan import Ident, ident_of

LIMITS = Limits(timeout_s=1, retry_s=60, at_once=4)


class Fault(Enum):
    """What happens to one request."""

    NONE = auto()
    AWAY = auto()
    """It never arrives, and nobody knows."""
    NEVER_SENT = auto()
    """It never arrives, and we know."""
    ANSWER_LOST = auto()
    """It is done, and nobody hears of it."""
    RATE_LIMITED = auto()
    REFUSED = auto()
    KILLED = auto()
    """Our process ends before the request."""
    KILLED_AFTER = auto()
    """Our process ends, and the request was done."""


class KilledError(BaseException):
    """As by `kill -9`: nothing of ours runs any more."""


def campaign(key: str, pool: str = "", name: str = "Sales") -> Campaign:
    return Campaign(key, name, CampaignType.OUTBOUND, pool)


def dispo(key: str, *, contact: bool = False) -> Dispo:
    return Dispo(key, "Sale", DispoType.AGENT, contact=contact, success=False)


def ani(last: int, group: str = "", brand: str = "") -> Ani:
    return Ani(PhoneNumber(f"+1212555{last:04d}"), group, brand_name=brand)


class ScriptedBackend:
    """An `InventoryService`; `faults` come one a request, then none."""

    name = "fake"
    lacks: frozenset[str] = frozenset()

    def __init__(
        self, items: Iterable[Item] = (), *, can_list: bool = True, faults: Iterable[Fault] = ()
    ) -> None:
        self.items: dict[Ident, Item] = {ident_of(item): item for item in items}
        self.can_list = can_list
        self.faults: Iterator[Fault] = iter(faults)
        self.requests: list[tuple[str, str]] = []
        self.refuses: set[str] = set()
        """Keys it never takes a write for."""

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(what, key) for what, key in self.requests if what not in {"get", "list"}]

    async def create(self, item: Item, *, timeout_s: float) -> None:  # noqa: ARG002 - the interface's
        fault = self._begin("create", key_of(item))
        if ident_of(item) in self.items:
            raise AlreadyExistsError("is there already", status=409)
        self.items[ident_of(item)] = item
        _end(fault)

    async def get(self, kind: Kind, key: str, *, timeout_s: float) -> Item | None:  # noqa: ARG002
        fault = self._begin("get", key)
        _end(fault)
        return self.items.get((kind, key))

    async def update(self, change: Change, *, timeout_s: float) -> None:  # noqa: ARG002
        ident = kind_changed(change), key_changed(change)
        fault = self._begin("update", ident[1])
        if ident not in self.items:
            raise NotFoundError("does not exist", status=404)
        self.items[ident] = changed(self.items[ident], change)  # type: ignore[arg-type]
        _end(fault)

    async def delete(self, kind: Kind, key: str, *, timeout_s: float) -> None:  # noqa: ARG002
        fault = self._begin("delete", key)
        if self.items.pop((kind, key), None) is None:
            raise NotFoundError("does not exist", status=404)
        _end(fault)

    async def list_all(self, kind: Kind, *, timeout_s: float) -> Sequence[Item]:  # noqa: ARG002
        assert self.can_list
        fault = self._begin("list", kind)
        _end(fault)
        return [item for item in self.items.values() if kind_of(item) is kind]

    def _begin(self, what: str, key: str) -> Fault:
        self.requests.append((what, key))
        fault = next(self.faults, Fault.NONE)
        match fault:
            case Fault.AWAY:
                raise UnavailableError("broken off")
            case Fault.NEVER_SENT:
                raise UnavailableError("connection refused", never_sent=True)
            case Fault.RATE_LIMITED:
                raise RateLimitedError("rate limited", retry_after_s=3)
            case Fault.REFUSED:
                raise RefusedError("no", status=422)
            case Fault.KILLED:
                raise KilledError
        if what != "get" and key in self.refuses:
            raise RefusedError("never", status=422)
        return fault


def _end(fault: Fault) -> None:
    if fault is Fault.ANSWER_LOST:
        raise UnavailableError("the answer was lost")
    if fault is Fault.KILLED_AFTER:
        raise KilledError
