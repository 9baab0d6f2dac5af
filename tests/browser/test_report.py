"""The report in a real browser: what it shows, to whom, and whom it asks for anything."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from orchestrator.report.json_form import report_json
from tests.browser.chromium import DESKTOP, PHONE, shown
from tests.browser.pages import runs

pytestmark = pytest.mark.browser

NAMES = ("restart", "failed-and-resumed", "killed-and-resumed", "everything-wrong")
_PACKED = find_spec("axe_playwright_python")
assert _PACKED is not None
assert _PACKED.origin is not None
AXE = (Path(_PACKED.origin).parent / "axe.min.js").read_text(encoding="utf-8")
BARS = """[...document.querySelectorAll('.chart svg > g[role=group]')].map(row =>
    [...row.querySelectorAll('.bar')].map(bar => {
        const box = bar.querySelector('rect').getBoundingClientRect();
        const all = bar.ownerSVGElement.getBoundingClientRect();
        return {phase: bar.dataset.phase, x: (box.left - all.left) / all.width,
                width: box.width / all.width, y: box.top};
    }))"""
Colors = Literal["light", "dark"]


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run(document)")
    assert found["passes"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_it_shows_itself_asks_nobody_and_complains_of_nothing(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    with shown(browser, pages[name].as_uri()) as seen:
        assert seen.page.locator("h1").inner_text().startswith("dtdeploy restart --all")
        assert seen.page.locator("section").count() >= 5
        # The style is let in by its hash: without it the figures would not be cards.
        assert seen.page.locator(".figures").evaluate("e => getComputedStyle(e).display") == "grid"
        seen.page.locator(".bar").first.hover()
        assert seen.page.locator("#tip").is_visible()
        assert (seen.console, seen.asked) == ([], [])


def test_words_of_others_run_nothing(browser: Browser, pages: dict[str, Path]) -> None:
    with shown(browser, pages["everything-wrong"].as_uri()) as seen:
        said = seen.page.locator(".trouble pre").first.inner_text()
        assert said.startswith("<script>alert(1)</script>")
        assert seen.page.locator("script").count() == 1
        # And if one had got through, the page's policy would have kept it from running.
        seen.page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'),"
            "{textContent: 'window.ran = true'}))"
        )
        assert seen.page.evaluate("window.ran") is None
        assert any("Content Security Policy" in line for line in seen.console)


@pytest.mark.parametrize("name", ["restart", "everything-wrong"])
def test_each_bar_is_where_the_json_says(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    told = report_json(runs()[name])
    with shown(browser, pages[name].as_uri()) as seen:
        drawn = seen.page.evaluate(BARS)
    tracks = [track["bars"] for track in told["timeline"]]
    assert [[bar["phase"] for bar in row] for row in drawn] == [
        [bar["phase"] for bar in row] for row in tracks
    ]
    for row, track in zip(drawn, tracks, strict=True):
        assert len({round(bar["y"]) for bar in row}) == 1
        for bar, said in zip(row, track, strict=True):
            began = (said["begin"] - told["began"]) / told["seconds"]
            assert bar["x"] == pytest.approx(began, abs=0.004)
            assert bar["width"] == pytest.approx(said["seconds"] / told["seconds"], abs=0.006)


def test_the_rows_stand_beside_their_names(browser: Browser, pages: dict[str, Path]) -> None:
    with shown(browser, pages["restart"].as_uri(), width=PHONE) as seen:
        names = seen.page.locator(".names div").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().top)"
        )
        rows = [row[0]["y"] for row in seen.page.evaluate(BARS)]
        assert rows == pytest.approx([top + 6 for top in names], abs=1)


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_everybody_can_read_it(
    browser: Browser, pages: dict[str, Path], name: str, colors: Colors, width: int
) -> None:
    with shown(browser, pages[name].as_uri(), width=width, colors=colors) as seen:
        for folded in seen.page.locator("details").all():
            folded.evaluate("part => { part.open = true; }")
        assert violations(seen.page) == []


def test_what_nobody_could_read_would_be_found(browser: Browser, pages: dict[str, Path]) -> None:
    with shown(browser, pages["restart"].as_uri()) as seen:
        seen.page.evaluate("document.querySelector('h2').style.color = '#eee'")
        assert any(found.startswith("color-contrast") for found in violations(seen.page))


@pytest.mark.parametrize("name", NAMES)
def test_on_a_phone_only_the_timeline_scrolls_sideways(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    with shown(browser, pages[name].as_uri(), width=PHONE) as seen:
        for folded in seen.page.locator("details").all():
            folded.evaluate("part => { part.open = true; }")
        page = seen.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert page == [PHONE, PHONE]
        chart = seen.page.locator(".chart .scroll")
        assert chart.evaluate("e => e.scrollWidth > e.clientWidth")


def test_bars_are_reached_and_read_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    with shown(browser, pages["restart"].as_uri(), width=PHONE) as seen:
        keys, page = seen.page.keyboard, seen.page
        reached: list[str] = []
        for _ in range(60):
            keys.press("Tab")
            focused = page.evaluate(
                "(e => ({label: e.getAttribute('aria-label'), bar: e.matches('.bar')}))"
                "(document.activeElement)"
            )
            if reached and not focused["bar"]:
                break
            if focused["bar"]:
                reached.append(focused["label"])
                assert page.locator("#tip").inner_text() == focused["label"]
                stroke = (
                    "getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth"
                )
                assert page.evaluate(stroke) == "4px"
                box = page.evaluate(
                    "(b => [b.left, b.right])(document.activeElement.getBoundingClientRect())"
                )
                assert box[1] > 0
                assert box[0] < PHONE
        bars = page.locator(".bar").evaluate_all(
            "all => all.map(e => e.getAttribute('aria-label'))"
        )
        assert reached == bars
        keys.press("Escape")
        assert page.locator("#tip").is_hidden()


def test_the_table_says_the_same_as_the_bars(browser: Browser, pages: dict[str, Path]) -> None:
    with shown(browser, pages["killed-and-resumed"].as_uri()) as seen:
        seen.page.locator("summary").first.press("Enter")
        rows = seen.page.locator("#table tbody tr").count()
        assert rows == seen.page.locator(".bar").count()
        assert seen.page.locator("#table tbody").is_visible()


def test_it_prints_on_paper_with_all_that_is_folded(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with shown(browser, pages["restart"].as_uri(), colors="dark") as seen:
        seen.page.evaluate(
            "addEventListener('afterprint', () => { window.folded ="
            " [...document.querySelectorAll('details')].map(e => e.open); });"
            "addEventListener('beforeprint', () => { window.printed ="
            " [...document.querySelectorAll('details')].map(e => e.open); })"
        )
        assert seen.page.pdf(format="A4").startswith(b"%PDF")
        assert seen.page.evaluate("window.printed") == [True, True]
        assert seen.page.evaluate("window.folded") == [False, False]
        seen.page.emulate_media(media="print")
        paper = "getComputedStyle(document.body).backgroundColor"
        assert seen.page.evaluate(paper) == "rgb(255, 255, 255)"
        assert (
            seen.page.locator(".chart svg").evaluate("e => getComputedStyle(e).minWidth") == "0px"
        )
