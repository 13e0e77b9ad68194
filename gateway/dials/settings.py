"""Settings of dial records: how the end of a call becomes one, and how it is sent."""

from dataclasses import dataclass, field

from gateway.model.setting import setting

_ONLY_LISTED = "none: Asterisk tells only the variables you list in channelvars"


@dataclass(frozen=True, slots=True)
class DispositionSettings:
    """`[dials.dispositions]`: what the outcome of a call is called."""

    agent_variables: tuple[str, ...] = setting(
        ("DISPO",),
        "Channel variables that may hold the agent's own disposition; the first that is not empty counts.",
        why="a short name that no part of Asterisk uses itself",
    )
    amd_variable: str = setting(
        "AMDSTATUS", "Channel variable with the result of the machine detection.", why="set by AMD()"
    )
    names: dict[str, str] = setting(
        {},
        "Your names for outcomes, laid over the built-in table of docs/reference/dispositions.md; "
        "an empty name means no record.",
        why="the built-in names serve until your account has its own",
    )


@dataclass(frozen=True, slots=True)
class VariableSettings:
    """`[dials.variables]`: channel variables that fill a field the call's arguments left empty."""

    campaign_id: str = setting("", "Variable for `campaign_id`.", why=_ONLY_LISTED)
    campaign_name: str = setting("", "Variable for `campaign_name`.", why=_ONLY_LISTED)
    agent_name: str = setting("", "Variable for `agent_name`.", why=_ONLY_LISTED)
    call_direction: str = setting("", "Variable for `call_direction`.", why=_ONLY_LISTED)
    zip: str = setting("", "Variable for `zip`.", why=_ONLY_LISTED)
    sys_created_date_original: str = setting(
        "", "Variable for `sys_created_date_original`, a date that begins YYYY-MM-DD.", why=_ONLY_LISTED
    )
    total_dial_attempts: str = setting("", "Variable for `total_dial_attempts`.", why=_ONLY_LISTED)
    skill_name: str = setting("", "Variable for `skill_name`.", why=_ONLY_LISTED)
    lead_source: str = setting("", "Variable for `lead_source`.", why=_ONLY_LISTED)


_NO_CONSTANT = "none: the field stays empty"


@dataclass(frozen=True, slots=True)
class ConstantSettings:
    """`[dials.constants]`: what a field holds when neither arguments nor variables fill it."""

    campaign_id: str = setting("", "Value of `campaign_id`.", why=_NO_CONSTANT)
    campaign_name: str = setting("", "Value of `campaign_name`.", why=_NO_CONSTANT)
    agent_name: str = setting("", "Value of `agent_name`.", why=_NO_CONSTANT)
    call_direction: str = setting(
        "Outbound", "Value of `call_direction`.", why="the gateway assigns caller IDs to outbound calls"
    )
    zip: str = setting("", "Value of `zip`.", why=_NO_CONSTANT)
    sys_created_date_original: str = setting(
        "", "Value of `sys_created_date_original`, YYYY-MM-DD.", why=_NO_CONSTANT
    )
    total_dial_attempts: str = setting("", "Value of `total_dial_attempts`.", why=_NO_CONSTANT)
    skill_name: str = setting("", "Value of `skill_name`.", why=_NO_CONSTANT)
    lead_source: str = setting("", "Value of `lead_source`.", why=_NO_CONSTANT)


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """The recorder's sections of `[dials]`."""

    dispositions: DispositionSettings = field(default_factory=DispositionSettings)
    variables: VariableSettings = field(default_factory=VariableSettings)
    constants: ConstantSettings = field(default_factory=ConstantSettings)


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """`[delivery]`: how dial records are sent, to every target alike."""

    max_in_flight: int = setting(
        64,
        "Most records under way to one target at once.",
        unit="records",
        why="64 at 50 ms are 1,200 records/s; raise it to rate times latency when more must leave",
    )
    timeout_s: float = setting(
        10.0, "How long one attempt may take.", unit="s", why="nobody waits, and a slow answer beats a repeat"
    )
    retry_base_s: float = setting(
        1.0,
        "Longest wait before the first retry; doubles with each further one.",
        unit="s",
        why="most failures are over within seconds",
    )
    retry_cap_s: float = setting(
        300.0,
        "Longest wait between two tries.",
        unit="s",
        why="five minutes after an outage all is on its way",
    )
    give_up_h: float = setting(
        72.0,
        "Age at which a record that fails again becomes a dead letter.",
        unit="h",
        why="an outage over a long weekend loses nothing",
    )
    mendable_pause_s: float = setting(
        30.0,
        "How long a target is left alone after it refused the key or the address (401, 402, 403, 404, 405).",
        unit="s",
        why="somebody has to mend it; one try each half minute is soon enough afterwards",
    )
    breaker_failures: int = setting(
        5, "Failures in a row after which a target is only probed.", why="one may be chance, five are not"
    )
    breaker_open_s: float = setting(
        1.0, "First pause between probes.", unit="s", why="short outages are many"
    )
    breaker_max_open_s: float = setting(
        30.0, "Longest pause between probes; it doubles up to here.", unit="s", why="a probe costs nothing"
    )
    drain_s: float = setting(
        5.0,
        "How long a stop waits for what is under way.",
        unit="s",
        why="service managers kill after 10 s and more; what is cut off is sent again or parked",
    )
