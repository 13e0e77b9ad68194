import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin.app import make_app
from gateway.admin.health import health_routes, ready_routes
from gateway.admin.settings import AdminSettings
from gateway.admin.standing import Standing, State


@pytest.mark.parametrize(("is_ready", "status"), [(True, 200), (False, 503)])
async def test_readiness_is_a_status_code_and_a_sentence(is_ready: bool, status: int) -> None:  # noqa: FBT001
    now = Standing(is_ready=is_ready, state=State.DEGRADED, words="calls get the default number only")
    app = make_app(AdminSettings(token="secret"), [*health_routes(), *ready_routes(lambda: now)])
    async with TestClient(TestServer(app)) as client:
        async with client.get("/readyz") as answer:  # load balancers have no token
            assert answer.status == status
            assert await answer.json() == {"ready": is_ready, "state": "degraded", "words": now.words}
        async with client.get("/healthz") as answer:
            assert answer.status == 200
