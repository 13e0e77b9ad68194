from hypothesis import given
from hypothesis import strategies as st

from gateway.agi.commands import MAX_LINE_BYTES, set_variables

values = st.text() | st.text(alphabet='\r\n\x00"\\ \u2028aSETé') | st.text(min_size=1400, max_size=1700)


@given(st.lists(values, max_size=5))
def test_no_value_becomes_a_second_command(texts: list[str]) -> None:
    written = set_variables(tuple(f"V{number}" for number in range(len(texts))), tuple(texts))
    lines = written.split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == len(texts)
    for number, line in enumerate(lines):
        assert line.startswith(b'SET VARIABLE V%d "' % number)
        assert line.endswith(b'"')
        assert line.count(b'"') == 2
        assert not set(line) & set(b"\r\x00\\")
        assert len(line) < MAX_LINE_BYTES
        line.decode()


def test_plain_values_arrive_as_they_are() -> None:
    assert set_variables(("CALLERID(num)", "GATEWAY_REASON"), ("5559876543", "")) == (
        b'SET VARIABLE CALLERID(num) "5559876543"\nSET VARIABLE GATEWAY_REASON ""\n'
    )
