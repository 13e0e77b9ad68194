"""A TCP wire between two programs on this machine, which can be cut and mended."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Wire:
    """Forwards connections from a free port to `port`; a context manager."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()
        for end in self._ends:
            end.close()

    def cut(self) -> None:
        """Breaks every connection; new ones break as soon as they are made."""
        with self._lock:
            self._is_cut = True
            for end in self._ends:
                with suppress(OSError):  # its peer may have closed it already
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Lets new connections through."""
        self._is_cut = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(self._target, timeout=5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                self._threads.append(threading.Thread(target=_forward, args=(source, sink)))
                self._threads[-1].start()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # either end may break at any time
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
