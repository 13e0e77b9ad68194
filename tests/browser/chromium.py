"""Drives a real Chromium over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

import asyncio
import base64
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.asterisk.wait import wait_for
from tests.browser.fetch import Program

ANSWER_S = 10.0
"""Longest wait for an answer of the browser."""
_FLAGS = (
    "--no-sandbox",  # tests may run as root, and it only ever opens our own page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_KEY_CODES = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36}


class Browser:
    """One running browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._tabs: dict[str, Tab] = {}

    async def open(self, url: str, *, width: int = 1440, height: int = 900, dark: bool = False) -> "Tab":
        """A tab of its own, without what other tabs have stored, that has loaded `url`."""
        context = (await self.ask("Target.createBrowserContext"))["browserContextId"]
        target = await self.ask("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = self._tabs[attached["sessionId"]] = Tab(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            await tab.ask(f"{domain}.enable")
        await tab.resize(width, height)
        await tab.prefer("dark" if dark else "light")
        await tab.load(f"location.href = {url!r}")
        return tab

    async def ask(self, method: str, session: str = "", **parameters: Any) -> Any:
        """Send a command and await its answer."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(message | ({"sessionId": session} if session else {}))
        async with asyncio.timeout(ANSWER_S):
            return await answer

    async def listen(self) -> None:
        """Hand out answers and events until the browser ends."""
        async for frame in self._socket:
            message = frame.json()
            if "id" not in message:
                tab = self._tabs.get(message.get("sessionId", ""))
                if tab is not None:
                    tab.notice(message["method"], message["params"])
                continue
            answer = self._answers.pop(message["id"])
            if answer.done():
                continue
            if "error" in message:
                answer.set_exception(AssertionError(message["error"]["message"]))
            else:
                answer.set_result(message["result"])


class Tab:
    """One page, and what it complained of and asked for."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self._loaded = asyncio.Event()
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def notice(self, method: str, event: dict[str, Any]) -> None:
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.append(event["exceptionDetails"].get("exception", {}).get("description", "?"))
            case "Runtime.consoleAPICalled" if event["type"] in {"error", "warning", "assert"}:
                self.complaints.append(
                    str([each.get("description") or each.get("value") for each in event["args"]])
                )
            case "Log.entryAdded" if event["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(event["entry"]["text"])
            case "Page.loadEventFired":
                self._loaded.set()
            case "Network.requestWillBeSent":
                self.requests.append(event["request"]["url"])
            case _:
                pass

    async def ask(self, method: str, **parameters: Any) -> Any:
        return await self._browser.ask(method, self._session, **parameters)

    async def run(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it resolves to."""
        answer = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def load(self, script: str) -> None:
        """Runs what leads to a page, perhaps this one again, and waits until that is loaded."""
        self._loaded.clear()
        await self.run(f"setTimeout(() => {{ {script} }}), 0")
        async with asyncio.timeout(ANSWER_S):
            await self._loaded.wait()

    async def until(self, condition: str, *, within_s: float = 8.0) -> Any:
        """Waits in the page until the expression is true; its value."""
        script = f"""new Promise((found, lost) => {{
            const end = performance.now() + {within_s * 1000};
            const look = () => {{
                const value = ({condition});
                if (value) found(value);
                else if (performance.now() > end) found(null);
                else setTimeout(look, 10);
            }};
            look();
        }})"""
        value = await self.run(script)
        assert value, f"waited {within_s} s in vain for {condition}; the page says: {await self.text()}"
        return value

    async def text(self, selector: str = "body") -> str:
        """The text a reader sees."""
        return str(await self.run(f"document.querySelector({selector!r}).innerText"))

    async def press(self, key: str, *, shift: bool = False) -> None:
        """One key, as a keyboard sends it."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        event = {"key": key, "windowsVirtualKeyCode": _KEY_CODES.get(key, 0), "modifiers": 8 if shift else 0}
        await self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **event)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **event)

    async def type(self, text: str) -> None:
        """Text into what has the focus."""
        await self.ask("Input.insertText", text=text)

    async def resize(self, width: int, height: int) -> None:
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    async def prefer(self, scheme: str) -> None:
        """`light` or `dark`; without motion, so that a picture is the same each time."""
        features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]
        await self.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features],
        )

    async def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        answer = await self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))  # noqa: ASYNC240 - a test may wait for its own disk


@asynccontextmanager
async def running(program: Program, folder: Path) -> AsyncIterator[Browser]:
    """A browser with its own profile in `folder`; ended with all its processes."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - before anything else runs
    with (folder / "stderr").open("wb") as said:
        process = subprocess.Popen(  # noqa: ASYNC220 - it starts in milliseconds
            [program.path, *_FLAGS, f"--user-data-dir={folder}"],
            env=dict(program.environment) | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    try:
        address = await asyncio.to_thread(_address, process, folder)
        async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
            browser = Browser(socket)
            listening = asyncio.create_task(browser.listen())
            try:
                yield browser
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _address(process: "subprocess.Popen[bytes]", folder: Path) -> str:
    port = folder / "DevToolsActivePort"

    def lines() -> list[str] | None:
        said = (folder / "stderr").read_text(errors="replace")[-500:]
        assert process.poll() is None, f"Chromium ended while starting: {said}"
        told = port.read_text().splitlines() if port.exists() else []
        return told if len(told) == 2 else None

    number, path = wait_for(lines, "Chromium to start", within_s=20)
    return f"ws://127.0.0.1:{number}{path}"
