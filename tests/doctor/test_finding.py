import pytest

from gateway.doctor.checkup import CHECKS
from gateway.doctor.finding import Change, Kind, Part, Verdict, right

KIND = Kind("part.thing", Verdict.FAULT, "it matters")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call to 14045551234 failed", "call to +1404*****34 failed"),
        ("call to +14045551234", "call to +1404*****34"),
        ("at 192.168.100.200:5038", "at 192.168.100.200:5038"),
        ("file.conf:12 line", "file.conf:12 line"),
        ("\x1b[31mred\r\n", "\N{REPLACEMENT CHARACTER}[31mred" + 2 * "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_no_finding_shows_a_whole_number_or_commands_the_terminal(text: str, shown: str) -> None:
    finding = KIND.seen(text, Change("file", text)).about(Part.CONFIG, "")
    assert finding.what == shown
    assert finding.change is not None
    assert finding.change.line == shown


def test_kind_tells_its_name_and_why() -> None:
    finding = KIND.seen("so")
    assert (finding.name, finding.verdict, finding.why) == ("part.thing", Verdict.FAULT, "it matters")
    assert right("so").verdict is Verdict.RIGHT


def test_names_of_checks_and_kinds_are_each_there_once() -> None:
    names = [kind.name for check in CHECKS for kind in check.kinds]
    assert len(set(names)) == len(names)
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_every_kind_is_wrong_in_some_way_and_says_why() -> None:
    kinds = [kind for check in CHECKS for kind in check.kinds]
    assert {kind.verdict for kind in kinds} == {Verdict.WARNING, Verdict.FAULT}
    assert all(kind.why for kind in kinds)
