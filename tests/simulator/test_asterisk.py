import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from gateway.simulator.asterisk import Who, place_call
from gateway.simulator.call import CallRequest
from gateway.simulator.res_agi import AgiStatus

REQUEST = CallRequest("15559876500")
Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def gateway(reply: Reply) -> AsyncIterator[int]:
    """A server that reads the environment and then does what the test says."""
    conversations: list[asyncio.Task[None] | None] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.current_task())
        await reader.readuntil(b"\n\n")
        await reply(reader, writer)
        writer.close()
        with suppress(ConnectionError):  # Asterisk's last HANGUP resets a closed socket
            await writer.wait_closed()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*(task for task in conversations if task is not None))


async def one_write_and_half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'SET VARIABLE CALLERID(num) "5550001111"\nSET VARIABLE GATEWAY_STATUS "ASSIGNED"\n')
    writer.write_eof()
    await reader.read()


async def test_one_write_with_half_close_sets_everything() -> None:
    async with gateway(one_write_and_half_close) as port:
        result = await place_call("127.0.0.1", port, REQUEST, timeout_s=5)
    assert (result.ani, result.status, result.agi_status) == ("5550001111", "ASSIGNED", AgiStatus.SUCCESS)
    assert result.protocol_errors == ()
    assert result.latency_s is not None
    assert 0 < result.latency_s <= result.ended_s < 5
    assert [said.data for said in result.transcript if said.who is Who.ASTERISK][-3:] == [
        b"200 result=1\n",
        b"200 result=1\n",
        b"HANGUP\n",
    ]


async def test_one_write_without_half_close_stalls_until_the_time_is_over() -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SET VARIABLE A 1\nSET VARIABLE B 2\n")
        await reader.read()

    async with gateway(stall) as port:
        result = await place_call("127.0.0.1", port, REQUEST, timeout_s=0.1)
    assert result.timed_out
    assert result.variables["A"] == "1"
    assert "B" not in result.variables
    assert len(result.protocol_errors) == 1


async def test_caller_who_hangs_up_ends_the_step_at_once() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b"HANGUP\nHANGUP\n"

    async with gateway(silent) as port:
        result = await place_call(
            "127.0.0.1", port, CallRequest("15559876500", hangup_after_s=0.01), timeout_s=5
        )
    assert result.agi_status is AgiStatus.HANGUP
    assert result.ended_s < 1


async def test_refused_connection_is_failure_and_the_call_is_untouched() -> None:
    async with gateway(one_write_and_half_close) as port:
        pass
    result = await place_call("127.0.0.1", port, REQUEST, timeout_s=1)
    assert (result.agi_status, result.ani, result.status) == (AgiStatus.FAILURE, "", "")


async def test_reset_connection_is_success_as_for_asterisk() -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with gateway(reset) as port:
        result = await place_call("127.0.0.1", port, REQUEST, timeout_s=5)
    assert (result.agi_status, result.ani) == (AgiStatus.SUCCESS, "")
    assert not result.timed_out
