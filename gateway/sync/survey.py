"""What a backend has of what a file is about: listed where it can be, else asked for item by item."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial

from gateway.model.inventory import Item
from gateway.providers.base import InventoryService, ProviderError
from gateway.sync.kept import kept
from gateway.sync.patience import Patience, StoppedError
from gateway.sync.plan import Ident, ident_of


@dataclass(slots=True)
class Survey:
    """What was found."""

    have: dict[Ident, Item] = field(default_factory=dict)
    unread: dict[Ident, str] = field(default_factory=dict)
    """What the backend did not tell, and why."""


async def survey(
    service: InventoryService,
    idents: Collection[Ident],
    patience: Patience,
    *,
    on_read: Callable[[], None],
) -> Survey:
    """What the backend has of `idents`, and all else of their kinds where it can list.

    `on_read` is called for each item asked for. Raises `ProviderError` when the backend cannot be asked.
    """
    if service.can_list:
        return await _listed(service, idents, patience)
    return await _asked(service, idents, patience, on_read)


async def _listed(service: InventoryService, idents: Iterable[Ident], patience: Patience) -> Survey:
    found = Survey()
    for kind in sorted({kind for kind, _ in idents}):
        items = await patience.ask(partial(service.list_all, kind, timeout_s=patience.limits.timeout_s))
        found.have |= {ident_of(item): kept(item, service.lacks) for item in items}
    return found


async def _asked(
    service: InventoryService,
    idents: Collection[Ident],
    patience: Patience,
    on_read: Callable[[], None],
) -> Survey:
    found = Survey()
    stopped: StoppedError | None = None

    async def ask(ident: Ident) -> bool:
        nonlocal stopped
        try:
            item = await patience.ask(partial(service.get, *ident, timeout_s=patience.limits.timeout_s))
        except StoppedError as error:
            stopped = error
            return False
        except ProviderError as error:
            found.unread[ident] = str(error)
        else:
            if item is not None:
                found.have[ident] = kept(item, service.lacks)
        on_read()
        return True

    await patience.for_each(idents, ask)
    if stopped is not None:
        raise stopped
    return found
