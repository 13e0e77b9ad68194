"""How a settings dataclass declares one setting: default, unit, and the reason for the default.

`config/` reads the metadata to check input, to name units in errors and to print the reference.
"""

from dataclasses import field
from typing import Any


def setting(default: Any, what: str, *, why: str, unit: str = "", secret: bool = False) -> Any:
    """A dataclass field with its documentation.

    `what` says what the setting does, `why` where the default comes from, `unit` is empty for plain
    numbers and text. A `secret` is masked wherever settings are shown and may come from a file.
    """
    metadata = {"what": what, "why": why, "unit": unit, "secret": secret}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)
