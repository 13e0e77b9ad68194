"""One run of `assign`: provider, gateways, files and display put together, until done, stopped or failed."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.assignment.owned import OwnedGuard
from gateway.cli.assign_progress import Display, open_display
from gateway.cli.assign_provider import opened_provider
from gateway.cli.console import COULD_NOT_START, fail, say, warn
from gateway.cli.start_up import start_up
from gateway.cli.tables import put_json, put_table
from gateway.config.settings import Settings
from gateway.leads.asking import Asking, Patience
from gateway.leads.assigning import Assigning
from gateway.leads.columns import ColumnNames
from gateway.leads.loading import Loading, open_loading
from gateway.leads.prewarming import GatewayWarmer, GatewayWarmers
from gateway.leads.reader import LeadsError, Row, Sheet, read_sheet
from gateway.model.phone import PhoneFormat
from gateway.providers.base import ProviderError, RefusedError
from gateway.service.loop import run

_GO_ON = "the same command goes on from here"
_MOST_SAID = 20
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - where to ask what listens there


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line says."""

    leads: Path
    output: Path
    provider: str
    batch: int
    in_flight: int
    tries: int
    columns: ColumnNames
    campaign: str
    ani_format: PhoneFormat
    prewarm: bool
    gateways: tuple[str, ...]
    restart: bool
    force: bool


class StoppedError(Exception):
    """SIGTERM or Ctrl-C."""


def load_list(order: Order, settings: Settings, *, as_json: bool) -> None:
    """Run the order; prints the summary, or ends the command with an error."""
    try:
        with start_up():
            loading = run(_load(order, settings))
    except StoppedError:
        fail("stopped", _GO_ON)
    except RefusedError as error:
        fail(f"{order.provider}: {error}", f"what was done is kept; mended, {_GO_ON}")
    except LeadsError as error:
        fail(str(error), error.hint)
    _report(loading, as_json=as_json)


async def _load(order: Order, settings: Settings) -> Loading:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(opened_provider(order.provider, settings))
        gateways = _gateways(order, settings)
        warmers = await stack.enter_async_context(_opened(gateways, settings, order.in_flight))
        loading, size_bytes = _opened_files(order, gateways)
        stack.callback(loading.close)
        assigning = Assigning(
            Asking(provider, Patience(tries=order.tries)),
            batch=order.batch,
            in_flight=order.in_flight,
            accepts=OwnedGuard(settings.assignment, None).accepts,
            warmer=warmers,
        )
        with open_display(None, size_bytes) as display:
            await _run(loading, assigning, display)
        return loading


def _opened_files(order: Order, gateways: tuple[str, ...]) -> tuple[Loading, int]:
    """The run and the size of its input, in bytes. Raises `LeadsError`."""
    try:
        sheet = read_sheet(order.leads, order.columns)
        loading = open_loading(
            (order.leads, order.output),
            sheet,
            campaign=order.campaign,
            written=lambda ani: ani.written(order.ani_format),
            arguments=_arguments(order, sheet, gateways),
            restart=order.restart,
            force=order.force,
        )
        size_bytes = order.leads.stat().st_size
    except OSError as error:
        raise LeadsError(_plain(error)) from error
    if loading.rows_before:
        say(f"going on after {loading.rows_before:,} rows that are done")
    return loading, size_bytes


def _arguments(order: Order, sheet: Sheet, gateways: tuple[str, ...]) -> dict[str, str]:
    """What decides the output, beside the input: a run that goes on must have the same."""

    def name(place: int | None) -> str:
        return "" if place is None else sheet.header[place]

    columns = sheet.columns
    return {
        "--provider": order.provider,
        "--campaign": order.campaign,
        "--ani-format": order.ani_format.value,
        "--phone-column": name(columns.phone),
        "--zip-column": name(columns.zip),
        "--campaign-column": name(columns.campaign),
        "--gateway": " ".join(gateways),
    }


async def _run(loading: Loading, assigning: Assigning, display: Display) -> None:
    """Run to the end, or until a signal; what was done is safe in any case."""
    loading.on_not_utf8 = _Complaints()
    ticker = asyncio.create_task(_tick(loading, display))
    try:
        with _stopped_by_signals():
            await loading.run(assigning)
        display.show(loading)
    except BaseException as error:
        with suppress(OSError):
            loading.save()
        if isinstance(error, asyncio.CancelledError):
            raise StoppedError from error
        if isinstance(error, OSError):
            raise LeadsError(_plain(error), _GO_ON) from error
        raise
    finally:
        ticker.cancel()
        await asyncio.gather(ticker, return_exceptions=True)


async def _tick(loading: Loading, display: Display) -> None:
    while True:
        await asyncio.sleep(display.every_s)
        display.show(loading)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """While open, SIGTERM and Ctrl-C cancel the task that opened it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in _STOP_SIGNALS:
        if task is not None:
            loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


class _Complaints:
    """Names the first rows whose bytes are no UTF-8."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, row: Row) -> None:
        self._said += 1
        if self._said <= _MOST_SAID:
            warn([f"line {row.line} has bytes that are no UTF-8; they are kept as they are"])
        elif self._said == _MOST_SAID + 1:
            warn(["further such lines are counted and not named"])


def _gateways(order: Order, settings: Settings) -> tuple[str, ...]:
    """Addresses of the gateways that get the numbers ahead."""
    if not order.prewarm:
        return ()
    if order.gateways:
        return order.gateways
    host, _, port = settings.admin.listen.rpartition(":")
    if not host or port == "0":
        hint = "set it for `serve` too, such as 127.0.0.1:4580; or name gateways: --gateway URL"
        fail("--prewarm: admin.listen is not set", hint, code=COULD_NOT_START)
    if not settings.admin.token:
        hint = "make one: openssl rand -hex 32 > admin.token; then set admin.token_file, for `serve` too"
        fail("--prewarm: admin.token is not set", hint, code=COULD_NOT_START)
    return (f"http://{_ANY_ADDRESS.get(host, host)}:{port}",)


@asynccontextmanager
async def _opened(
    gateways: tuple[str, ...], settings: Settings, connections: int
) -> AsyncIterator[GatewayWarmers | None]:
    warmers = [
        GatewayWarmer(url, settings.admin.token, connections=connections, complain=lambda text: warn([text]))
        for url in gateways
    ]
    try:
        for warmer in warmers:
            try:
                await warmer.open()
            except ProviderError as error:
                hint = "is it running, with admin.listen set, and admin.token the same?"
                fail(f"{warmer.url} takes no numbers ahead: {error}", hint, code=COULD_NOT_START)
        yield GatewayWarmers(warmers) if warmers else None
    finally:
        for warmer in warmers:
            await warmer.close()


def _plain(error: OSError) -> str:
    return f'"{error.filename}": {error.strerror}' if error.filename else f"{error.strerror or error}"


def _report(loading: Loading, *, as_json: bool) -> None:
    counts: dict[str, Any] = msgspec.to_builtins(loading.counts)
    seconds = loading.seconds
    counts |= {
        "seconds": round(seconds, 3),
        "rows_per_s": round(loading.counts.rows / max(seconds, 0.001), 1),
    }
    if as_json:
        put_json(counts)
    else:
        put_table(
            ("what", "number"),
            ((name.replace("_", " "), value) for name, value in counts.items()),
            right=("number",),
        )
