"""outboundIQ's assignment service as these tests need it: well behaved, or sick in one way for one number."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Answer = Callable[["Handler"], None]


def ani_for(phone: str) -> str:
    """The caller ID given for a number: another area code, the same last seven digits."""
    return "678" + phone[-7:]


class Handler(BaseHTTPRequestHandler):
    """One connection of the gateway."""

    protocol_version = "HTTP/1.1"
    server: "Upstream"

    def do_POST(self) -> None:
        """Answers /assignment and /assignment/batch."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        leads = body.get("leads", [body])
        phones = [lead["prospect_phone"][-10:] for lead in leads]
        self.server.asked += phones
        sick = next((self.server.sick[phone] for phone in phones if phone in self.server.sick), None)
        if sick is not None:
            sick(self)
        elif "leads" in body:
            rows = [
                {"row_id": lead["row_id"], "outboundani": ani_for(lead["prospect_phone"]), "error": ""}
                for lead in leads
            ]
            self.answer(200, {"success": True, "results": rows})
        else:
            self.answer(200, {"success": True, "ani": ani_for(phones[0]), "message": "assigned"})

    def answer(self, status: int, body: dict[str, Any] | bytes) -> None:
        """Sends a complete answer."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def wait(self, seconds: float) -> None:
        """Says nothing for a while, or until the test session ends."""
        self.server.closing.wait(seconds)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class named it
        """Keeps the terminal quiet."""


class Upstream(ThreadingHTTPServer):
    """The service on a free port; a context manager.

    `sick` maps a number of 10 digits to what it gets instead of a good answer.
    """

    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        self.sick: dict[str, Answer] = {}
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join(timeout=5)
        self.socket.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A gateway that gave up waiting is no fault of these tests."""
