"""The gateway's own clients of outboundIQ against the engine's service."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from gateway.config.settings import Settings
from gateway.engine.api.app import make_app
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings
from gateway.model.dial import Dial
from gateway.model.inventory import Ani
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import RefusedError, UnavailableError
from gateway.providers.outboundiq import OutboundIq
from gateway.providers.outboundiq_dials import DialFields, OutboundIqDials

LEAD = Lead(PhoneNumber("+12125550199"), zip="10001", campaign="c1")
DIAL = Dial(
    "dial-1",
    "+12125550100",
    "+12125550199",
    1_775_831_535.0,
    campaign_id="c1",
    disposition_name="Sale",
    call_direction="Inbound",
)


@pytest.fixture
async def url(engine: EngineProvider) -> AsyncIterator[str]:
    settings = ApiSettings(keys=("k", "slow"), requests_per_second=0.001, burst=4)
    async with TestServer(make_app(engine, settings)) as server:
        yield str(server.make_url(""))


async def test_assignment_client_gets_a_number_and_then_none(url: str, engine: EngineProvider) -> None:
    await engine.inventory().create(Ani(PhoneNumber("+12125550100")), timeout_s=1)
    client = OutboundIq(replace(Settings().outboundiq, url=url, key="k"))
    await client.open()
    first = await client.assign(LEAD, timeout_s=5)
    assert first.ani == PhoneNumber("+12125550100")
    assert first.request_id
    assert (await client.assign(LEAD, timeout_s=5)).ani is None
    rows = await client.assign_batch([LEAD, LEAD._replace(zip="")], timeout_s=5)
    assert [getattr(row, "ani", row) for row in rows] == [None, None]
    await client.assign(LEAD, timeout_s=5)
    with pytest.raises(UnavailableError):
        await client.assign(LEAD, timeout_s=5)
    await client.close()


async def test_assignment_client_is_refused_without_the_right_key(url: str) -> None:
    client = OutboundIq(replace(Settings().outboundiq, url=url, key="wrong"))
    await client.open()
    with pytest.raises(RefusedError) as refused:
        await client.assign(LEAD, timeout_s=5)
    assert refused.value.status == 401
    await client.close()


@pytest.mark.parametrize(
    ("fields", "shown"), [(DialFields.SEED, "ani: must"), (DialFields.CURRENT, "to_number: must")]
)
async def test_dials_client_is_understood_with_either_names(
    url: str, engine: EngineProvider, fields: DialFields, shown: str
) -> None:
    settings = Settings()
    account = replace(settings.outboundiq, url=url, key="k")
    client = OutboundIqDials(account, replace(settings.dials, fields=fields), max_in_flight=1)
    await client.open()
    await client.post_dial(DIAL, timeout_s=5)
    with pytest.raises(RefusedError, match=shown):
        await client.post_dial(replace(DIAL, ani="anonymous"), timeout_s=5)
    await client.close()
    kept = engine._database.run(
        lambda transaction: transaction.execute("SELECT ani, prospect_phone FROM dials")
    )
    assert [tuple(row) for row in kept] == [("+12125550100", "+12125550199")]
