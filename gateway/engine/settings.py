"""Settings of the embedded engine and of its HTTP service."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.setting import Form, setting


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`[engine]`: the embedded assignment service."""

    database: str = setting(
        "",
        "SQLite file with the inventory and the usage counters.",
        why="empty: kept in memory, which suits a trial",
    )
    inventory: str = setting(
        "",
        "YAML or CSV file with campaigns, dispositions and ANIs, loaded at start.",
        why="empty: the database's own content",
        form=Form.FILE,
    )
    daily_cap: int = setting(
        75,
        "Most calls a day from one ANI.",
        unit="calls",
        why="carriers' analytics start to flag numbers above about 75 to 100 a day",
        least=1,
        most=100_000,
    )
    hourly_cap: int = setting(
        0,
        "Most calls from one ANI in the hour that begins with the first of them; 0 for no cap.",
        unit="calls",
        why="0: the daily cap and the even spread do for most; 10 to 20 spares a small inventory a busy hour",
        least=0,
        most=100_000,
    )
    cool_down_s: float = setting(
        0.0,
        "Least time between two uses of one ANI.",
        unit="s",
        why="0: the least used number goes first, which spreads the calls already",
        least=0,
        most=86_400,
    )
    nearest_km: float = setting(
        160.0,
        "How far the middle of an area code may be from the prospect to count as near.",
        unit="km",
        why="100 miles: beyond, a number of the same state looks more local",
        least=0,
        most=20_000,
    )
    toll_free_last: bool = setting(
        True,
        "Show a toll-free number when there is no local one left, though it was not asked for.",
        why="a number that can be called back beats none",
    )
    default_campaign: str = setting(
        "", "Campaign of a lead that names none.", why="empty: it is treated like an unknown campaign"
    )
    strict_campaigns: bool = setting(
        False,
        "Give leads of an unknown campaign no number, instead of any that is not Inbound only.",
        why="a new campaign in the dialler works before somebody adds it here",
    )
    timezone: str = setting(
        "",
        "Time zone in which a day of `daily_cap` and of pauses begins, such as America/New_York.",
        why="empty: the machine's own",
        form=Form.TIMEZONE,
    )
    flush_interval_s: float = setting(
        1.0,
        "Most time between a use and its counter's write to the database, while calls keep coming.",
        unit="s",
        why="a crash then forgets one second of counts; each write is one sync of the disk",
        least=0,
        most=3_600,
    )
    refresh_s: float = setting(
        1.0,
        "How often to look whether another process changed the inventory in the database; 0 for never.",
        unit="s",
        why="a number paused on the command line is no longer shown a second later; a look takes 0.1 ms",
        least=0,
        most=3_600,
    )
    sticky_days: float = setting(
        0.0,
        "How long a prospect is shown the same number again while it may be used; 0 for not at all.",
        unit="days",
        why="0: always the number that is most local and least used; people who call back want 7 to 30",
        least=0,
        most=3_650,
    )
    sticky_size: int = setting(
        100_000,
        "Most prospects whose number is kept; who was not called the longest goes first.",
        unit="prospects",
        why="takes 50 MB of memory and 10 MB of disk when full",
        least=1,
        most=10_000_000,
    )
    contact_rate_days: int = setting(
        30,
        "How far back dials count for `highest_contact_rate`.",
        unit="days",
        why="carriers' labels come and go within weeks, so what is older says little",
        least=1,
        most=3_650,
    )
    contact_rate_prior_dials: int = setting(
        50,
        "How many dials of the average rate are added to those of each ANI.",
        unit="dials",
        why="at a rate of 10 % fewer dials than that tell luck from merit badly; more makes it slow to learn",
        least=1,
        most=100_000,
    )
    contact_rate_refresh_s: float = setting(
        60.0,
        "How often contact rates are counted anew, once a lead asked for `highest_contact_rate`.",
        unit="s",
        why="a rate of 30 days changes slowly; the count takes 10 ms for 60,000 dials, in the background",
        least=1,
        most=86_400,
    )
    keep_dials_days: int = setting(
        90,
        "How long reported dials are kept.",
        unit="days",
        why="contact rates look back `contact_rate_days`; the rest is for questions that come later",
    )
    blocked_dispositions: tuple[str, ...] = setting(
        ("Blocked", "Spam Blocked", "Rejected", "Call Rejected"),
        "Dispositions, by name or id, of calls that were kept from the prospect: they make `blockRate`.",
        why="Rejected is the built-in name for it; carriers that label calls answer so",
    )
    no_answer_dispositions: tuple[str, ...] = setting(
        ("No Answer", "NA", "Ring No Answer"),
        "Dispositions, by name or id, of calls nobody answered: they make `noAnswerRate`.",
        why="the built-in name and what diallers call it",
    )
    cache_dir: str = setting(
        "",
        "Folder for the geography table (700 kB), made at first use.",
        why="empty: the user's cache folder",
    )


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`[api]`: the engine over HTTP, as `ani-gateway api` serves it."""

    listen: str = setting(
        "127.0.0.1:8080",
        "Address to listen on, `HOST:PORT`.",
        why="loopback until you choose otherwise",
        form=Form.ADDRESS,
    )
    keys: tuple[str, ...] = setting(
        (),
        "Universal keys that may ask; keys with limits stand in [api_keys.NAME].",
        why="none: without any key the service refuses to start",
        secret=True,
    )
    company_guids: tuple[str, ...] = setting(
        (),
        "Company GUIDs whose Dial Results are kept; they open nothing else, and no key stands for one.",
        why="none: Dial Results are answered 401 until you choose one for each client, as outboundANI does",
        secret=True,
    )
    in_serve: bool = setting(
        False,
        "Whether serve answers HTTP at api.listen too, over the engine its own calls use.",
        why="off: a gateway for Asterisk alone needs no second door",
    )
    max_body_bytes: int = setting(
        1_048_576,
        "Largest request body; a larger one is answered 413.",
        unit="bytes",
        why="a full batch of 2,000 leads takes about 300 kB",
        least=1_024,
        most=67_108_864,
    )
    max_batch: int = setting(
        2_000,
        "Most leads in one batch; more are answered 400.",
        unit="leads",
        why="2,000 take about 20 ms, in which other requests wait",
        least=1,
        most=100_000,
    )
    requests_per_second: float = setting(
        0.0,
        "Most requests a second from one key; further ones are answered 429 with Retry-After. 0: no limit.",
        unit="requests/s",
        why="whoever serves himself needs none; VoIPBin's own is about 16.7",
        least=0,
        most=1_000_000,
    )
    burst: int = setting(
        33,
        "Most requests at once under `requests_per_second`.",
        unit="requests",
        why="two seconds of VoIPBin's rate, as VoIPBin allows",
        least=1,
        most=1_000_000,
    )


class KeyType(StrEnum):
    """What a key may be used for."""

    UNIVERSAL = "universal"
    """Everything."""
    ASSIGNMENT = "assignment"
    """Asking for numbers and reporting dials; management is answered 403."""


@dataclass(frozen=True, slots=True)
class ApiKeySettings:
    """`[api_keys.NAME]`: one key for the engine's API."""

    key: str = setting("", "The key itself.", why="none: make one with openssl rand -hex 32", secret=True)
    type: KeyType = setting(
        KeyType.UNIVERSAL,
        "universal: may do everything; assignment: may ask for numbers and report dials.",
        why="a dialler that manages its own inventory needs universal",
    )
    active: bool = setting(
        True, "Whether it is in use.", why="false locks a client out without losing its key"
    )
    default_campaign: str = setting(
        "", "Campaign of a request that names none.", why="empty: engine.default_campaign"
    )
