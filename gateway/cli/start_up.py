"""What keeps a service from starting, as one line, a hint and exit code 3."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.cli.console import COULD_NOT_START, complain

_ADDRESS_HINT = "is another gateway running? Stop it, or listen at another address"
_AUTHORITIES_HINT = (
    "name a PEM file of authorities: ca_file of outboundiq, outboundani, outboundani_results, voipbin"
)
_STORE_HINT = "see spool.file and engine.database: another file, or one this user may write"
_INVENTORY_HINT = "mend the file named by engine.inventory; nothing of it was loaded"


@contextmanager
def start_up() -> Iterator[None]:
    """Around starting and running a service: its start-up errors end the command with 3."""
    from gateway.engine.inventory import InventoryError
    from gateway.stores.base import StoreError

    try:
        yield
    except InventoryError as error:
        for finding in error.findings:
            complain(finding)
        complain("could not start: the inventory has faults", _INVENTORY_HINT)
    except StoreError as error:
        complain(f"could not start: {error}", _STORE_HINT)
    except OSError as error:
        complain(f"could not start: {error}", system_hint(error))
    else:
        return
    sys.exit(COULD_NOT_START)


def system_hint(error: OSError, otherwise: str = "") -> str:
    """What to do about an error of the system; `otherwise` when it is none that is known."""
    from gateway.providers.http import AuthoritiesError

    if isinstance(error, AuthoritiesError):
        return _AUTHORITIES_HINT
    numbers = {each.errno for each in (error, error.__cause__) if isinstance(each, OSError)}
    return _ADDRESS_HINT if errno.EADDRINUSE in numbers else otherwise
