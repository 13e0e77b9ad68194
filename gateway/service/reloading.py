"""Reads the configuration again on SIGHUP, and has it taken into force, or says why not.

SIGHUP ─► read, check ─► leave out what needs a restart ─► apply ─► logs
              └─ broken: every problem into the log, nothing changes ─┘
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from gateway.config import checks
from gateway.config.checks import Purpose
from gateway.config.problems import ConfigError, Problem
from gateway.config.settings import Settings
from gateway.service.reload_rules import merge
from gateway.service.service_manager import ServiceManager
from gateway.stores.base import StoreError
from gateway.telemetry import logs
from gateway.telemetry.settings import LogSettings

log = logging.getLogger(__name__)

Reread = Callable[[], Settings]
"""The settings as they stand now in file, environment and flags. Blocks. Raises `ConfigError`."""

_MOST_NAMED = 20
_LONG_NUMBER = re.compile(r"\d{9,}")


class ReloadError(Exception):
    """The settings could not be taken into force; those before are, as they were."""


class Reloader:
    """`ask` it at any time; `run` does the work, one reload at a time."""

    def __init__(
        self,
        settings: Settings,
        reread: Reread,
        apply: Callable[[Settings], Awaitable[None]],
        manager: ServiceManager,
    ) -> None:
        """`apply` raises `ReloadError`, `OSError`, `ValueError` or `StoreError` when nothing has changed."""
        self.settings = settings
        """In force."""
        self._reread = reread
        self._apply = apply
        self._manager = manager
        self._wanted = asyncio.Event()

    def ask(self) -> None:
        """Reload soon; what is asked while one is under way is one more."""
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._manager.reloading()
            try:
                outcome = await self._reload()
            except ConfigError as error:
                _name(error.problems)
                count = len(error.problems)
                plural = "s" if count > 1 else ""
                outcome = _refused(f"{count} problem{plural} in the configuration")
            except (ReloadError, OSError, ValueError, StoreError) as error:
                outcome = _refused(str(error))
            except Exception:
                log.exception("a fault of the gateway while it reloaded")
                outcome = _refused("a fault of the gateway")
            self._manager.ready(outcome)

    async def _reload(self) -> str:
        wanted = await asyncio.to_thread(self._reread)
        merged = merge(self.settings, wanted)
        if merged.kept:
            problems = checks.across(merged.settings, Purpose.CALLS, wrong=(), origins={})
            if problems:
                log.error(
                    "reload: %s can change only by a restart, and the rest does not fit without",
                    _named(merged.kept),
                )
                raise ConfigError(problems)
        async with logging_as(merged.settings.log, before=self.settings.log):
            await self._apply(merged.settings)
        self.settings = merged.settings
        for path in merged.kept:
            log.warning("reload: %s needs a restart; until then it stays as it is", path)
        log.info("reloaded; changed: %s", _named(merged.changed) or "nothing")
        return "reloaded" + (f"; {len(merged.kept)} settings need a restart" if merged.kept else "")


@asynccontextmanager
async def logging_as(settings: LogSettings, *, before: LogSettings) -> AsyncIterator[None]:
    """Log by `settings` from here on, or again as `before` when the block fails.

    Logs go first in a reload: they may fail, and are taken back easily. Raises `OSError` for a file that
    cannot be written.
    """
    await asyncio.to_thread(logs.configure, settings)
    try:
        yield
    except BaseException:
        await asyncio.to_thread(logs.configure, before)
        raise


def _name(problems: Iterable[Problem]) -> None:
    """Every problem into the log. A wrong phone number is none to show in full either."""
    for problem in problems:
        hint = f"; {problem.hint}" if problem.hint else ""
        log.error("reload: %s", _LONG_NUMBER.sub(_masked, f"{problem.line}{hint}"))


def _masked(number: re.Match[str]) -> str:
    digits = number[0]
    return digits[:4] + "*" * (len(digits) - 6) + digits[-2:]


def _refused(why: str) -> str:
    log.error("reload refused, the settings before stay in force: %s", why)
    return f"reload refused: {why}"


def _named(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(paths[:_MOST_NAMED]) + more
