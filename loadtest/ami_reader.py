"""Listens to a PBX's manager interface as the gateway does, or as a user of panoramisk would.

Each Hangup event of an assigned call is counted, nothing else is done with it. Whoever connects to the port
is told the counts as one line of JSON.
"""

import argparse
import asyncio
import json

import uvloop
from panoramisk import Manager
from pbx import SECRET

from gateway.ami.link import AmiLink
from gateway.ami.settings import AmiSettings
from gateway.model.dial import CallEnd
from gateway.simulator.ami_session import AmiUser
from gateway.telemetry.metrics import AmiMetrics


class Heard:
    """What was heard."""

    def __init__(self) -> None:
        self.calls = 0

    def end(self, _end: CallEnd) -> None:
        """The gateway's link read the end of a call."""
        self.calls += 1

    def event(self, _manager: object, event: dict[str, list[str]]) -> None:
        """The panoramisk side read a Hangup event."""
        self.calls += any(variable.startswith("GATEWAY=1") for variable in event["ChanVariable"])

    def tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell the counts."""
        writer.write(json.dumps({"calls": self.calls}).encode() + b"\n")
        writer.close()


async def listen(kind: str, port: int, ami_port: int) -> None:
    """Listen until killed."""
    heard = Heard()
    server = await asyncio.start_server(heard.tell, "127.0.0.1", port)
    if kind == "gateway":
        settings = AmiSettings(address=f"127.0.0.1:{ami_port}", secret=SECRET)
        link = AmiLink("pbx", settings, heard.end, AmiMetrics())
        link.start()
    else:
        manager = Manager(
            loop=asyncio.get_running_loop(),
            host="127.0.0.1",
            port=ami_port,
            username=AmiUser().name,
            secret=SECRET,
        )
        manager.register_event("Hangup", heard.event)
        await manager.connect()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ami-port", type=int, required=True)
    parser.add_argument("--kind", choices=("gateway", "panoramisk"), required=True)
    options = parser.parse_args()
    uvloop.run(listen(options.kind, options.port, options.ami_port))
