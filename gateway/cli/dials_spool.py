"""The spool as the `dials` commands open it: beside a running gateway or alone, every fault one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gateway.cli.console import COULD_NOT_START, fail
from gateway.cli.options import load_settings, setting_option

if TYPE_CHECKING:
    from gateway.config.settings import Settings
    from gateway.model.delivery import DeliveryState, SpooledDial
    from gateway.stores.base import StoreError
    from gateway.stores.spool_view import SpoolView

STATES = ("waiting", "dead", "done")
PAGE = 500
"""Records read at once, so that a spool of any size takes no more memory than a small one."""

spool_option = setting_option("--spool", "spool.file", "The spool file to look into.")


@contextmanager
def opened(context: click.Context, *, create: bool = False) -> Iterator[tuple["SpoolView", "Settings"]]:
    """The spool and the settings. Ends the command with 3 when it cannot be opened, with 1 when it fails."""
    settings = load_settings(context, "dials").settings
    from gateway.stores.base import StoreError
    from gateway.stores.spool_view import SpoolView

    try:
        view = SpoolView.open(settings.spool.file, create=create)
    except (StoreError, OSError) as error:
        fail(str(error), _hint(error), code=COULD_NOT_START)
    try:
        yield view, settings
    except StoreError as error:
        fail(str(error), _hint(error))
    finally:
        view.close()


def _hint(error: "StoreError | OSError") -> str:
    from gateway.stores.base import StoreBusyError, StoreCorruptError, StoreReadOnlyError

    if isinstance(error, StoreCorruptError):
        return "the gateway sets a damaged spool aside when it starts; see docs/how-to/dead-letters.md"
    if isinstance(error, StoreReadOnlyError | OSError):
        return "run this as the user the gateway runs as"
    if isinstance(error, StoreBusyError):
        return "run it again in a moment"
    return "name the gateway's configuration with --config, or the file with --spool"


def state_named(name: str | None) -> "DeliveryState | None":
    """The state an option names."""
    from gateway.model.delivery import DeliveryState

    return None if name is None else DeliveryState[name.upper()]


def each(
    view: "SpoolView", *, state: "DeliveryState | None" = None, target: str = "", after: int = 0
) -> Iterator["SpooledDial"]:
    """All such records in order of arrival, in bounded memory."""
    while page := view.page(state=state, target=target, after=after, most=PAGE):
        yield from page
        after = page[-1].number
