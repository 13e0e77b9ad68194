"""The page in a real Chromium, as a reader meets it."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.browser import documents
from tests.browser.chromium import Browser, Tab
from tests.browser.conftest import Shown
from tests.browser.contrast import LOWEST_CONTRAST

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.xdist_group("chromium"),
    # the first test of a run may have to fetch Chromium
    pytest.mark.timeout(400),
]
LIVE = "document.body.dataset.fresh === 'live'"
STALE = "document.body.dataset.fresh === 'stale'"
PHONE = 380
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def says(text: str, selector: str = "body") -> str:
    return f"document.querySelector({selector!r}).innerText.includes({text!r})"


def under_load() -> Callable[[], documents.Document]:
    seconds = count(60)
    return lambda: documents.busy(next(seconds))


async def opened(browser: Browser, gateway: Shown, *, width: int = 1440, dark: bool = False) -> Tab:
    tab = await browser.open(gateway.url, width=width, dark=dark)
    await tab.until(LIVE)
    return tab


async def test_it_opens_without_a_complaint_and_asks_nobody_else(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    assert tab.complaints == []
    assert len(tab.requests) > 5
    assert [url for url in tab.requests if not url.startswith(shown.url)] == []


async def test_figures_change_under_load_and_the_curves_with_them(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    before = await tab.run("document.querySelector('#figures').innerText")
    await tab.until(f"document.querySelector('#figures').innerText !== {before!r}")
    await tab.until("document.querySelector('.curve.p99').getAttribute('d').split('L').length > 3")
    await tab.until(says("61.0 %", "#by-source"))
    assert await tab.run("document.querySelectorAll('#last-calls tr').length") == 20
    assert "Fallback by engine: no answer in time" in " ".join((await tab.text("#last-calls")).split())
    assert "<0.1 ms" in await tab.text("#last-calls")
    assert (await tab.run("document.title")).endswith("/s \N{EN DASH} ani-gateway")
    assert tab.complaints == []


async def test_nothing_jumps_while_figures_change(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    await tab.run("""window.shift = 0; new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shift = Math.max(window.shift, entry.value);
    }).observe({ type: 'layout-shift' });""")
    decided = "Number(document.querySelectorAll('#figures dd')[5].innerText.replaceAll(',', ''))"
    start = await tab.run(decided)
    await tab.until(f"{decided} > {start} + 20 * 200")
    shown.document = lambda: documents.outage(500)
    await tab.until(says("degraded", "#state"))
    assert await tab.run("window.shift") < 0.1  # what counts as good on the web; the outage adds lines


async def test_an_outage_is_told_in_words(browser: Browser, shown: Shown) -> None:
    shown.document = lambda: documents.busy(60)
    tab = await opened(browser, shown)
    shown.document = lambda: documents.outage(61)
    await tab.until(says("degraded", "#state"))
    assert "records wait: outboundiq refuses them (401)" in await tab.text("#state")
    assert "resting" in await tab.text("#upstreams")
    assert "5 failures in a row; asked again in 12 s" in await tab.text("#upstreams")
    assert "Asterisk refuses the login" in await tab.text("#ami")
    assert "To mend: no call can be reported: manager.conf needs channelvars" in await tab.text("#ami")
    assert "12,408 records waiting, the oldest for 12 min; 3 dead letters." in await tab.text("#spool-words")
    assert "its figures are 14 s old" in await tab.text("#workers")
    assert "degraded" in await tab.run("document.title")
    told = await tab.run("document.querySelector('[role=status]').textContent")
    assert "outboundiq: resting, 5 failures in a row" in told


async def test_a_screen_reader_is_told_of_changes_and_not_of_figures(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    await tab.run("""window.told = 0; new MutationObserver(() => { window.told += 1; }).observe(
        document.getElementById('announce'), { childList: true, characterData: true, subtree: true });""")
    decided = "document.querySelectorAll('#figures dd')[5].innerText"
    before = await tab.run(decided)
    await tab.until(f"{decided} !== {before!r}")
    assert await tab.run("window.told") == 0
    assert await tab.run("document.querySelectorAll('[aria-live], [role=status], [role=alert]').length") == 1
    shown.document = lambda: documents.outage(61)
    await tab.until("window.told > 0")


async def test_without_data_it_says_so_greys_and_recovers(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    ink = "getComputedStyle(document.querySelector('#figures dd')).color"
    fresh = await tab.run(ink)
    shown.document = None  # the stream stays open and brings nothing
    await tab.run("const clock = Date.now; Date.now = () => clock() + 11_000;")
    await tab.until(says("No data for 12 s"))
    assert await tab.run(ink) != fresh
    assert await tab.run("document.title") == "no data \N{EN DASH} ani-gateway"
    shown.document = under_load()
    await tab.until(LIVE)
    assert await tab.run(ink) == fresh
    assert tab.complaints == []


async def test_it_comes_back_by_itself_after_the_gateway_was_away(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    await shown.stop()
    await tab.until(says("the gateway cannot be reached. Trying again"))
    await shown.start()
    await tab.until(LIVE)


async def test_the_curves_outlive_a_reload(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    points = "document.querySelector('.curve.p99').getAttribute('d').split('L').length"
    await tab.until(f"{points} > 40")
    await tab.load("location.reload()")
    await tab.until(f"{LIVE} && {points} > 40")


async def test_an_empty_gateway_says_in_words_what_is_not_there(browser: Browser, shown: Shown) -> None:
    shown.document = documents.empty
    tab = await opened(browser, shown)
    page = await tab.text()
    for words in (
        "No upstream is set up",
        "No AMI link is set up",
        "Nothing is reported",
        "One process",
        "No call yet.",
        "no call in this time",
        "The engine does not run here",
    ):
        assert words in page
    assert [word for word in ("NaN", "null", "undefined", "Infinity") if word in page] == []
    assert tab.complaints == []


@pytest.mark.parametrize("missing", [*documents.empty()])
async def test_a_part_that_is_missing_takes_nothing_else_along(
    browser: Browser, shown: Shown, missing: str
) -> None:
    document = documents.busy(60)
    del document[missing]
    shown.document = lambda: document
    tab = await opened(browser, shown)
    page = await tab.text()
    assert [word for word in ("NaN", "undefined", "cannot be shown") if word in page] == []
    assert tab.complaints == []


async def test_times_in_words_are_those_of_the_reader(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await browser.open(shown.url)
    await tab.ask("Emulation.setTimezoneOverride", timezoneId="America/New_York")
    await tab.until(says("until 2 Mar 10:20:00", "#resting"))


async def test_hostile_words_stay_words(browser: Browser, shown: Shown) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    document = documents.outage(60)
    document["words"] = evil
    document["upstreams"][0] |= {"name": evil, "state": evil, "words": evil}
    document["last_calls"][0] |= {"phone": evil, "reason": evil, "source": evil, "uniqueid": evil}
    shown.document = lambda: document
    tab = await opened(browser, shown)
    assert evil in await tab.text("#state")
    assert await tab.run("document.querySelectorAll('main img, main script').length") == 0
    assert tab.complaints == []


@pytest.mark.parametrize("kind", ["busy", "outage", "empty"])
async def test_a_phone_shows_one_column_without_scrolling_sideways(
    browser: Browser, shown: Shown, kind: str
) -> None:
    makers = {"busy": under_load(), "outage": lambda: documents.outage(60), "empty": documents.empty}
    shown.document = makers[kind]
    tab = await opened(browser, shown, width=PHONE)
    assert await tab.run(SIDEWAYS) == 0
    beside = """[...document.querySelectorAll('main > *, .side > *')].filter((node) =>
        node.getBoundingClientRect().width < innerWidth - 40).length"""
    assert await tab.run(beside) == 0
    cut = """[...document.querySelectorAll('main *')].filter((node) => node.children.length === 0
        && node.getBoundingClientRect().right > innerWidth).map((node) => node.outerHTML)"""
    assert await tab.run(cut) == []
    overlaps = """[...document.querySelectorAll('#last-calls tr')].filter((row) => {
        const [, phone, ani, , took] = [...row.children].map((cell) => cell.getBoundingClientRect());
        return phone.right > ani.left || ani.right > took.left;
    }).length"""
    assert await tab.run(overlaps) == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["busy", "outage", "stale"])
async def test_every_text_can_be_read_in_both_schemes(
    browser: Browser,
    shown: Shown,
    kind: str,
    dark: bool,  # noqa: FBT001 - pytest's parameter
) -> None:
    shown.document = under_load() if kind == "busy" else lambda: documents.outage(60)
    tab = await opened(browser, shown, dark=dark)
    if kind == "stale":
        shown.document = None
        await tab.run("const clock = Date.now; Date.now = () => clock() + 11_000;")
        await tab.until(STALE)
    lowest = await tab.run(LOWEST_CONTRAST)
    assert lowest["ratio"] >= 4.5, lowest
    assert lowest["texts"] > 80


async def test_all_of_it_is_reached_by_keyboard(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    names = []
    for _ in range(4):
        await tab.press("Tab")
        names.append(
            await tab.run("document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()")
        )
        outline = await tab.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", names[-1]
    assert names == ["Skip to the last calls", "Calls per second", "Latency", "Hold this list"]
    await tab.press("Enter")
    assert await tab.run("document.activeElement.ariaPressed") == "true"
    held = await tab.text("#last-calls")
    decided = "document.querySelectorAll('#figures dd')[5].innerText"
    before = await tab.run(decided)
    await tab.until(f"{decided} !== {before!r}")
    assert await tab.text("#last-calls") == held
    await tab.press("Enter")
    await tab.until(f"document.querySelector('#last-calls').innerText !== {held!r}")


async def test_a_curve_is_read_by_arrow_keys(browser: Browser, shown: Shown) -> None:
    shown.document = under_load()
    tab = await opened(browser, shown)
    await tab.until("document.querySelector('.curve.p99').getAttribute('d').split('L').length > 40")
    await tab.run("document.querySelector('#chart-latency svg').focus()")
    await tab.press("ArrowLeft")
    slider = "document.querySelector('#chart-latency svg')"
    assert await tab.run(f"{slider}.getAttribute('aria-valuenow')") == "-1"
    told = await tab.run(f"{slider}.getAttribute('aria-valuetext')")
    assert "p50 " in told
    assert " ms" in told
    await tab.press("Home")
    assert "no data" in await tab.run(f"{slider}.getAttribute('aria-valuetext')")
    await tab.press("Escape")
    assert (await tab.run(f"{slider}.getAttribute('aria-valuetext')")).startswith("now:")


async def test_everything_has_a_name(browser: Browser, shown: Shown) -> None:
    """What a screen reader reads aloud of buttons, fields, regions and curves."""
    shown.document = under_load()
    tab = await opened(browser, shown)
    await tab.ask("Accessibility.enable")
    tree = await tab.ask("Accessibility.getFullAXTree")
    wanted = {"button", "textbox", "region", "slider", "table", "heading", "link"}
    nodes = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree["nodes"]
        if not node.get("ignored") and node["role"]["value"] in wanted
    ]
    assert len(nodes) > 25
    assert [role for role, name in nodes if not name] == []


async def test_the_token_is_asked_for_kept_in_the_tab_and_forgotten(browser: Browser, locked: Shown) -> None:
    locked.document = under_load()
    tab = await browser.open(locked.url)
    await tab.until("!document.getElementById('door').hidden")
    assert await tab.run("document.activeElement.id") == "token"
    await tab.type("wrong")
    await tab.press("Enter")
    await tab.until(says("The gateway refused this token", "#door"))
    await tab.type("made-up")
    await tab.press("Enter")
    await tab.until(LIVE)
    assert await tab.run("document.getElementById('door').hidden")
    await tab.load("location.reload()")
    await tab.until(LIVE)
    assert await tab.run("localStorage.length + document.cookie.length") == 0
    assert "made-up" not in str(tab.requests)
    await tab.load("document.getElementById('forget').click()")
    await tab.until("!document.getElementById('door').hidden")


async def test_one_watcher_too_many_is_told_and_waits(browser: Browser) -> None:
    gateway = Shown(most_watchers=1)
    gateway.document = under_load()
    await gateway.start()
    try:
        await opened(browser, gateway)
        second = await browser.open(gateway.url)
        await second.until(says("1 watch already"))
    finally:
        await gateway.stop()


async def test_pictures_of_the_page(browser: Browser, shown: Shown, tmp_path: Path) -> None:
    """Not compared with anything: they are for people, who find them in pytest's folder."""
    for kind, width, dark in (("busy", 1440, False), ("outage", PHONE, True)):
        shown.document = under_load() if kind == "busy" else lambda: documents.outage(60)
        tab = await opened(browser, shown, width=width, dark=dark)
        file = tmp_path / f"{kind}.png"
        await tab.picture(file)
        assert file.stat().st_size > 20_000
