"""The locust user that is a client of the engine's HTTP API, or of any service that speaks outboundIQ's.

Every answer is read: one without a number, or a batch that forgets a row, is a failure.
"""

import random
import time
from typing import Any

from locust import FastHttpUser, tag, task

_BATCH = 20
_CAMPAIGN = "9001"


class ApiUser(FastHttpUser):
    """One client with a universal key."""

    host = "http://127.0.0.1:8080"

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        options = environment.parsed_options
        self._headers = {"Authorization": f"Bearer {options.api_key}"}
        self._mean_wait_s = options.mean_wait_s

    def wait_time(self) -> float:
        """Exponential, as the callers'."""
        return random.expovariate(1 / self._mean_wait_s) if self._mean_wait_s else 0.0

    @tag("assignment")
    @task(6)
    def assignment(self) -> None:
        """A number for one lead."""
        body = {"prospect_phone": _phone(), "dialer_campaign": _CAMPAIGN, "real_time": True}
        self._post("/assignment", body, lambda said: said.get("success") is True and bool(said.get("ani")))

    @tag("batch")
    @task(3)
    def batch(self) -> None:
        """Numbers for a list of leads."""
        rows = {str(number) for number in range(_BATCH)}
        leads = [{"row_id": row, "prospect_phone": _phone(), "dialer_campaign": _CAMPAIGN} for row in rows]

        def is_good(said: dict[str, Any]) -> bool:
            results = said.get("results", [])
            return {one["row_id"] for one in results if not one["error"] and one["outboundani"]} == rows

        self._post("/assignment/batch", {"leads": leads, "real_time": True}, is_good)

    @tag("dials")
    @task(1)
    def dials(self) -> None:
        """A record of a finished call."""
        now = time.gmtime()
        body = {
            "campaign_id": _CAMPAIGN,
            "campaign_name": "Sample sales",
            "agent_name": "Agent 7",
            "ani": "2055550100",
            "disposition_name": "No answer",
            "prospect_phone": _phone(),
            "datetime": time.strftime("%Y-%m-%d %H:%M:%S", now),
            "call_direction": "Outbound",
            "zip": "90210",
            "sys_created_date_original": time.strftime("%Y-%m-%d", now),
            "total_dial_attempts": "1",
            "skill_name": "Sales",
            "lead_source": "list",
            "dial_id": f"load-{random.randrange(10**15)}",
        }
        self._post("/dials", body, lambda said: bool(said.get("message")))

    def _post(self, path: str, body: dict[str, Any], is_good: Any) -> None:
        with self.client.post(path, json=body, headers=self._headers, catch_response=True) as response:
            if not response.ok:
                response.failure(f"HTTP {response.status_code}")
                return
            try:
                good = is_good(response.json())
            except (ValueError, KeyError, TypeError, AttributeError):
                good = False
            if not good:
                response.failure("not the answer of the API's description")


def _phone() -> str:
    return f"{random.randrange(200, 1000)}{random.randrange(200, 1000)}{random.randrange(10_000):04}"
