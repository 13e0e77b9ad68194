"""What `campaigns`, `dispos` and `anis` have in common: get, delete and list, and how a change is told."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.cli.console import fail, say
from gateway.cli.inventory_backend import backend_options, on_backend
from gateway.model.inventory import Item, Kind, key_of, kind_of, parse_ani_number
from gateway.model.inventory_change import Change, key_changed, kind_changed, named
from gateway.model.phone import PhoneNumber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.config.settings import Settings
    from gateway.providers.base import InventoryService

_Command = TypeVar("_Command", bound=Callable[..., Any])

WORDS = {Kind.CAMPAIGN: "campaign", Kind.DISPO: "disposition", Kind.ANI: "ANI"}
COUNTRIES = ("+1", "+44")
_MOST_ROWS = 1_000
"""A table of a hundred thousand rows takes most of a minute to draw, and nobody reads it."""


def key_options(kind: Kind) -> Callable[[_Command], _Command]:
    """What names one item on the command line: ID, or NUMBER with `--country`."""
    if kind is not Kind.ANI:
        return click.argument("key", metavar="ID")
    add_number = click.argument("key", metavar="NUMBER")
    add_country = click.option(
        "--country", type=click.Choice(COUNTRIES), help="Of a number without its country code. Default: +1."
    )
    return lambda command: add_number(add_country(command))


def number_named(written: str, country: str | None) -> PhoneNumber:
    """The number meant. Ends the command as wrong usage when it cannot be one."""
    number = parse_ani_number(written, country or "")
    if number is None:
        raise click.UsageError(f"NUMBER cannot be a {country or '+1 or +44'} number; write all its digits")
    return number


def add_common(group: click.Group, kind: Kind) -> None:
    """Add get, delete and list."""
    word = WORDS[kind]

    @group.command("get", help=f"Show one {word}. Exit code 1 when there is none.")
    @backend_options
    @key_options(kind)
    @click.pass_context
    def get(context: click.Context, *, key: str, as_json: bool, country: str | None = None) -> None:
        key = _key(kind, key, country)
        item = on_backend(
            context, lambda service, settings: service.get(kind, key, timeout_s=_timeout_s(settings))
        )
        if item is None:
            fail(f"there is no {told(kind, key)}", f"ani-gateway {kind} create adds it")
        from gateway.cli.inventory_table import put_item

        put_item(item, as_json=as_json)

    @group.command("delete", help=f"Take one {word} out. Exit code 1 when there is none.")
    @backend_options
    @key_options(kind)
    @click.pass_context
    def delete(context: click.Context, *, key: str, as_json: bool, country: str | None = None) -> None:
        key = _key(kind, key, country)
        on_backend(
            context, lambda service, settings: service.delete(kind, key, timeout_s=_timeout_s(settings))
        )
        say(f"deleted {told(kind, key)}")
        if as_json:
            _put_json({"deleted": key})

    @group.command("list", help=f"List every {word}, where the backend can: the engine can, vendors cannot.")
    @backend_options
    @click.option("--limit", type=click.IntRange(1), help="Most shown. Default: 1000; with --json all.")
    @click.pass_context
    def list_all(context: click.Context, *, limit: int | None, as_json: bool) -> None:
        found = on_backend(context, lambda service, settings: _list(service, settings, kind))
        from gateway.cli.inventory_table import put_items

        most = limit or (len(found) if as_json else _MOST_ROWS)
        put_items(kind, found[:most], as_json=as_json)
        if len(found) > most:
            say(f"there are {len(found)}: a greater --limit, or --json")


def create_item(context: click.Context, item: Item, *, as_json: bool) -> None:
    """Add `item` and tell it. Ends the command with 1 when it is there already."""
    on_backend(context, lambda service, settings: service.create(item, timeout_s=_timeout_s(settings)))
    say(f"created {told(kind_of(item), key_of(item))}")
    if as_json:
        from gateway.cli.inventory_table import as_object

        _put_json(as_object(item))


def update_item(context: click.Context, change: Change, *, as_json: bool) -> None:
    """Make `change` and tell it. Ends the command with 1 when there is no such item."""
    if not named(change):
        raise click.UsageError("nothing is to be changed; name a field, such as --name or --group")
    on_backend(context, lambda service, settings: service.update(change, timeout_s=_timeout_s(settings)))
    kind, key = kind_changed(change), key_changed(change)
    say(f"updated {told(kind, key)}")
    if as_json:
        from gateway.cli.inventory_table import plain

        _put_json({"updated": key} | {name: plain(value) for name, value in named(change).items()})


def told(kind: Kind, key: str) -> str:
    """An item in a sentence: `campaign "c1"`, `ANI +12125550100`; the number is the one the user gave."""
    return f"ANI {key}" if kind is Kind.ANI else f'{WORDS[kind]} "{key}"'


async def _list(service: "InventoryService", settings: "Settings", kind: Kind) -> "Sequence[Item]":
    if not service.can_list:
        fail(
            f"{service.name} cannot list its {kind}; it can only be asked for one at a time",
            f"ani-gateway {kind} get, or ani-gateway sync plan to compare with a file",
        )
    return await service.list_all(kind, timeout_s=_timeout_s(settings))


def _key(kind: Kind, written: str, country: str | None) -> str:
    return number_named(written, country).e164 if kind is Kind.ANI else written


def _timeout_s(settings: "Settings") -> float:
    return settings.management.timeout_s


def _put_json(value: object) -> None:
    from gateway.cli.tables import put_json

    put_json(value)
