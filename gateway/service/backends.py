"""The inventories a person can manage, by their name: the engine's own, or one at a vendor's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.config.problems import ConfigError, Problem
from gateway.config.settings import Settings
from gateway.engine.management import EngineInventory
from gateway.providers.base import InventoryService
from gateway.providers.inventory_client import VendorInventory
from gateway.providers.outboundani_inventory import OutboundAniInventory
from gateway.providers.outboundiq_inventory import OutboundIqInventory
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase

BACKENDS = ("outboundiq", "outboundani", "engine")
"""Names `open_inventory` knows."""


@asynccontextmanager
async def open_inventory(name: str, settings: Settings) -> AsyncIterator[InventoryService]:
    """The inventory `name`, one of `BACKENDS`, open as long as the context lasts.

    Raises `ConfigError` when a setting it needs is missing, `StoreError` when the engine's database cannot
    be opened, `OSError` when a `ca_file` cannot be read, and `ValueError` for a name that is none. No request
    is sent before a method is called. The engine's database may be in use by a running gateway.
    """
    match name:
        case "engine":
            async with _engine(settings) as service:
                yield service
        case "outboundiq":
            _demand(settings.outboundiq.key, "outboundiq.key", "a universal API key of outboundIQ")
            async with _vendor(OutboundIqInventory(settings.outboundiq)) as service:
                yield service
        case "outboundani":
            _demand(settings.outboundani.key, "outboundani.key", "an API key of outboundANI")
            async with _vendor(OutboundAniInventory(settings.outboundani)) as service:
                yield service
        case _:
            raise ValueError(f'no inventory is called "{name}"; known are {", ".join(BACKENDS)}')


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[InventoryService]:
    path = settings.engine.database
    _demand(path, "engine.database", "a file, such as /var/lib/ani-gateway/engine.db")
    database = SqliteDatabase.open(path, MIGRATIONS)
    try:
        yield EngineInventory(InventoryStore(database))
    finally:
        database.close()


@asynccontextmanager
async def _vendor(service: VendorInventory) -> AsyncIterator[InventoryService]:
    await service.open()
    try:
        yield service
    finally:
        await service.close()


def _demand(value: str, path: str, what: str) -> None:
    if not value:
        backend = path.partition(".")[0]
        problem = Problem(path, f"is missing, and managing {backend} needs it", hint=f"set it to {what}")
        raise ConfigError([problem])
