"""Chromium without a window: Debian's, where it is installed, driven by Playwright."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright

from tests.helpers.node import NODE

CHROMIUM = shutil.which("chromium")
_WORDS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def needed() -> None:
    """Skip where it isn't installed, unless Debian's programs have to be there."""
    if CHROMIUM is None and os.environ.get("QFLOW_TESTS_PARTNERS") != "required":
        pytest.skip("chromium isn't installed")


@contextmanager
def opened() -> Iterator[Browser]:
    """Start it, and end it."""
    needed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_WORDS)
        try:
            yield browser
        finally:
            browser.close()


class Window(NamedTuple):
    """A page, and all that should not have happened in it so far.

    That is a dialog, an error or a broken policy in the console, and a request of anything but a
    file.
    """

    page: Page
    troubles: list[str]

    def widths(self) -> tuple[int, int]:
        """Return how wide the page and the window are, in pixels."""
        page, window = self.page.evaluate(
            "[document.documentElement.scrollWidth, window.innerWidth]"
        )
        return page, window

    def violations(self) -> list[Any]:
        """Return what axe-core says against the page: each rule with the elements."""
        self.page.evaluate((NODE / "axe-core/axe.min.js").read_text("utf-8"))
        found: list[Any] = self.page.evaluate(
            "axe.run(document).then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"
        )
        return found


@contextmanager
def window(
    browser: Browser, *, width: int = 1400, dark: bool = False, script: bool = True
) -> Iterator[Window]:
    """Open a window."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
    )
    seen = Window(context.new_page(), [])
    seen.page.set_default_timeout(60_000)

    def dialog(one: Dialog) -> None:
        seen.troubles.append(f"dialog: {one.message}")
        one.dismiss()

    def console(one: ConsoleMessage) -> None:
        if one.type in ("error", "warning"):
            seen.troubles.append(f"{one.type}: {one.text}")

    seen.page.on("dialog", dialog)
    seen.page.on("console", console)
    seen.page.on("pageerror", lambda one: seen.troubles.append(f"exception: {one}"))
    context.on(
        "request",
        lambda one: None if one.url.startswith("file:") else seen.troubles.append(one.url),
    )
    try:
        yield seen
    finally:
        context.close()


def judged(page: str, style: str, *, width: int, dark: bool) -> tuple[list[Any], tuple[int, int]]:
    """Return what axe-core says against a page with a style sheet, and its and the window's width.

    The page's own policy, a header, isn't there.
    """
    with opened() as browser, window(browser, width=width, dark=dark) as seen:
        link = r'<link rel="stylesheet"[^>]*>'
        seen.page.set_content(re.sub(link, lambda _: f"<style>{style}</style>", page))
        return seen.violations(), seen.widths()
