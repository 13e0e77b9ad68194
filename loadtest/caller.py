"""Makes calls as Asterisk does, over plain sockets on epoll, and checks every answer.

Environment, then one line is answered when the socket turns readable, and all of them once the server has
half-closed, then `HANGUP`. Plain sockets and no event loop: the generator must not be what is measured.
"""

import select
import socket
import time
from array import array
from collections.abc import Callable, Iterator

from calls import Call, Question

_ANSWER = b"200 result=1\n"
_READ = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class Caller:
    """The open calls. With `lines` the environment is written line by line, as Asterisk does.

    A call without an end after `timeout_s` is a failure. `on_end` is told of each that came to its end.
    With `default_ani`, a call that got this number fell back, and is no failure.
    """

    def __init__(
        self,
        port: int,
        asked: Iterator[Question],
        *,
        lines: bool,
        timeout_s: float,
        default_ani: str = "",
        within_s: float = 0.0,
    ) -> None:
        self.calls: dict[int, Call] = {}
        """By file descriptor, in the order of their start."""
        self.latencies = array("d")
        """Seconds from the moment each call was due until its last command came."""
        self.lateness = array("d")
        self.ended = 0
        self.fallbacks = 0
        self.in_time = 0
        """Calls with their number within `within_s` of their connect."""
        self.failures: dict[str, int] = {}
        self.epoll = select.epoll()
        self.others: dict[int, Callable[[int], None]] = {}
        """Who else waits on the same epoll: by file descriptor, called with the events."""
        self.on_end: Callable[[Call], None] | None = None
        self._address = ("127.0.0.1", port)
        self._asked = asked
        self._lines = lines
        self._timeout_s = timeout_s
        self._default_ani = default_ani.encode()
        self._within_s = within_s

    def start(self, due: float, *, held_bytes: int = 0) -> None:
        """Open a call; the last `held_bytes` of its environment are kept back until `finish_held`."""
        question = next(self._asked)
        environment = question.environment
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        now = time.monotonic()
        call = Call(sock, question, due, now, environment[: len(environment) - held_bytes])
        self.lateness.append(now - due)
        self.calls[sock.fileno()] = call
        sock.connect_ex(self._address)
        try:
            self.epoll.register(sock, _READ if self._send_environment(call) else _READ | select.EPOLLOUT)
        except OSError as error:
            self._fail(call, type(error).__name__)

    def finish_held(self, held_bytes: int) -> None:
        """Send what was kept back, to all open calls; their latency counts from now."""
        for call in list(self.calls.values()):
            call.due = time.monotonic()
            try:
                call.sock.send(call.question.environment[-held_bytes:])
            except OSError as error:
                self._fail(call, type(error).__name__)

    def all_sent(self) -> bool:
        """Whether every open call has sent what it is to send first."""
        return all(call.sent for call in self.calls.values())

    def poll(self, timeout_s: float) -> None:
        """Go on with the calls that can; wait at most so long for one."""
        # select() on the epoll descriptor waits in microseconds; epoll itself only in milliseconds.
        select.select([self.epoll.fileno()], [], [], max(0.0, timeout_s))
        for fd, events in self.epoll.poll(0):
            call = self.calls.get(fd)
            if call is None:
                self.others[fd](events)
                continue
            try:
                self._advance(call, events)
            except OSError as error:
                self._fail(call, type(error).__name__)
        self._end_overdue()

    def give_up(self, why: str) -> None:
        """End all open calls as failures."""
        for call in list(self.calls.values()):
            self._fail(call, why)

    def _send_environment(self, call: Call) -> bool:
        """Write the environment; false while the connection is not made yet."""
        parts = call.environment.splitlines(keepends=True) if self._lines else [call.environment]
        try:
            for part in parts:
                call.sock.send(part)
        except BlockingIOError:  # the connection is not made yet; epoll tells when
            return False
        call.sent = True
        return True

    def _advance(self, call: Call, events: int) -> None:
        if not call.sent and not events & select.EPOLLERR and self._send_environment(call):
            self.epoll.modify(call.sock, _READ)
        if not events & ~select.EPOLLOUT:
            return
        data = call.sock.recv(16_384)
        call.received += data
        if events & select.EPOLLRDHUP or not data:
            self._finish(call)
        elif call.received.count(b"\n") > call.answered:
            call.answered += 1
            call.sock.send(_ANSWER)

    def _finish(self, call: Call) -> None:
        now = time.monotonic()
        self.latencies.append(now - call.due)
        self._answer_the_rest(call)
        self._forget(call)
        if self._default_ani and call.ani() == self._default_ani:
            self.fallbacks += 1
        elif fault := call.fault():
            self._count(fault)
        elif now - call.started <= self._within_s:
            self.in_time += 1
        self.ended += 1
        if self.on_end is not None:
            self.on_end(call)

    def _answer_the_rest(self, call: Call) -> None:
        rest = [_ANSWER] * (call.received.count(b"\n") - call.answered) + [b"HANGUP\n"]
        try:
            for part in rest if self._lines else [b"".join(rest)]:
                call.sock.send(part)
        except ConnectionError:
            return  # a server that closed both sides at once; Asterisk does not mind either

    def _fail(self, call: Call, why: str) -> None:
        self._count(why)
        self._forget(call)

    def _count(self, why: str) -> None:
        self.failures[why] = self.failures.get(why, 0) + 1

    def _forget(self, call: Call) -> None:
        del self.calls[call.sock.fileno()]
        call.sock.close()

    def _end_overdue(self) -> None:
        """Calls are kept in the order of their start, so the first one is the oldest."""
        while self.calls:
            oldest = next(iter(self.calls.values()))
            if time.monotonic() - oldest.started < self._timeout_s:
                return
            self._fail(oldest, "timeout")
