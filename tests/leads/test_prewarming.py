from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.admin.app import AdminServer
from gateway.admin.prewarm import Prewarm
from gateway.admin.settings import AdminSettings
from gateway.leads.assigning import Warmed
from gateway.leads.prewarming import GatewayWarmer, GatewayWarmers
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import RefusedError, UnavailableError

ANI = PhoneNumber("+14045550100")
LEADS = [(Lead(PhoneNumber(f"+1404555{number:04d}"), "30303", "c1"), ANI) for number in range(1_200)]


class Gateway:
    """The admin listener of a gateway, and what it took."""

    def __init__(self, token: str = "") -> None:
        self.taken: list[tuple[str, str, str]] = []
        prewarm = Prewarm(self._keep, lambda ani: ani == ANI, most_rows=2_000)
        self.server = AdminServer(AdminSettings(listen="127.0.0.1:0", token=token), prewarm.routes())

    @property
    def url(self) -> str:
        assert self.server.address is not None
        return f"http://127.0.0.1:{self.server.address[1]}"

    def _keep(self, phone: PhoneNumber, campaign: str, ani: PhoneNumber) -> None:
        self.taken.append((phone.e164, campaign, ani.e164))


Start = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    gateways: list[Gateway] = []

    async def one(token: str = "") -> Gateway:
        gateways.append(Gateway(token))
        await gateways[-1].server.start()
        return gateways[-1]

    yield one
    for gateway in gateways:
        await gateway.server.stop()


@pytest.fixture
def complaints() -> list[str]:
    return []


async def test_every_gateway_has_every_number_by_prospect_and_campaign(
    start: Start, complaints: list[str]
) -> None:
    gateways = [await start(token="made-up"), await start(token="made-up")]
    warmers = [
        GatewayWarmer(gateway.url, "made-up", connections=2, complain=complaints.append)
        for gateway in gateways
    ]
    for warmer in warmers:
        await warmer.open()
    assert await GatewayWarmers(warmers).give(LEADS) == Warmed(2_400, 0)
    for warmer in warmers:
        await warmer.close()
    for gateway in gateways:
        assert gateway.taken == [(lead.phone.e164, "c1", ANI.e164) for lead, _ in LEADS]
    assert complaints == []


async def test_a_number_a_gateway_refuses_is_counted(start: Start, complaints: list[str]) -> None:
    gateway = await start()
    warmer = GatewayWarmer(gateway.url, "", connections=1, complain=complaints.append)
    await warmer.open()
    other = (LEADS[0][0], PhoneNumber("+12125550100"))
    assert await warmer.give([other, LEADS[1]]) == Warmed(1, 1)
    await warmer.close()


async def test_a_gateway_that_would_take_nothing_is_told_at_the_start(
    start: Start, complaints: list[str]
) -> None:
    gateway = await start(token="made-up")
    warmer = GatewayWarmer(gateway.url, "wrong", connections=1, complain=complaints.append)
    with pytest.raises(RefusedError, match="401"):
        await warmer.open()
    await warmer.close()
    await gateway.server.stop()
    gone = GatewayWarmer("http://127.0.0.1:9", "", connections=1, complain=complaints.append)
    with pytest.raises(UnavailableError):
        await gone.open()
    await gone.close()


async def test_a_gateway_that_goes_away_is_complained_of_and_raises_nothing(
    start: Start, complaints: list[str]
) -> None:
    gateway = await start()
    warmer = GatewayWarmer(gateway.url, "", connections=1, complain=complaints.append, dice=lambda: 0.0)
    await warmer.open()
    await gateway.server.stop()
    assert await warmer.give(LEADS[:3]) == Warmed(0, 3)
    assert len(complaints) == 1
    await warmer.close()
