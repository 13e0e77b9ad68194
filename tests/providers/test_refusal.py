import pytest

from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.http import Reply
from gateway.providers.refusal import failure, plain, without_secrets


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("prospect_phone 5559876543 is bad", "prospect_phone ***43 is bad"),
        ("+1 (555) 987-6543 and +15552223333", "***43 and ***33"),
        ("zip 90210 is 5 digits", "zip 90210 is 5 digits"),
        ("no key K-12345 here", "no key *** here"),
        ("two\r\nlines\x00 and\ttabs", "two lines and tabs"),
        ("x" * 500, "x" * 200),
    ],
)
def test_what_is_shown_has_no_number_no_secret_and_one_line(said: str, shown: str) -> None:
    assert plain(said, ["K-12345", ""]) == shown


@pytest.mark.parametrize("status", [408, 425, 500, 503])
def test_trouble_of_the_server_may_be_tried_again(status: int) -> None:
    error = failure(Reply(status, b"busy", "req-1", 7.0))
    assert isinstance(error, UnavailableError)
    assert (str(error), error.retry_after_s, error.request_id) == (f"answer {status}: busy", 7.0, "req-1")
    assert not error.never_sent


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_keeps_its_status_and_reason(status: int) -> None:
    error = failure(Reply(status, b"", ""))
    assert isinstance(error, RefusedError)
    assert (str(error), error.status) == (f"answer {status}", status)


@pytest.mark.parametrize("status", [200, 202, 302])
def test_other_answers_are_no_failure(status: int) -> None:
    assert failure(Reply(status, b"", "")) is None


@pytest.mark.parametrize(
    "error",
    [
        TimedOutError("https://x/?token=s3cret", request_id="r"),
        RateLimitedError("s3cret", retry_after_s=3.0),
        UnavailableError("s3cret", never_sent=True),
        BadAnswerError("s3cret of +15559876543"),
    ],
)
def test_an_error_made_anew_is_of_its_kind_and_keeps_no_secret(error: ProviderError) -> None:
    error.__cause__ = ValueError("s3cret")
    anew = without_secrets(error, ["s3cret"])
    assert type(anew) is type(error)
    assert "s3cret" not in str(anew)
    assert "9876543" not in str(anew)
    assert anew.__cause__ is None
    assert anew.request_id == error.request_id
    if isinstance(error, UnavailableError) and isinstance(anew, UnavailableError):
        assert (anew.never_sent, anew.retry_after_s) == (error.never_sent, error.retry_after_s)
