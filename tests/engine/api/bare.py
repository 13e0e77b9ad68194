"""A bare connection, as curl uses one: what is sent is what the documents print."""

import asyncio
import json
from typing import Any

Address = tuple[str, int]


async def sent(address: Address, request: str, key: str, body: str = "") -> tuple[int, Any]:
    """Status and body of the answer to `request` ("POST /path"), with the documents' headers."""
    reader, writer = await asyncio.open_connection(*address)
    head = [f"{request} HTTP/1.1", "Host: localhost", "User-Agent: curl/8.5.0", "Accept: */*"]
    if key:
        head.append(key)
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    writer.write("\r\n".join([*head, "Connection: close", "", body]).encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    header, _, content = answer.partition(b"\r\n\r\n")
    assert b"application/json" in header
    return int(header.split()[1]), json.loads(content)
