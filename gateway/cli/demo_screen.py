"""What the demo shows: one live screen on a terminal, one plain line a second elsewhere."""

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.cli.demo_records import Records
from gateway.cli.demo_world import DOWN_S, UP_S, Played, View
from gateway.simulator.scenario import Figures

_WHAT = "A simulated Asterisk places calls through this gateway, over real FastAGI sessions."
_WATCH = (
    f"Its upstream answers for {UP_S:.0f} s, then fails for {DOWN_S:.0f} s: "
    "watch where the numbers come from meanwhile, the latency, and the records of finished calls that wait."
)
_NEXT = "Ctrl-C ends it. Next: docs/tutorial/first-call.md places a call with numbers of your own."
_STARTING = "starting; the very first time takes a few seconds more, in which the map of area codes is made"
_BAR_CELLS = 30


class Screen(Protocol):
    """Where the demo shows itself; a context manager around the whole run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, view: View) -> None:
        """Show the latest figures."""
        ...


def open_screen(stdout: TextIO) -> Screen:
    """A live screen if `stdout` is a terminal that can draw one, plain lines otherwise."""
    console = Console(file=stdout, highlight=False)
    return (
        LiveScreen(console) if console.is_terminal and not console.is_dumb_terminal else PlainScreen(console)
    )


class PlainScreen:
    """One line each time, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        for line in (_WHAT, _WATCH, _NEXT):
            self._console.print(line, soft_wrap=True)
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is held open."""

    def show(self, view: View) -> None:
        """One line: rates, percentiles, sources."""
        self._console.print(plain_line(view), soft_wrap=True)


class LiveScreen:
    """One screen, drawn anew with each view."""

    def __init__(self, console: Console) -> None:
        self._live = Live(
            Text(_STARTING),
            console=console,
            auto_refresh=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def show(self, view: View) -> None:
        """Draw everything."""
        self._live.update(drawn(view), refresh=True)


def plain_line(view: View) -> str:
    """`12 s  50 calls/s  p50 1.2 ms  p99 21.0 ms  outboundiq 300  cache 120 …`."""
    figures = view.figures
    sources = "  ".join(f"{name or '-'} {number}" for name, number in sorted(figures.by_source.items()))
    upstream = "DOWN" if view.upstream_is_down else "up"
    return (
        f"{figures.elapsed_s:5.1f} s  {figures.calls_per_s:5.1f} calls/s  p50 {_ms(figures.p50_ms)}  "
        f"p99 {_ms(figures.p99_ms)}  upstream {upstream:<4}  {sources}  {_records_line(view.records)}"
    )


def _records_line(records: Records) -> str:
    return (
        f"records: {records.waiting} waiting {records.delivered} delivered {records.dead} dead"
        f"  AMI {records.link}"
    )


def summary(played: Played) -> str:
    """What the whole run came to."""
    if played.figures is None:
        return "stopped before the first figures"
    return f"{_calls_summary(played.figures)}\n{_records_summary(played.records)}"


def _records_summary(records: Records) -> str:
    return (
        f"{records.call_ends} calls ended at Asterisk: {records.made} records made, "
        f"{records.delivered} delivered, {records.dead} dead, {records.waiting} waiting, "
        f"{records.duplicates} duplicates"
    )


def _calls_summary(figures: Figures) -> str:
    return (
        f"{figures.ended} calls in {figures.elapsed_s:.1f} s: {_listed(figures.by_status)}\n"
        f"numbers came from: {_listed(figures.by_source)}\n"
        f"{figures.protocol_errors} protocol errors, {figures.timed_out} calls without an answer in time"
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name or 'unanswered'}" for name, number in _most_first(counts))


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])


def drawn(view: View) -> Group:
    """The screen as rich draws it."""
    return Group(
        Text("ani-gateway demo", style="bold") + Text(f"   FastAGI on {view.address}", style="dim"),
        Text(f"{_WHAT} {_WATCH}"),
        Text(""),
        _headline(view),
        Text(""),
        _records(view.records),
        Text(""),
        _shares("where numbers came from", view.figures.by_source),
        _shares("status", view.figures.by_status),
        Text(""),
        _last_calls(view),
        Text(""),
        Text(_NEXT, style="dim"),
    )


def _headline(view: View) -> Table:
    figures = view.figures
    table = Table.grid(padding=(0, 3))
    down = (
        Text("DOWN (answers 503)", style="bold red") if view.upstream_is_down else Text("up", style="green")
    )
    table.add_row("calls/s", "p50", "p99", "calls", "open", "protocol errors", "upstream", style="dim")
    table.add_row(
        f"{figures.calls_per_s:.0f}",
        _ms(figures.p50_ms),
        _ms(figures.p99_ms),
        f"{figures.ended}",
        f"{figures.open}",
        f"{figures.protocol_errors}",
        down,
        style="bold",
    )
    return table


def _records(records: Records) -> Table:
    table = Table(title="records of finished calls", title_justify="left", box=None, header_style="dim")
    for name in ("waiting", "delivered", "dead", "duplicates"):
        table.add_column(name, justify="right", min_width=10)
    table.add_column("AMI link", overflow="fold")
    numbers = (records.waiting, records.delivered, records.dead, records.duplicates)
    table.add_row(*(f"{number}" for number in numbers), records.link, style="bold")
    return table


def _shares(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title=title, title_justify="left", box=None, show_header=False, padding=(0, 2, 0, 0))
    total = max(sum(counts.values()), 1)
    for name, number in _most_first(counts):
        table.add_row(
            f"{name or '-':<12}",
            f"{number:>7}",
            f"{number / total:>4.0%}",
            "█" * round(_BAR_CELLS * number / total),
        )
    return table


def _last_calls(view: View) -> Table:
    table = Table(title="last calls, numbers masked", title_justify="left", box=None, header_style="dim")
    for name in ("dialled", "campaign", "status", "source", "shows", "reason"):
        table.add_column(name, min_width=10)
    table.add_column("time", justify="right", min_width=10)
    for call in view.last_calls:
        row = (call.phone, call.campaign, call.status, call.source, call.ani, call.reason, _ms(call.took_ms))
        table.add_row(*row)
    return table


def _ms(milliseconds: float | None) -> str:
    return "     -" if milliseconds is None else f"{milliseconds:.1f} ms"
