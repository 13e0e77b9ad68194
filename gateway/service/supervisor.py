"""Keeps the processes of a gateway with several workers: starts, watches, replaces and ends them.

                    ┌► reporting        AMI, spool, delivery, HTTP
    supervisor ─────┼► worker-1 ─┐
    (the sockets)   └► worker-N ─┴ FastAGI, one port, each with the listening sockets of its slot

It answers no call itself, so nothing of it stands in a call's way. SIGTERM ends all, SIGUSR2 replaces the
workers one after the other, SIGHUP does so with the configuration read again. What a slot without a worker
gets is taken by a neighbour meanwhile; a process that does not answer us is killed and replaced.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.config.settings import Settings
from gateway.service.reloading import Reloader, ReloadError, Reread
from gateway.service.service_manager import ServiceManager
from gateway.service.settings_file import SettingsFile
from gateway.service.supervisor_child import Child
from gateway.service.supervisor_control import Cover, File, Retire, Start, Uncover
from gateway.service.supervisor_patience import Patience
from gateway.service.supervisor_sockets import FeedSocket, bind_slots, close_all
from gateway.telemetry import logs

log = logging.getLogger(__name__)

COULD_NOT_START = 3
_START_S = 60.0
"""Longest start of one process; the first ever builds the geography, one or two seconds on a free machine."""
_WORKER_LEAVES_S = 8.0
"""Beyond the drain of its calls: how long a worker may take to hand over its reports."""
_REPORTING_LEAVES_S = 30.0
"""A spool takes 5 s at most, an AMI link and open deliveries some more."""
_RELOAD_S = 60.0
"""Longest reload of the reporting process; links, deliveries and HTTP servers take some 5 s each to leave."""
_ASK_S = 0.5
"""How often each process is asked whether it turns."""
_SILENT_AFTER = 2
"""Questions without an answer from which on others take a worker's calls."""


class StartError(Exception):
    """A process did not become ready at the first start; it has told why itself."""


