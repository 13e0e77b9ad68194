"""Settings of the embedded engine and of its HTTP service."""

from dataclasses import dataclass

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
        (), "Bearer keys that may ask.", why="none: the service refuses to start", secret=True
    )
