"""One PBX as the checks see it: facts fetched once, by AMI where allowed, else out of its files.

How Asterisk is configured is asked of Asterisk itself (function AST_CONFIG, which reads a file as Asterisk
does), and read in `/etc/asterisk` where it does not tell.
"""

import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.ami.listener import LinkLostError, LoginRefusedError
from gateway.ami.settings import AmiSettings
from gateway.doctor.config_files import Lines, read_sections
from gateway.doctor.dialplan import Dialplan, from_listing, from_sections
from gateway.doctor.examination import Shared, in_thread
from gateway.doctor.finding import NotExaminedError
from gateway.doctor.pbx_session import DeniedError, NotAManagerError, PbxSession

MANAGER_CONF = "manager.conf"
GENERAL = "general"

_PLAIN_NAME = re.compile(r"[\w.@-]{1,80}", re.ASCII)
_VERSION = re.compile(r"(?:certified[/-])?(\d+)\.(\d+)")
_FIRST_MINOR = {18: 26, 20: 11, 21: 6, 22: 1}
"""The first release of each branch whose event filters have conditions."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Link:
    """A session at the manager, or why there is none."""

    session: PbxSession | None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """Asterisk's release."""

    text: str
    major: int
    minor: int
    """Both 0 for one that cannot be read."""

    @property
    def filters_by_header(self) -> bool:
        """Whether it has `eventfilter(…)` with conditions: since 18.26, 20.11, 21.6, 22.1."""
        first = _FIRST_MINOR.get(self.major)
        return self.major > max(_FIRST_MINOR) if first is None else self.minor >= first


