"""What an upstream says when it does not do what it was asked, in words fit for logs and dead letters.

What it says may repeat what it was sent: phone numbers lose their middle, secrets go altogether.
"""

import re
from collections.abc import Iterable

from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.http import Reply

_MAX_CHARS = 200
_NUMBER = re.compile(r"\+?\d[\d ().-]{5,}\d\d")
_TRY_LATER = frozenset({408, 425})
"""Request Timeout and Too Early: the request was not worked on (RFC 9110 §15.5.9, RFC 8470 §5.2)."""
_CLIENT_ERROR = 400


def plain(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` on one line, at most 200 characters, without `secrets` and without whole phone numbers."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    masked = without_numbers(text)
    return " ".join("".join(char if char.isprintable() else " " for char in masked).split())[:_MAX_CHARS]


def without_numbers(text: str) -> str:
    """`text` with whatever could be a phone number cut to its last two digits."""
    return _NUMBER.sub(lambda found: "***" + found.group()[-2:], text)


def without_secrets(error: ProviderError, secrets: Iterable[str]) -> ProviderError:
    """An error of `HttpClient` anew: without `secrets`, and without its cause, which may hold the address."""
    text = plain(str(error), secrets)
    if isinstance(error, UnavailableError):
        kind = next(
            one for one in (RateLimitedError, TimedOutError, UnavailableError) if isinstance(error, one)
        )
        return kind(
            text,
            request_id=error.request_id,
            never_sent=error.never_sent,
            retry_after_s=error.retry_after_s,
        )
    return BadAnswerError(text, request_id=error.request_id)


def failure(reply: Reply, secrets: Iterable[str] = ()) -> ProviderError | None:
    """The error a 4xx or 5xx stands for, `None` for any other status."""
    if reply.status < _CLIENT_ERROR:
        return None
    said = plain(reply.body.decode("utf-8", "replace"), secrets)
    message = f"answer {reply.status}: {said}" if said else f"answer {reply.status}"
    if reply.is_server_error or reply.status in _TRY_LATER:
        return UnavailableError(message, request_id=reply.request_id, retry_after_s=reply.retry_after_s)
    return RefusedError(message, status=reply.status, request_id=reply.request_id)
