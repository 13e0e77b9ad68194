"""The engine's inventory as an `InventoryService`: the commands, the API and `sync` change it through here.

What is written is told to `on_change` in this process, so that the next call is chosen by it; other
processes see it by the inventory's version.
"""

from collections.abc import Callable, Sequence

from gateway.engine.deadline import within
from gateway.model.inventory import Item, Kind, key_of, kind_of
from gateway.model.inventory_change import Change, key_changed, kind_changed
from gateway.model.phone import PhoneNumber
from gateway.providers.base import AlreadyExistsError, NotFoundError
from gateway.stores.inventory import InventoryStore

OnChange = Callable[[Item | None, Item | None], None]
"""Takes an item before and after: no before for a new one, no after for one taken out."""

_NOT_FOUND, _CONFLICT = 404, 409
"""The statuses its HTTP service would answer."""


def _tell_nobody(_before: Item | None, _after: Item | None) -> None:
    pass


class EngineInventory:
    """Campaigns, dispositions and ANIs in the engine's database. An `InventoryService`."""

    name = "engine"
    can_list = True
    lacks: frozenset[str] = frozenset()

    def __init__(self, store: InventoryStore, on_change: OnChange = _tell_nobody) -> None:
        self._store = store
        self._on_change = on_change

    async def create(self, item: Item, *, timeout_s: float) -> None:
        """Add `item`. Raises `AlreadyExistsError` and leaves what is there, or another `ProviderError`."""
        if not await within(timeout_s, self._store.create, item):
            what = _told(kind_of(item), key_of(item))
            raise AlreadyExistsError(f"{what} is there already; update it instead", status=_CONFLICT)
        self._on_change(None, item)

    async def get(self, kind: Kind, key: str, *, timeout_s: float) -> Item | None:
        """The item, `None` when there is none. Raises `ProviderError`."""
        return await within(timeout_s, self._store.get, kind, key)

    async def update(self, change: Change, *, timeout_s: float) -> None:
        """Change what `change` names. Raises `NotFoundError` or another `ProviderError`."""
        replaced = await within(timeout_s, self._store.update, change)
        if replaced is None:
            raise _not_found(kind_changed(change), key_changed(change))
        self._on_change(replaced.before, replaced.after)

    async def delete(self, kind: Kind, key: str, *, timeout_s: float) -> None:
        """Take the item out. Raises `NotFoundError` or another `ProviderError`."""
        before = await within(timeout_s, self._store.delete, kind, key)
        if before is None:
            raise _not_found(kind, key)
        self._on_change(before, None)

    async def list_all(self, kind: Kind, *, timeout_s: float) -> Sequence[Item]:
        """Everything of a kind, ordered by key. Raises `ProviderError`."""
        return await within(timeout_s, self._store.list_all, kind)


def _not_found(kind: Kind, key: str) -> NotFoundError:
    return NotFoundError(f"{_told(kind, key)} does not exist", status=_NOT_FOUND)


def _told(kind: Kind, key: str) -> str:
    """The item for an error: `campaign "c1"`, `ANI +1561*****67`."""
    match kind:
        case Kind.CAMPAIGN:
            return f'campaign "{key}"'
        case Kind.DISPO:
            return f'dispo "{key}"'
        case Kind.ANI:
            return f"ANI {PhoneNumber(key).masked}"
