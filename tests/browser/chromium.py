"""Debian's Chromium, driven by Playwright; a page that may ask nobody for anything."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import Browser, Page, Route, sync_playwright

PROGRAM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP = 390, 1280


@dataclass(slots=True)
class Shown:
    """A page in a browser, what it wrote to its console and whom it asked for anything."""

    page: Page
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser for a while."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def shown(
    browser: Browser, url: str, *, width: int = DESKTOP, colors: Literal["light", "dark"] = "light"
) -> Iterator[Shown]:
    """Show the file `url`; every other request is refused and remembered."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=colors, offline=True
    )
    seen = Shown(context.new_page())

    def answer(route: Route) -> None:
        if route.request.url == url:
            route.continue_()
        else:
            seen.asked.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    seen.page.on("console", lambda message: seen.console.append(message.text))
    seen.page.on("pageerror", lambda error: seen.console.append(str(error)))
    try:
        seen.page.goto(url)
        yield seen
    finally:
        context.close()
