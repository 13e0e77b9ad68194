import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.dial_batch import (
    DialEvent,
    NoBatchError,
    Told,
    headers,
    is_signed,
    read,
    signature,
    write,
)

EVENT = DialEvent(
    company_slug="acme",
    call_id="1775831535.7-1",
    call_direction="Outbound",
    timestamp="2026-04-10T14:32:15Z",
    ani="5552223333",
    phone="5559876543",
    campaign="Sales",
    campaign_internal_id="9001",
    agent="",
    disposition="Sale",
    disposition_id="sale",
    contact=True,
    success=True,
    is_system_dispo=False,
    total_dial_attempts=2,
)


def test_body_and_headers_are_those_of_the_documents() -> None:
    body = write([EVENT], "one", 1_775_831_600.0)
    assert json.loads(body) == {
        "event": "dial.batch",
        "deliveryId": "one",
        "deliveredAt": "2026-04-10T14:33:20Z",
        "dials": [
            {
                "companySlug": "acme",
                "callId": "1775831535.7-1",
                "callDirection": "Outbound",
                "timestamp": "2026-04-10T14:32:15Z",
                "ani": "5552223333",
                "phone": "5559876543",
                "campaign": "Sales",
                "campaignInternalId": "9001",
                "agent": "",
                "disposition": "Sale",
                "dispositionId": "sale",
                "contact": True,
                "success": True,
                "isSystemDispo": False,
                "totalDialAttempts": 2,
            }
        ],
    }
    assert headers("s3cret", body, "one") == {
        "x-outboundiq-event": "dial.batch",
        "x-outboundiq-delivery-id": "one",
        "x-outboundiq-signature": "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest(),
    }
    assert read(body) == Told("one", ("1775831535.7-1",))


def test_a_known_signature() -> None:
    """RFC 4231, test case 2."""
    expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature("Jefe", b"what do ya want for nothing?") == expected


@given(st.text(min_size=1), st.binary())
def test_what_is_signed_is_recognised(secret: str, body: bytes) -> None:
    assert is_signed(secret, body, headers(secret, body, "one"))


@given(st.text(), st.binary(), st.text(), st.binary())
def test_another_secret_or_body_is_not(secret: str, body: bytes, other: str, changed: bytes) -> None:
    sent = headers(secret, body, "one")
    # HMAC pads short keys with zeros, so that keys that differ in these alone are one key.
    if other.rstrip("\0") != secret.rstrip("\0"):
        assert not is_signed(other, body, sent)
    if changed != body:
        assert not is_signed(secret, changed, sent)


@given(st.text(max_size=100))
def test_no_text_in_place_of_a_signature_passes_or_raises(text: str) -> None:
    assert not is_signed("secret", b"{}", {"x-outboundiq-signature": text})


@pytest.mark.parametrize("given_headers", [{}, {"x-outboundiq-signature": signature("", b"{}")}])
def test_without_a_secret_nothing_is_signed(given_headers: dict[str, str]) -> None:
    assert not is_signed("", b"{}", given_headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"event": "dial.batch", "deliveryId": "", "dials": []}',
        b'{"event": "dial.batch", "deliveryId": "1", "dials": [{}]}',
        b'{"event": "dial.batch", "deliveryId": "1", "dials": [{"callId": 5}]}',
        b'{"event": "dial.other", "deliveryId": "1", "dials": []}',
        b'{"event": "dial.batch", "deliveryId": "1", "dials": ['
        + b",".join([b'{"callId": "x"}'] * 101)
        + b"]}",
    ],
)
def test_what_is_no_batch_is_told(body: bytes) -> None:
    with pytest.raises(NoBatchError, match=r"not a dial\.batch"):
        read(body)
