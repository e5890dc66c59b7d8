"""A session in a terminal as a picture for the README: `python -m tests.terminal`.

The real program, a real repository and the sandbox; only ids and times are replaced, so that the
picture changes when what a person sees changes. A test makes it anew and compares.
"""

import contextlib
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.helpers.git import Workspace
from tests.helpers.sandboxes import served
from tests.helpers.specs import CONNECTOR, SAMPLE, SANDBOX_PROJECT
from tests.picture import ROOT

PICTURE = ROOT / "docs/images/terminal.svg"
COLUMNS = 100
SESSION = ("plan", "apply --yes", "status")
_SECOND = SAMPLE.replace("encrypt-prod-buckets", "quarantine-volumes").replace("maha2", "maha3")
_REPLACED = (
    (rf"(?!{CONNECTOR}|6cad21c8)(?<![0-9a-f-])[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b",
     "497d0fe7-3b1c-4d56-9c0a-3d90e904d1c5"),
    (r"(?!aa70acae|6cad21c8|497d0fe7)(?<![0-9a-f-])[0-9a-f]{8}(?![0-9a-f-])", "497d0fe7"),
    (r"v1:sha256:[0-9a-f]{64}", "v1:sha256:" + "0d4ff63ba397b486c8a530aef5379bf4" * 2),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-24T09:19:24Z"),
    (r"(?<=commit )[0-9a-f]{10}\b|(?<=with )[0-9a-f]{10}\b", "43d3c2277a"),
)  # fmt: skip
_FORM = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>qflow-gitops plan, apply and status in a terminal</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<rect fill="#0d1117" width="100%" height="100%" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def session() -> str:
    """Return what a terminal shows of the session, with its colours, and with made-up ids."""
    with tempfile.TemporaryDirectory() as folder, served(duration=0.1) as sandbox:
        work = Workspace(Path(folder))
        work.git("init", "--quiet", "--initial-branch=main")
        work.git("config", "user.email", "ada@example.com")
        work.git("config", "user.name", "Ada")
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": folder,
            "COLUMNS": str(COLUMNS),
            "TERM": "dumb",  # nothing is drawn over
            "QFLOW_GATEWAY": sandbox.url,
            "QFLOW_CLIENT_ID": "sandbox",
            "QFLOW_CLIENT_SECRET": "sandbox",
        }

        def called(words: str) -> str:
            program = "from qflow_gitops.cli.main import main; main()"
            mine, its = pty.openpty()
            done = subprocess.Popen(
                [sys.executable, "-c", program, "--color", "always", *shlex.split(words)],
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=its,
                stderr=its,
            )
            os.close(its)
            shown = b""
            with contextlib.suppress(OSError):  # the terminal is gone with the program
                while some := os.read(mine, 65536):
                    shown += some
            os.close(mine)
            assert done.wait() == 0, shown
            return shown.decode().replace("\r\n", "\n")

        work.write("qflow.yaml", SANDBOX_PROJECT)
        work.write("runs/buckets.yaml", SAMPLE)
        work.write("runs/volumes.yaml", _SECOND)
        work.commit("Encrypt buckets, quarantine volumes")
        called("apply --yes")
        work.write("runs/buckets.yaml", SAMPLE.replace("Count: 4", "Count: 5"))
        work.commit("One bucket more")
        shown = [f"\x1b[1m$ qflow-gitops {words}\x1b[0m\n{called(words)}\n" for words in SESSION]
    text = "".join(shown)
    for pattern, word in _REPLACED:
        text = re.sub(pattern, word, text)
    return text


def picture() -> str:
    """Return the session as SVG, which fetches nothing."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(session().rstrip()), soft_wrap=False)
    return console.export_svg(title="qflow-gitops", code_format=_FORM, unique_id="t")


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