@dataclass(slots=True, eq=False)
class Post:
    """A place that is always filled: a worker's slot, or that of the reporting process."""

    slot: int
    """From 1; 0 is the reporting process."""
    sockets: Sequence[socket.socket]
    child: Child | None = None
    """Who fills it, dead or alive; one that is only starting does not yet."""
    cover: Child | None = None
    """Who takes its calls while nobody fills it."""
    patience: Patience = field(default_factory=Patience)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever is filling it."""

    @property
    def name(self) -> str:
        """As it stands in the log and in the process list."""
        return f"worker-{self.slot}" if self.slot else "reporting"

    @property
    def is_filled(self) -> bool:
        """Whether its calls are answered by its own process."""
        return self.child is not None and self.child.serves and not self.is_silent

    @property
    def is_silent(self) -> bool:
        """Whether its process has not answered us of late."""
        return self.child is not None and self.child.unanswered > _SILENT_AFTER


def supervise(settings: Settings, command: Sequence[str], reread: Reread) -> int:
    """Run the gateway in several processes until SIGTERM or SIGINT; returns the exit code.

    `command` is the one that runs the gateway, with all its options. Raises `OSError` when an address cannot
    be had.
    """
    logs.configure(settings.log)
    for number in (signal.SIGHUP, signal.SIGUSR2):  # until there is a loop to take them
        signal.signal(number, signal.SIG_IGN)
    return asyncio.run(Supervisor(settings, command, reread).run())


class Supervisor:
    """Make one, `run` it once."""

    def __init__(self, settings: Settings, command: Sequence[str], reread: Reread) -> None:
        self._settings = settings
        """In force: what a process gets that is started now."""
        self._command = command
        self._reread = reread
        self._manager = ServiceManager(os.environ)
        self._feed = FeedSocket()
        try:
            slots = bind_slots(settings.agi.listen, settings.service.workers)
        except OSError:
            self._feed.close()
            raise
        self._workers = [Post(slot, sockets) for slot, sockets in enumerate(slots, 1)]
        self._reporting = Post(0, [self._feed.socket])
        self._children: set[Child] = set()
        self._stop = asyncio.Event()
        self._roll_wanted = asyncio.Event()
        self._rolling = asyncio.Lock()

    async def run(self) -> int:
        """Start all, keep them, end them. Returns the exit code: 0, or 3 when the start failed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGUSR2, self._roll_wanted.set)
        reloader = Reloader(self._settings, self._reread, self._reload, self._manager)
        loop.add_signal_handler(signal.SIGHUP, reloader.ask)
        work = loop.create_task(self._work(reloader))
        stop = loop.create_task(self._stop.wait())
        try:
            await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
            for task in (work, stop):
                task.cancel()
            (outcome, _) = await asyncio.gather(work, stop, return_exceptions=True)
        finally:
            self._manager.stopping()
            await self._end()
            self._manager.close()
        if isinstance(outcome, StartError):
            log.error("could not start: %s", outcome)
            return COULD_NOT_START
        if isinstance(outcome, Exception):
            raise outcome
        log.info("stopped")
        return 0

    async def _work(self, reloader: Reloader) -> None:
        """Until cancelled. Raises `StartError`."""
        await self._start_all()
        self._manager.ready(f"{len(self._workers)} workers answer calls")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._roll_when_told())
            tasks.create_task(reloader.run())
            tasks.create_task(self._watch())
            # Without reporting, calls go on: a restart of the whole would only cost those too.
            tasks.create_task(self._manager.feed_watchdog(lambda: any(self._able())))
            for post in (self._reporting, *self._workers):
                tasks.create_task(self._keep(post))

    async def _start_all(self) -> None:
        """The reporting process first: it makes databases and loads files that the workers only open."""
        for posts in ([self._reporting], self._workers):
            ups = await asyncio.gather(*map(self._fill, posts))
            for post, is_up in zip(posts, ups, strict=True):
                if not is_up:
                    raise StartError(f"{post.name} did not become ready")
        for address in dict.fromkeys(sock.getsockname()[:2] for sock in self._workers[0].sockets):
            log.info("listening for Asterisk on %s port %d", *address)
        for note in self._reporting.child.notes if self._reporting.child else ():
            log.info("%s", note)

    async def _fill(self, post: Post) -> bool:
        """Have a new process fill the post, beside the one that does now. The caller holds its lock."""
        try:
            with SettingsFile(self._settings) as settings:
                files: list[File] = [settings, *post.sockets]
                child = Child.start(post.name, self._command, Start(post.slot, self._feed.path), files)
        except OSError as error:
            log.warning("%s cannot be started: %s", post.name, error.strerror)
            return False
        self._children = {one for one in self._children if not one.gone.is_set()} | {child}
        is_up = await child.comes_up(_START_S)
        if is_up:
            post.child = child
            log.info("%s is ready, process %d", post.name, child.pid)
        return is_up

    async def _keep(self, post: Post) -> None:
        """Whenever the post's process dies, have another fill it."""
        while True:
            child = post.child
            if child is not None:
                await child.gone.wait()
            async with post.lock:
                if post.child is not child:  # it was replaced, and left as it should
                    continue
                await self._refill(post)

    async def _refill(self, post: Post) -> None:
        self._arrange()
        how = post.child.how_it_ended if post.child is not None else "could not be started"
        while True:
            delay_s = post.patience.died(asyncio.get_running_loop().time())
            level = logging.ERROR if post.patience.are_many else logging.WARNING
            often = ", again and again: look for its last words above" if post.patience.are_many else ""
            log.log(level, "%s %s%s; the next starts in %.2f s", post.name, how, often, delay_s)
            await asyncio.sleep(delay_s)
            if await self._fill(post):
                self._arrange()
                return
            how = "did not become ready"

    async def _watch(self) -> None:
        """Ask all processes whether they turn; one that is silent for too long is killed, and replaced then.

        Questions are counted, not seconds: when we are the ones that were held up, nobody dies for it.
        """
        silent: set[Child] = set()
        while True:
            await asyncio.sleep(_ASK_S)
            most = self._settings.service.hang_timeout_s / _ASK_S
            for post in (self._reporting, *self._workers):
                if post.child is None or not post.child.serves:
                    continue
                if post.child.unanswered > most:
                    log.error("%s has not answered for %.0f s and is killed", post.name, most * _ASK_S)
                    post.child.signal(signal.SIGKILL)
                post.child.ask()
            before = silent
            silent = {post.child for post in self._workers if post.child is not None and post.is_silent}
            for child in before - silent:
                if child.serves:
                    log.warning("%s answers again", child.name)
            if silent != before:
                self._arrange()

    def _able(self) -> list[Child]:
        """The workers that answer, us as well as calls."""
        return [post.child for post in self._workers if post.child is not None and post.is_filled]

    def _arrange(self) -> None:
        """Each slot without a worker is covered by one that has least to cover; each with one by nobody."""
        able = self._able()
        for post in self._workers:
            if post.cover is not None and (post.is_filled or (post.cover not in able and able)):
                post.cover.tell(Uncover(post.slot))
                post.cover = None
            if not post.is_filled and post.cover is None and able:
                busy = [one.cover for one in self._workers]
                post.cover = min(able, key=busy.count)
                log.info("%s takes the calls of %s", post.cover.name, post.name)
                post.cover.tell(Cover(post.slot), post.sockets)

    async def _roll_when_told(self) -> None:
        while True:
            await self._roll_wanted.wait()
            self._roll_wanted.clear()
            async with self._rolling:
                await self._roll(self._workers)

    async def _roll(self, posts: Sequence[Post]) -> Sequence[Post]:
        """Replace each worker, the new one ready before the old one leaves. One that fails ends it.

        Returns those replaced.
        """
        log.info("replacing %d workers, one after the other", len(posts))
        for number, post in enumerate(posts):
            async with post.lock:
                old = post.child
                if not await self._fill(post):
                    log.error("the new %s did not become ready: the others stay as they are", post.name)
                    return posts[:number]
                self._arrange()
            if old is not None and not old.gone.is_set():
                old.tell(Retire())
                await old.leaves(self._settings.agi.drain_timeout_s + _WORKER_LEAVES_S)
        log.info("all workers are replaced")
        return posts

    async def _reload(self, settings: Settings) -> None:
        """Have all processes go by other settings, or none: raises `ReloadError`.

        Reporting first, so that it knows of what the new workers may tell.
        """
        async with self._rolling:
            before = self._settings
            await self._reload_reporting(settings)
            self._settings = settings
            replaced = await self._roll(self._workers)
            if len(replaced) == len(self._workers):
                return
            self._settings = before
            await self._reload_reporting(before)
            if replaced:
                await self._roll(replaced)
            raise ReloadError("a worker did not become ready with them; its last words are above")

    async def _reload_reporting(self, settings: Settings) -> None:
        async with self._reporting.lock:
            child = self._reporting.child
            if child is None or not child.serves:
                raise ReloadError("the reporting process is not there; try again when it is")
            with SettingsFile(settings) as file:
                problem = await child.reload(file, _RELOAD_S)
        if problem:
            raise ReloadError(problem)

    async def _end(self) -> None:
        """End the workers, which drain their calls; then the reporting process, which has their last words.

        Our sockets close first: once the workers close theirs, callers are refused instead of left waiting.
        """
        close_all([post.sockets for post in self._workers])
        log.info("stopping: calls under way are finished first")
        reporting = {child for child in self._children if child.name == self._reporting.name}
        await _end(self._children - reporting, self._settings.agi.drain_timeout_s + _WORKER_LEAVES_S)
        await _end(reporting, self._settings.agi.drain_timeout_s + _REPORTING_LEAVES_S)
        self._feed.close()


async def _end(children: set[Child], within_s: float) -> None:
    for child in children:
        child.signal(signal.SIGTERM)
    await asyncio.gather(*map(partial(Child.leaves, within_s=within_s), children))
