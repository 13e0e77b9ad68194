"""What keeps a service from starting, as one line, a hint and exit code 3."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.cli.console import COULD_NOT_START, complain

_SYSTEM_HINT = "an address in use: is another gateway running? A certificate: see outboundiq.ca_file"
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
        complain(f"could not start: {error}", _SYSTEM_HINT)
    else:
        return
    sys.exit(COULD_NOT_START)
