"""VICIdial's own FastAGI server, as far as caller-ID names go: it notes each request and closes."""

import socketserver
import threading
from types import TracebackType
from typing import Self


class _Request(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        lines = [line.decode().strip() for line in iter(self.rfile.readline, b"\n") if line]
        server = self.server
        assert isinstance(server, CallLog)
        server.requests.append(dict(line.split(": ", 1) for line in lines if ": " in line))


class CallLog(socketserver.ThreadingTCPServer):
    """On a free port; a context manager. `requests` holds the AGI environment of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.port: int = self.server_address[1]
        self.requests: list[dict[str, str]] = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join(timeout=5)
        self.server_close()
