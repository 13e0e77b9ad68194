"""Settings of delivery."""

from dataclasses import dataclass

from gateway.model.setting import setting


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
