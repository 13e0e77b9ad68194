from pathlib import Path

import pytest

from gateway.ami.message import read_message
from gateway.doctor.config_files import read_sections
from gateway.doctor.dialplan import (
    FREEPBX_HOOK,
    SUBROUTINE,
    AgiUrl,
    Dialplan,
    Step,
    agi_url,
    ending,
    from_listing,
    from_sections,
    sets_exit_on_hangup,
    wanted_ending,
)

SHIPPED = Path(__file__).parents[2] / "asterisk-config"


def dialplan(*steps: tuple[str, str]) -> Dialplan:
    return Dialplan(tuple(Step("outbound", "_X.", app, data) for app, data in steps))


def shipped(*names: str) -> Dialplan:
    found = [from_sections(read_sections((SHIPPED / name).parent, Path(name).name)) for name in names]
    return Dialplan(tuple(step for one in found for step in one.steps))


def test_shipped_subroutine_is_right_in_every_way_doctor_looks_at() -> None:
    steps = shipped("extensions_gateway.conf").of(SUBROUTINE)
    assert ending(steps) == "Return"
    assert sets_exit_on_hangup(steps)


def test_shipped_examples_call_it() -> None:
    assert shipped("extensions_gateway_example.conf").callers()
    assert shipped("freepbx/predial_hook_17.conf").callers()


def test_our_own_files_do_not_count_as_a_hook() -> None:
    assert shipped("extensions_gateway.conf", "freepbx/extensions_gateway_freepbx.conf").callers() == []


@pytest.mark.parametrize(
    ("application", "data", "calls"),
    [
        ("Gosub", "gateway-assign,s,1(${EXTEN})", True),
        ("GosubIf", '$["${A}"="b"]?gateway-assign,s,1(${EXTEN})', True),
        ("ExecIf", "$[1]?Gosub(gateway-assign,s,1(${EXTEN}))", True),
        ("AGI", "agi://10.0.0.1:4573/assign,${EXTEN}", True),
        ("AGI", "${GATEWAY_AGI}/assign,${EXTEN}", True),
        ("AGI", "agi://127.0.0.1:4577/call_log", False),
        ("NoOp", "gateway-assign", False),
        ("Dial", "PJSIP/${EXTEN}@gateway-assign", False),
    ],
)
def test_what_asks_for_a_number_is_told_from_what_does_not(
    application: str, data: str, *, calls: bool
) -> None:
    assert bool(dialplan((application, data)).callers()) is calls


@pytest.mark.parametrize(
    ("steps", "is_set"),
    [
        ([("Set", "LOCAL(AGIEXITONHANGUP)=yes"), ("AGI", "x")], True),
        ([("Set", "AGIEXITONHANGUP=yes"), ("AGI", "x")], True),
        ([("Set", "AGIEXITONHANGUP=no"), ("AGI", "x")], False),
        ([("AGI", "x"), ("Set", "AGIEXITONHANGUP=yes")], False),
        ([("Set", "AGIEXITONHANGUP=yes")], False),
    ],
)
def test_exit_on_hangup_counts_only_before_the_agi(steps: list[tuple[str, str]], *, is_set: bool) -> None:
    assert sets_exit_on_hangup(dialplan(*steps).steps) is is_set


@pytest.mark.parametrize(
    ("call", "major", "wanted"),
    [
        (("Gosub", "macro-dialout-trunk-predial-hook,s,1()"), 18, "Return"),
        (("Macro", "dialout-trunk-predial-hook"), 18, "MacroExit"),
        (("ExecIf", "$[1]?Macro(dialout-trunk-predial-hook,)"), 16, "MacroExit"),
        (("NoOp", ""), 22, "Return"),
        (("NoOp", ""), 18, ""),
    ],
)
def test_hook_must_end_as_the_release_calls_it(call: tuple[str, str], major: int, wanted: str) -> None:
    trunk = Step("macro-dialout-trunk", "s", *call)
    assert wanted_ending(Dialplan((trunk, Step(FREEPBX_HOOK, "s", "NoOp", ""))), major) == wanted


def test_steps_that_run_off_their_end_have_no_ending() -> None:
    assert ending(list(dialplan(("Return", ""), ("NoOp", "")).steps)) == ""
    assert ending([]) == ""


def test_listing_of_the_manager_and_the_file_give_the_same_steps() -> None:
    place = "Event: ListDialplan\r\nContext: c\r\nExtension: s\r\nPriority: 1\r\n"
    body = f"{place}Application: Gosub\r\nAppData: a,s,1"
    include = "Event: ListDialplan\r\nContext: c\r\nIncludeContext: d"
    listed = from_listing([read_message(body.encode()), read_message(include.encode())])
    assert listed == from_sections({"c": [("exten", "s,1,Gosub(a,s,1)"), ("include", "d")]})


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("agi://127.0.0.1:4573", AgiUrl("agi", "127.0.0.1", 4573)),
        ("agi://gateway", AgiUrl("agi", "gateway", 4573)),
        ("agi://[::1]:4580/x", AgiUrl("agi", "::1", 4580)),
        ("hagi://gateways.example", AgiUrl("hagi", "gateways.example", 4573)),
        ("http://127.0.0.1", None),
        ("agi://", None),
        ("agi://host:99999", None),
        ("", None),
    ],
)
def test_address_is_taken_apart_as_asterisk_does(text: str, url: AgiUrl | None) -> None:
    assert agi_url(text) == url
