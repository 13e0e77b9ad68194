"""Settings of the decision: time, cache, batching, breaker, guards, fallback."""

from dataclasses import dataclass

from gateway.model.decision import Source
from gateway.model.phone import PhoneFormat
from gateway.model.setting import Form, setting

PROVIDERS = (Source.OUTBOUNDIQ, Source.OUTBOUNDANI, Source.ENGINE)
"""Sources that choose a number when asked."""
FALLBACKS = (Source.STALE, Source.ENGINE, Source.DEFAULT)
"""Sources that have a number without asking anybody."""


@dataclass(frozen=True, slots=True)
class AssignmentSettings:
    """`[assignment]`: how a number is decided, and what happens when nobody answers."""

    deadline_s: float = setting(
        0.7,
        "Longest wait for a number; then the fallback answers.",
        unit="s",
        why="callers notice a pause from about a second; half of agi.session_timeout_s stays for the rest",
        least=0.01,
        most=30,
    )
    providers: tuple[Source, ...] = setting(
        (Source.OUTBOUNDIQ,),
        "Providers asked in this order: outboundiq, outboundani, engine.",
        why="outboundIQ is the service this gateway was first built for",
        choices=PROVIDERS,
    )
    fallback: tuple[Source, ...] = setting(
        (Source.STALE, Source.ENGINE, Source.DEFAULT),
        "What answers when no provider did, in this order: stale, engine, default.",
        why="a number chosen for this prospect beats a local one, which beats the same one for all",
        choices=FALLBACKS,
    )
    default_ani: str = setting(
        "",
        "Number for `fallback = default` in campaigns without their own.",
        why="empty: the call keeps the caller ID it had",
        form=Form.PHONE,
    )
    caller_id_format: PhoneFormat = setting(
        PhoneFormat.NATIONAL,
        "How the number is written into CALLERID(num): national, e164, e164-bare.",
        why="most North American trunks expect 10 digits",
    )
    cache_ttl_s: float = setting(
        30.0,
        "How long an answer is used again for an equal lead.",
        unit="s",
        why="covers a redial and a second trunk without pinning a prospect to one number",
        least=0,
        most=86_400,
    )
    negative_ttl_s: float = setting(
        5.0,
        'How long "no number" is remembered.',
        unit="s",
        why="inventory may be added at any time; 5 s keeps a retry storm off the upstream",
        least=0,
        most=86_400,
    )
    stale_ttl_s: float = setting(
        3600.0,
        "How long an old answer may serve as fallback.",
        unit="s",
        why="an hour bridges most outages, and the number is still ours",
        least=0,
        most=604_800,
    )
    cache_size: int = setting(
        200_000,
        "Most leads remembered, fresh and stale together; the oldest go first.",
        unit="leads",
        why="about 100 MB; an hour of 55 calls/s",
        least=1,
    )
    prewarm_ttl_s: float = setting(
        43_200.0,
        "How long a number given to `POST /api/prewarm` waits for its call.",
        unit="s",
        why="12 h: a list loaded in the morning is dialled the same day",
        least=0,
        most=604_800,
    )
    prewarm_size: int = setting(
        500_000,
        "Most prewarmed numbers; the oldest go first.",
        unit="leads",
        why="a day's list; about 180 MB when full, nothing when prewarming is not used",
        least=1,
    )
    sticky_days: float = setting(
        0.0,
        "How long a prospect keeps the number it was last shown in a campaign; counted from the last call.",
        unit="days",
        why="0 is off: the number is chosen anew as soon as cache_ttl_s is over",
        least=0,
        most=366,
    )
    sticky_size: int = setting(
        500_000,
        "Most prospects with a number of their own; the longest not called go first. Lost at a restart.",
        unit="prospects",
        why="about 180 MB when full, nothing while sticky_days is 0",
        least=1,
    )
    batching: bool = setting(
        True,
        "Send misses that arrive close together as one /assignment/batch.",
        why="a sick upstream then answers thousands instead of dozens",
    )
    batch_above: float = setting(
        2000.0,
        "Misses a second up to which each is sent at once, alone; more gather for batches. 0 always gathers.",
        unit="misses/s",
        why="single requests are the quickest way as long as one core has time for them, which is 5,000/s",
        least=0,
        most=1_000_000,
    )
    batch_window_s: float = setting(
        0.002,
        "Gathering, one request is sent per window; per 4 or 8 when over half of max_in_flight are open.",
        unit="s",
        why="2 ms falls below what a caller can notice, and halves the cost of a call under load",
        least=0,
        most=0.1,
    )
    max_batch: int = setting(
        500,
        "Most leads in one batch.",
        unit="leads",
        why="the upstream's limit is undocumented; 500 is a body of 60 kB",
        least=1,
        most=10_000,
    )
    max_in_flight: int = setting(
        64,
        "Most requests open at one provider; beyond, misses wait and go as a batch.",
        unit="requests",
        why="64 connections at 20 ms carry 3,200 requests/s, batches many times more",
        least=1,
        most=10_000,
    )
    max_waiting: int = setting(
        20_000,
        "Most calls waiting for one provider; further ones fall back at once.",
        unit="calls",
        why="20,000 is 0.7 s of 28,000 calls/s, more than one process can take in",
        least=0,
    )
    breaker_failures: int = setting(
        5,
        "Consecutive failures that open a provider's breaker.",
        why="five in a row are an outage, not bad luck",
        least=1,
    )
    breaker_open_s: float = setting(
        1.0,
        "First rest of an open breaker; doubles with each failed probe.",
        unit="s",
        why="a restart of the upstream takes about a second",
        least=0.01,
        most=3_600,
    )
    breaker_max_open_s: float = setting(
        30.0,
        "Longest rest of an open breaker.",
        unit="s",
        why="30 s after the upstream is back, at the latest, calls use it again",
        least=0.01,
        most=3_600,
    )
    retry_budget: float = setting(
        0.2,
        "Retries allowed, as a share of requests.",
        why="a fifth more load at most on an upstream in trouble",
        least=0,
        most=1,
    )
    ani_countries: tuple[str, ...] = setting(
        ("+1", "+44"),
        "Countries a caller ID may be from; others are refused as implausible.",
        why="the covered regions of the upstream APIs",
        choices=("+1", "+44"),
    )
    only_owned: bool = setting(
        False,
        "Refuse a provider's number that is not in the engine's inventory.",
        why="an inventory that lags behind the cloud's would refuse good numbers",
    )
    emergency: tuple[str, ...] = setting(
        (),
        "Further emergency and service numbers, never touched, beside 911, 933, 988, 112, 999 and N11.",
        why="the built-in list covers North America and Europe",
        form=Form.DIGITS,
    )
    dial_prefixes: tuple[str, ...] = setting(
        ("9",),
        "Outside-line prefixes that may stand before an emergency number.",
        why="9 is the usual outside line",
        form=Form.DIGITS,
    )
    do_not_call: tuple[str, ...] = setting(
        (),
        "Prefixes, in E.164 with plus, answered BLOCKED.",
        why="empty: whom not to call is your list",
        form=Form.PREFIX,
    )
    max_extension_digits: int = setting(
        6,
        "Numbers this short are internal extensions, never touched.",
        unit="digits",
        why="extensions are 2 to 6 digits; a caller ID matters from 10 digits on",
        least=0,
        most=9,
    )


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """`[campaigns.ID]`: what differs for one campaign. An empty setting means as in `[assignment]`."""

    providers: tuple[Source, ...] = setting(
        (), "Providers asked in this order.", why="as in [assignment]", choices=PROVIDERS
    )
    default_ani: str = setting(
        "", "Number for `fallback = default`.", why="as in [assignment]", form=Form.PHONE
    )
    caller_id_format: PhoneFormat | None = setting(
        None, "How the number is written into CALLERID(num).", why="as in [assignment]"
    )
    name: str = setting("", "Campaign name for dial records.", why="the dialplan's campaign_name, if any")
