"""Hangup causes: why the network ended a call. Source: ITU-T Q.850."""

_MOST_DIGITS = 3
_GREATEST = 127


def parse_cause(text: str) -> int | None:
    """The cause `text` stands for, 0 to 127 (0: nobody said), or `None` when it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        return None
    cause = int(text)
    return cause if cause <= _GREATEST else None
