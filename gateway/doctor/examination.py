"""Runs checks side by side: each has its time, all of them together have theirs, none can spoil another."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.doctor.finding import Check, Finding, NotExaminedError, Verdict

log = logging.getLogger(__name__)

CHECK_S = 8.0
"""Longest for one check, what it waits for included: connect, login and list of a dialplan on a slow PBX."""
TOTAL_S = 12.0
"""Longest for all of them; what is not done by then is said to be unchecked."""

Result = TypeVar("Result")
Looked = TypeVar("Looked")


@dataclass(frozen=True, slots=True)
class Appointment:
    """A check with what it looks at."""

    check: Check[Any]
    looked: Any
    subject: str = ""


def appoint(checks: Iterable[Check[Looked]], looked: Looked, subject: str = "") -> list[Appointment]:
    """All of `checks` for one thing."""
    return [Appointment(check, looked, subject) for check in checks]


async def examine(
    appointments: Sequence[Appointment], *, check_s: float = CHECK_S, total_s: float = TOTAL_S
) -> list[Finding]:
    """What all of them found, in the order of `appointments`; never raises, ends within `total_s`."""
    tasks = [asyncio.ensure_future(_examined(each, check_s)) for each in appointments]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=total_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return [
        finding
        for each, task in zip(appointments, tasks, strict=True)
        for finding in (_given_up(each, total_s) if task.cancelled() else task.result())
    ]


async def _examined(appointment: Appointment, timeout_s: float) -> list[Finding]:
    check = appointment.check
    try:
        async with asyncio.timeout(timeout_s):
            found = list(await check.examine(appointment.looked))
    except NotExaminedError as error:
        found = [_unchecked(check.name, str(error))]
    except TimeoutError:
        return _given_up(appointment, timeout_s)
    except Exception as error:
        log.exception("the check %s failed", check.name)
        found = [_unchecked(check.name, f"the check itself failed: {type(error).__name__}")]
    return [_placed(finding, appointment) for finding in found]


def _given_up(appointment: Appointment, after_s: float) -> list[Finding]:
    finding = _unchecked(appointment.check.name, f"{appointment.check.name}: not done within {after_s:g} s")
    return [_placed(finding, appointment)]


def _unchecked(name: str, reason: str) -> Finding:
    return Finding(name, Verdict.UNCHECKED, reason)


def _placed(finding: Finding, appointment: Appointment) -> Finding:
    placed = finding.about(appointment.check.part, appointment.subject)
    return (
        placed
        if placed.name
        else Finding(
            appointment.check.name, placed.verdict, placed.what, part=placed.part, subject=placed.subject
        )
    )


class Shared:
    """Facts that several checks need and that are costly to have: each is fetched once.

    Whoever asks waits for the same fetch; when one of them gives up, the fetch goes on for the others.
    """

    def __init__(self) -> None:
        self._fetches: dict[str, asyncio.Task[Any]] = {}

    async def fetch(self, name: str, get: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `get` gives or raises, the first time and ever after."""
        task = self._fetches.get(name)
        if task is None:
            task = self._fetches[name] = asyncio.ensure_future(get())
        result: Result = await asyncio.shield(task)
        return result

    def known(self, name: str) -> object:
        """What a fetch gave, `None` when it gave nothing yet."""
        task = self._fetches.get(name)
        is_given = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return task.result() if task is not None and is_given else None

    async def close(self) -> None:
        """End fetches under way."""
        for task in self._fetches.values():
            task.cancel()
        await asyncio.gather(*self._fetches.values(), return_exceptions=True)


async def in_thread(work: Callable[[], Result]) -> Result:
    """What `work` gives or raises. A disk that hangs holds up neither the loop nor the end of the program."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        if not future.done():
            act()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            _tell(loop, settle, lambda error=error: future.set_exception(error))  # type: ignore[misc]
        else:
            _tell(loop, settle, lambda: future.set_result(result))

    # Not the loop's own pool: Python waits for its threads before it ends.
    threading.Thread(target=run, daemon=True, name="doctor").start()
    return await future


def _tell(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[Callable[[], None]], None],
    act: Callable[[], None],
) -> None:
    try:
        loop.call_soon_threadsafe(settle, act)
    except RuntimeError:
        log.debug("a thread outlived the examination")
