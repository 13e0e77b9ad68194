import asyncio

import pytest

from gateway.ami.settings import AmiSettings
from gateway.model.dial import CallEnd
from gateway.model.variables import CallState
from gateway.service.ami_links import AmiLinks
from gateway.simulator.ami import AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.telemetry.metrics import Metrics

STATE = CallState(dial_id="1.1-1")
GATEWAY = "1|+13105550100|+12125550123|9001|1700000000|1.1-1"


def pbx(ami: AmiSimulator, grace_s: float = 30.0) -> dict[str, AmiSettings]:
    return {"pbx": AmiSettings(address=ami.address, secret=ami.user.secret, gap_grace_s=grace_s)}


async def changed(links: AmiLinks, settings: dict[str, AmiSettings]) -> None:
    await links.commit(await links.prepare(settings))


async def test_a_link_whose_settings_are_the_same_stays() -> None:
    async with AmiSimulator() as ami:
        links = AmiLinks(pbx(ami), lambda _: None, Metrics())
        links.start()
        (link,) = links.all
        await link.came_up.wait()
        await changed(links, pbx(ami))
        assert links.all == [link]
        assert ami.connected_total == 1
        await links.stop()


async def test_a_successor_is_up_before_its_predecessor_leaves_and_knows_its_calls() -> None:
    async with AmiSimulator() as ami:
        links = AmiLinks(pbx(ami), lambda _: None, Metrics())
        links.start()
        (first,) = links.all
        await first.came_up.wait()
        links.note_assigned(first.peer_host, STATE, "1.1")
        await changed(links, pbx(ami, grace_s=60.0))
        (second,) = links.all
        assert second is not first
        assert second.came_up.is_set()
        assert (second.peer_host, second.open_calls) == (first.peer_host, 1)
        assert first.state == "stopped"
        await links.stop()


async def test_no_call_end_falls_between_two_links() -> None:
    heard: list[CallEnd] = []
    async with AmiSimulator() as ami:
        links = AmiLinks(pbx(ami), heard.append, Metrics())
        links.start()
        await links.all[0].came_up.wait()
        changing = asyncio.create_task(changed(links, pbx(ami, grace_s=60.0)))
        number = 0
        while not changing.done():
            number += 1
            state = GATEWAY.replace("1.1-1", f"1.{number}-1")
            ami.place(AmiChannel(f"1.{number}", variables={"GATEWAY": state, "DIALSTATUS": "BUSY"}))
            ami.hang_up(f"1.{number}")
            await asyncio.sleep(0)
        await changing
        await links.stop()
    assert {end.uniqueid for end in heard} == {f"1.{each + 1}" for each in range(number)}


async def test_a_link_that_is_left_out_ends() -> None:
    async with AmiSimulator() as ami:
        links = AmiLinks(pbx(ami), lambda _: None, Metrics())
        links.start()
        (link,) = links.all
        await changed(links, {})
        assert links.all == []
        assert link.state == "stopped"


async def test_settings_that_cannot_work_change_nothing() -> None:
    async with AmiSimulator() as ami:
        links = AmiLinks(pbx(ami), lambda _: None, Metrics())
        links.start()
        (link,) = links.all
        await link.came_up.wait()
        with pytest.raises(ValueError, match="is not HOST:PORT"):
            await links.prepare(pbx(ami, grace_s=60.0) | {"other": AmiSettings(address="nowhere")})
        assert links.all == [link]
        assert link.state == "up"
        await links.stop()
