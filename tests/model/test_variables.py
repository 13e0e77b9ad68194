import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.variables import MAX_PACKED_BYTES, CallState, pack, unpack

FIELDS = list(CallState._fields)


@given(st.fixed_dictionaries({name: st.text(max_size=20) for name in FIELDS}))
def test_packed_state_reads_back(values: dict[str, str]) -> None:
    state = CallState(**{name: text.encode("utf-8", "replace").decode() for name, text in values.items()})
    assert unpack(pack(state)) == state


@given(st.fixed_dictionaries({name: st.text() for name in FIELDS}))
def test_packed_state_is_short_and_harmless(values: dict[str, str]) -> None:
    packed = pack(CallState(**values))
    assert len(packed) <= MAX_PACKED_BYTES
    assert re.fullmatch(r"1\|[A-Za-z0-9._~+:@%|-]*", packed)


def test_too_much_text_costs_the_last_fields_first() -> None:
    state = CallState(**dict.fromkeys(FIELDS, "x" * 1000))
    read = unpack(pack(state))
    assert read is not None
    assert read.ani == "x" * 240
    assert read.extra == ""


def test_a_cut_field_ends_at_a_whole_character() -> None:
    read = unpack(pack(CallState(agent="é" * 200)))
    assert read is not None
    assert set(read.agent) == {"é"}


@given(st.text())
def test_any_text_unpacks_to_a_state_or_none(text: str) -> None:
    assert unpack(text) is None or text.startswith("1|")


def test_fields_of_a_later_version_are_ignored() -> None:
    packed = "1|" + "|".join(["a"] * (len(FIELDS) + 3))
    assert unpack(packed) == CallState(**dict.fromkeys(FIELDS, "a"))