class Pbx:
    """Give it `close`. Its methods raise `NotExaminedError` for what cannot be seen."""

    def __init__(
        self,
        name: str,
        settings: AmiSettings,
        folder: Path | None,
        *,
        is_alone: bool = True,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`folder` is where its files are, `None` when they are not at hand; `wall` tells the time of day.

        `is_alone`: the gateway has no other PBX.
        """
        self.name = name
        self.is_alone = is_alone
        self.settings = settings
        self.folder = folder
        self._wall = wall
        self._shared = Shared()

    async def close(self) -> None:
        """Leave the manager."""
        link = self._shared.known("link")
        await self._shared.close()
        if isinstance(link, Link) and link.session is not None:
            link.session.close()

    async def link(self) -> Link:
        """The session, or the error that stood in its way."""
        return await self._shared.fetch("link", self._connect)

    async def session(self) -> PbxSession:
        """The session, for checks that need one."""
        link = await self.link()
        if link.session is None:
            raise NotExaminedError("needs a login at the manager, and there is none")
        return link.session

    async def actions(self) -> Mapping[str, str]:
        """The actions the user may send, and what each needs."""
        return await self._shared.fetch("actions", self._ask_actions)

    async def version(self) -> Version:
        """The release."""
        return await self._shared.fetch("version", self._ask_version)

    async def system_name(self) -> str:
        """What its uniqueids begin with, "" for none."""
        return (await self._shared.fetch("core settings", self._ask_core)).get("SystemName", "")

    async def dialplan(self) -> Dialplan:
        """All of it."""
        return await self._shared.fetch("dialplan", self._read_dialplan)

    async def live_variables(self) -> list[set[str]]:
        """For each channel that is up, the variables its Status entry names; [] where it may not be asked."""
        try:
            entries = await self._asked((await self.session()).listing("Status"))
        except NotExaminedError:
            return []
        return [set(entry.variables) for entry in entries if entry.headers.get("Event") == "Status"]

    async def clock_offset_s(self) -> float:
        """Seconds its clock is ahead of ours, to about half of the round trip."""
        session = await self.session()
        before = self._wall()
        answer = await self._asked(session.ask("Ping"))
        try:
            theirs = float(answer.headers.get("Timestamp", ""))
        except ValueError as error:
            raise NotExaminedError("its answer to a Ping tells no time") from error
        return theirs - (before + self._wall()) / 2

    async def global_variable(self, name: str) -> str:
        """A global variable's value, "" when it is not set."""
        try:
            return await self._asked((await self.session()).variable(name))
        except NotExaminedError:
            if self.folder is None:
                raise
            lines = (await self._sections("extensions.conf")).get("globals", [])
            return _last(lines, name)

    async def manager_setting(self, section: str, name: str) -> str:
        """A value of manager.conf as Asterisk reads it, "" when there is none; the last line counts."""
        if not _PLAIN_NAME.fullmatch(section):
            raise NotExaminedError("the manager user's name has characters that cannot be asked for")
        try:
            suffix = await self._shared.fetch("config suffix", self._find_config)
            session = await self.session()
            return await self._asked(session.variable(f"AST_CONFIG({MANAGER_CONF},{section},{name}{suffix})"))
        except NotExaminedError:
            if self.folder is None:
                raise
            return _last((await self._sections(MANAGER_CONF)).get(section, []), name)

    async def _connect(self) -> Link:
        session = PbxSession()
        try:
            await session.open(self.settings)
        except (LoginRefusedError, NotAManagerError, LinkLostError, OSError, ValueError) as error:
            return Link(None, error)
        return Link(session)

    async def _ask_actions(self) -> Mapping[str, str]:
        answer = await self._asked((await self.session()).ask("ListCommands"))
        return answer.headers

    async def _ask_core(self) -> Mapping[str, str]:
        return (await self._asked((await self.session()).ask("CoreSettings"))).headers

    async def _ask_version(self) -> Version:
        text = (await self._shared.fetch("core settings", self._ask_core)).get("AsteriskVersion", "")
        if not text:
            raise NotExaminedError("the manager user may not ask the version; it needs write=reporting")
        found = _VERSION.match(text)
        return Version(text, int(found[1]), int(found[2])) if found else Version(text, 0, 0)

    async def _read_dialplan(self) -> Dialplan:
        try:
            session = await self.session()
            return from_listing(await self._asked(session.listing("ShowDialPlan")))
        except NotExaminedError:
            if self.folder is None:
                raise
            return from_sections(await self._sections("extensions.conf"))

    async def _find_config(self) -> str:
        """What to add to AST_CONFIG for the last of equal names; an old one has no such parameter."""
        session = await self.session()
        for suffix in (",-1", ""):
            if await self._asked(session.variable(f"AST_CONFIG({MANAGER_CONF},{GENERAL},enabled{suffix})")):
                return suffix
        raise NotExaminedError("Asterisk has no function AST_CONFIG (module func_config)")

    async def _sections(self, file: str) -> Mapping[str, Lines]:
        folder = self.folder
        if folder is None:
            raise NotExaminedError("no folder of Asterisk's files was given")
        try:
            return await self._shared.fetch(file, lambda: in_thread(lambda: read_sections(folder, file)))
        except OSError as error:
            raise NotExaminedError(f"{folder / file} cannot be read: {error.strerror}") from error

    async def _asked(self, asking: Awaitable[Result]) -> Result:
        try:
            return await asking
        except DeniedError as error:
            raise NotExaminedError("the manager user may not ask; it needs write=reporting") from error
        except (LinkLostError, TimeoutError, ssl.SSLError, OSError) as error:
            raise NotExaminedError(f"the manager did not answer: {error or 'too late'}") from error


def _last(lines: Lines, name: str) -> str:
    return next((value for key, value in reversed(lines) if key.lower() == name.lower()), "")


def files_at_hand(
    given: Path | None, host: str, usual: Callable[[], Path] = lambda: Path("/etc/asterisk")
) -> Path | None:
    """The folder given; or the usual one, when the PBX is this machine and it may be read."""
    if given is not None:
        return given
    folder = usual()
    is_here = host in {"127.0.0.1", "::1", "localhost"}
    try:
        return folder if is_here and (folder / MANAGER_CONF).is_file() else None
    except OSError:
        return None
