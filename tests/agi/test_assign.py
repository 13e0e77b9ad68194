from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agi.environment import Environment
from gateway.agi.settings import AgiSettings, CallerIdName, Presentation
from gateway.agi.verbs.assign import Assign
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.guards import Guards
from gateway.assignment.resolver import Resolver
from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.model.decision import Decision, Reason, Source, Status
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneFormat, PhoneNumber
from gateway.model.variables import CallState, pack, unpack
from gateway.telemetry.metrics import CallMetrics

ANI = PhoneNumber("+12345678901")
ASSIGNED = Decision(Status.ASSIGNED, Source.OUTBOUNDIQ, ANI)


class Resolved:
    """In the resolver's place: remembers the lead, answers what the test says."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.leads: list[Lead] = []

    def resolve(self, lead: Lead, deliver: Callable[[Decision], None]) -> None:
        self.leads.append(lead)
        deliver(self.decision)

    def now(self) -> float:
        return 0.0


class Called:
    """One run of the verb."""

    def __init__(
        self,
        *arguments: str,
        script: str = "assign",
        decision: Decision = ASSIGNED,
        settings: AgiSettings | None = None,
        campaigns: dict[str, CampaignSettings] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        resolved = Resolved(decision)
        self.metrics = CallMetrics()
        verb = Assign(
            settings or AgiSettings(),
            resolver=cast("Resolver", resolved),
            guards=Guards(AssignmentSettings()),
            campaigns=Campaigns(AssignmentSettings(), campaigns or {}),
            metrics=self.metrics,
            wall_clock=lambda: 1_700_000_000.9,
        )
        told = {
            "network_script": script,
            "uniqueid": "1700000000.7",
            "callerid": "7001",
            **(environment or {}),
        }
        lines = [f"agi_{key}: {value}" for key, value in told.items()]
        lines += [f"agi_arg_{number}: {value}" for number, value in enumerate(arguments, 1)]
        self.replies: list[list[tuple[str, str]]] = []
        verb(
            Environment("".join(f"\n{line}" for line in [*lines, ""]).encode("utf-8", "replace")), self._reply
        )
        self.lead = resolved.leads[0] if resolved.leads else None
        self.set = dict(self.replies[0])
        self.state = unpack(self.set.get("GATEWAY", ""))

    def _reply(self, commands: bytes) -> None:
        lines = commands.decode().splitlines()
        self.replies.append([(line.split(" ", 3)[2], line.split('"')[1]) for line in lines])


def test_positions_are_phone_zip_campaign() -> None:
    called = Called("15559876543", "90210-1234", "9001")
    assert called.lead == Lead(PhoneNumber("+15559876543"), zip="90210", campaign="9001")


def test_every_key_of_the_contract_is_understood() -> None:
    called = Called(
        *("5559876543", "", "9001", "agent=Jane Doe", "campaign_name=Q2", "skill=Sales", "lead_source=fb"),
        *("lead_created=2026-04-01", "attempts=3", "direction=Outbound", "dial_id=V123", "real_time=0"),
        *("pool=ing1", "assignment_type=state", "branded=1"),
    )
    assert called.lead == Lead(
        PhoneNumber("+15559876543"),
        campaign="9001",
        real_time=False,
        pools=("ing1",),
        assignment_type=AssignmentType.STATE,
        branded=True,
    )
    assert called.state == CallState(
        ani="+12345678901",
        phone="+15559876543",
        campaign="9001",
        status="ASSIGNED",
        source="outboundiq",
        at="1700000000",
        dial_id="V123",
        agent="Jane Doe",
        campaign_name="Q2",
        skill="Sales",
        lead_source="fb",
        lead_created="2026-04-01",
        attempts="3",
        direction="Outbound",
    )


def test_an_explanation_is_asked_for_and_set() -> None:
    told = Decision(Status.ASSIGNED, Source.ENGINE, ANI, explanation='zip 30303 "chose"\nHANGUP')
    called = Called("5559876543", "explain=yes", decision=told)
    assert called.lead == Lead(PhoneNumber("+15559876543"), explain=True)
    assert called.set["GATEWAY_EXPLAIN"] == "zip 30303 choseHANGUP"
    assert "GATEWAY_EXPLAIN" not in Called("5559876543").set


def test_query_says_the_same_as_arguments() -> None:
    called = Called(script="assign?phone=%2B15559876543&zip=90210&campaign=9001&agent=Jane%20Doe")
    assert called.lead == Lead(PhoneNumber("+15559876543"), zip="90210", campaign="9001")
    assert called.state is not None
    assert called.state.agent == "Jane Doe"


def test_a_known_key_is_understood_in_any_position() -> None:
    assert Called("5559876543", "campaign=9001").lead == Lead(PhoneNumber("+15559876543"), campaign="9001")


def test_unknown_keys_are_kept_and_counted() -> None:
    called = Called("5559876543", "", "", "vendor=7 & co", "list=3")
    assert called.state is not None
    assert called.state.extra == "vendor=7%20%26%20co&list=3"
    assert called.metrics.unknown_keys == {"vendor": 1, "list": 1}


def test_values_that_make_no_sense_cost_the_call_nothing() -> None:
    called = Called("5559876543", "SW1A 1AA", "9001", "assignment_type=best", "branded=maybe", "x")
    assert called.lead == Lead(PhoneNumber("+15559876543"), campaign="9001")
    assert called.metrics.bad_arguments == {"zip": 1, "assignment_type": 1, "branded": 1, "position": 1}


def test_assigned_call_gets_everything_and_the_status_last() -> None:
    called = Called("5559876543")
    assert called.replies == [
        [
            ("CALLERID(num)", "2345678901"),
            ("GATEWAY", "1|+12345678901|+15559876543||ASSIGNED|outboundiq|1700000000|1700000000.7-1"),
            ("GATEWAY_DIAL_ID", "1700000000.7-1"),
            ("GATEWAY_ANI", "2345678901"),
            ("GATEWAY_SOURCE", "outboundiq"),
            ("GATEWAY_REASON", ""),
            ("GATEWAY_STATUS", "ASSIGNED"),
        ]
    ]


def test_unchanged_call_keeps_its_caller_id_and_is_still_known() -> None:
    called = Called("5559876543", decision=Decision(Status.UNCHANGED, reason=Reason.TIMEOUT))
    assert "CALLERID(num)" not in called.set
    assert called.set["GATEWAY_ANI"] == ""
    assert called.set["GATEWAY_REASON"] == "timeout"
    assert called.state is not None
    assert called.state.ani == "7001"


@pytest.mark.parametrize("dialled", ["911", "7001", "abc", ""])
def test_untouched_calls_get_the_words_only(dialled: str) -> None:
    called = Called(dialled)
    assert set(called.set) == {"GATEWAY_SOURCE", "GATEWAY_REASON", "GATEWAY_STATUS"}
    assert called.lead is None


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({"dnid": "5559876543", "extension": "s"}, Status.ASSIGNED),
        ({"dnid": "outbound*15559876543", "extension": "15559876543"}, Status.ASSIGNED),
        ({"dnid": "unknown", "extension": "15559876543"}, Status.ASSIGNED),
        ({"dnid": "911", "extension": "5559876543"}, Status.BYPASSED),
        ({"dnid": "unknown", "extension": "s"}, Status.INVALID),
    ],
)
def test_without_a_phone_the_dialled_number_counts(environment: dict[str, str], status: Status) -> None:
    assert Called(environment=environment).set["GATEWAY_STATUS"] == status


def test_campaign_decides_how_the_number_is_written() -> None:
    campaigns = {"9001": CampaignSettings(caller_id_format=PhoneFormat.E164, name="Spring")}
    called = Called("5559876543", "", "9001", campaigns=campaigns)
    assert called.set["CALLERID(num)"] == "+12345678901"
    assert called.set["GATEWAY_ANI"] == "+12345678901"
    assert called.state is not None
    assert called.state.campaign_name == "Spring"


def test_name_and_presentation_change_only_when_asked_to() -> None:
    fixed = AgiSettings(
        caller_id_name=CallerIdName.FIXED, fixed_name="Acme", presentation=Presentation.ALLOWED
    )
    clear = AgiSettings(caller_id_name=CallerIdName.CLEAR, presentation=Presentation.PROHIBITED)
    assert Called("5559876543", settings=fixed).replies[0][1:3] == [
        ("CALLERID(name)", "Acme"),
        ("CALLERID(pres)", "allowed"),
    ]
    assert Called("5559876543", settings=clear).replies[0][1:3] == [
        ("CALLERID(name)", ""),
        ("CALLERID(pres)", "prohib"),
    ]


def test_dial_id_counts_the_assignments_of_a_channel() -> None:
    settings = AgiSettings(pbx_id="pbx1")
    first = Called("5559876543", settings=settings)
    second = Called("5559876543", "", "", f"gateway={first.set['GATEWAY']}", settings=settings)
    third = Called("5559876543", "", "", f"gateway={second.set['GATEWAY']}", settings=settings)
    ids = [one.set["GATEWAY_DIAL_ID"] for one in (first, second, third)]
    assert ids == ["pbx1-1700000000.7-1", "pbx1-1700000000.7-2", "pbx1-1700000000.7-3"]


def test_second_assignment_after_an_own_dial_id_has_its_own() -> None:
    earlier = pack(CallState(dial_id="V123"))
    assert Called("5559876543", "", "", f"gateway={earlier}").set["GATEWAY_DIAL_ID"] == "1700000000.7-2"


@given(st.lists(st.text(), max_size=8), st.text())
def test_any_arguments_get_exactly_one_reply_with_a_status(arguments: list[str], query: str) -> None:
    called = Called(*arguments, script=f"assign?{query}")
    assert len(called.replies) == 1
    assert called.replies[0][-1][0] == "GATEWAY_STATUS"
