from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ami.message import read_message, unescape
from gateway.simulator.ami_events import AmiChannel, escape


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_what_asterisk_escapes_reads_back(text: str) -> None:
    assert unescape(escape(text)) == text


@settings(deadline=None)  # the machine may be busy
@given(st.text(alphabet='\\"?nr\r\n\tx'))
def test_text_full_of_escapes_reads_back(text: str) -> None:
    assert unescape(escape(text)) == text


@settings(deadline=None)  # the machine may be busy
@given(st.text(alphabet="\\axqn7"))
def test_any_text_can_be_unescaped(text: str) -> None:
    assert len(unescape(text)) <= len(text)


def test_an_escape_nobody_knows_stays_as_it_is() -> None:
    assert unescape(r"\q\x41 \\ \ ") == r"\q\x41 \ \ "


VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])) | st.sampled_from(
    ["a\r\nEvent: Evil"]
)


@settings(deadline=None)  # the machine may be busy
@given(VALUES)
def test_a_variable_comes_through_whatever_it_holds(value: str) -> None:
    channel = AmiChannel("1.1", variables={"GATEWAY": value})
    message = read_message(channel.hangup(("GATEWAY", "DIALSTATUS")).removesuffix(b"\r\n\r\n"))
    assert message.variables == {"GATEWAY": value, "DIALSTATUS": ""}
    assert message.headers["Event"] == "Hangup"


@settings(deadline=None)  # the machine may be busy
@given(st.binary())
def test_any_bytes_read_as_some_message(body: bytes) -> None:
    message = read_message(body)
    assert "" not in message.headers.values() or b": " in body


def test_the_first_value_of_a_name_counts() -> None:
    message = read_message(b"Cause: 16\r\nCause: 17\r\nChanVariable: A=1\r\nChanVariable: A=2")
    assert (message.headers["Cause"], message.variables["A"]) == ("16", "1")


def test_lines_panoramisk_stumbles_over_are_read() -> None:
    """Exactly one ChanVariable line, one without `=`, bytes that are no UTF-8."""
    message = read_message(b"Event: Hangup\r\nChanVariable: A=x=\xff\r\nChanVariable: B\r\nnonsense")
    assert message.variables == {"A": "x=\N{REPLACEMENT CHARACTER}"}
