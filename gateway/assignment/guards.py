"""Guards: which dialled numbers get a caller ID at all. Pure; the first step of every decision."""

import re

from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Decision, Reason, Status
from gateway.model.phone import PhoneNumber, parse_phone, strip_formatting

EMERGENCY = ("911", "933", "988", "112", "999")
"""Emergency, its test line (933), the crisis line (988), and the European and British numbers."""
SERVICE = ("211", "311", "411", "511", "611", "711", "811")
"""The other N11 codes of the North American plan."""

_FEATURE_CODE = re.compile(r"[0-9]*[*#][0-9*#]*", re.ASCII)

_INVALID = Decision(Status.INVALID, reason=Reason.BAD_NUMBER)
_SERVICE = Decision(Status.BYPASSED, reason=Reason.SERVICE)
_EXTENSION = Decision(Status.BYPASSED, reason=Reason.EXTENSION)
_EMERGENCY = Decision(Status.BYPASSED, reason=Reason.EMERGENCY)
_BLOCKED = Decision(Status.BLOCKED, reason=Reason.DO_NOT_CALL)


class Guards:
    """Screens dialled numbers by the rules of `AssignmentSettings`."""

    def __init__(self, settings: AssignmentSettings) -> None:
        emergency = (*EMERGENCY, *(strip_formatting(number) for number in settings.emergency))
        self._untouched = _with_prefixes(SERVICE, settings.dial_prefixes, _SERVICE)
        self._untouched |= _with_prefixes(emergency, settings.dial_prefixes, _EMERGENCY)
        self._do_not_call = tuple(_e164_prefix(prefix) for prefix in settings.do_not_call)
        self._max_extension_digits = settings.max_extension_digits

    def screen(self, dialled: str) -> PhoneNumber | Decision:
        """The number to find a caller ID for, or the decision when there is nothing to find.

        Emergency comes before everything, in any formatting and behind any configured prefix.
        """
        plain = dialled if dialled.isdigit() else strip_formatting(dialled)
        untouched = self._untouched.get(plain.removeprefix("+"))
        if untouched is not None:
            return untouched
        phone = parse_phone(plain)
        if phone is None:
            return self._short_or_wrong(plain)
        if self._do_not_call and phone.e164.startswith(self._do_not_call):
            return _BLOCKED
        return phone

    def _short_or_wrong(self, plain: str) -> Decision:
        if _FEATURE_CODE.fullmatch(plain) is not None:
            return _SERVICE
        if len(plain) <= self._max_extension_digits and plain.isascii() and plain.isdigit():
            return _EXTENSION
        return _INVALID


def _with_prefixes(
    numbers: tuple[str, ...], prefixes: tuple[str, ...], decision: Decision
) -> dict[str, Decision]:
    return {prefix + number: decision for number in numbers for prefix in ("", *prefixes)}


def _e164_prefix(prefix: str) -> str:
    digits = strip_formatting(prefix).removeprefix("+")
    return "+" + digits
