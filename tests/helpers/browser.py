"""Chromium without a window: Debian's, where it is installed."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.node import NODE

CHROMIUM = shutil.which("chromium")
_MARK = "qflow-answer"


def needed() -> None:
    """Skip where it isn't installed, unless Debian's programs have to be there."""
    if CHROMIUM is None and os.environ.get("QFLOW_TESTS_PARTNERS") != "required":
        pytest.skip("chromium isn't installed")


def judged(page: str, style: str, folder: Path, *, width: int, dark: bool) -> dict[str, Any]:
    """Return what axe-core says against a page, by rule, and how wide the page is in pixels.

    The page is read from a file, its style sheet in it: its own policy forbids scripts.
    """
    axe = (NODE / "axe-core/axe.min.js").read_text("utf-8")
    told = (
        "axe.run(document).then(r => { const out = document.createElement('template');"
        f"out.id = '{_MARK}'; out.setAttribute('data-json', JSON.stringify({{"
        "violations: r.violations.map(v => [v.id, v.nodes.map(n => n.html)]),"
        "width: document.documentElement.scrollWidth, seen: window.innerWidth}));"
        "document.body.append(out); });"
    )
    page = re.sub(r'<link rel="stylesheet"[^>]*>', lambda _: f"<style>{style}</style>", page)
    file = folder / "page.html"
    file.write_text(page + f"<script>{axe}</script><script>{told}</script>", "utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        "--virtual-time-budget=20000", "--dump-dom", file.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    found = re.search(rf'id="{_MARK}" data-json="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(unescape(found[1]))
    return answer
