"""sourcemeta's `jsonschema` (C++): a reader of YAML, and a validator, of another family."""

import importlib.util
import platform
import subprocess
from pathlib import Path

import pytest

from tests.helpers.partners import REQUIRED

requires_sourcemeta = pytest.mark.skipif(
    not REQUIRED and not importlib.util.find_spec("sourcemeta_jsonschema"),
    reason="needs sourcemeta-jsonschema: it is in the `dev` extra",
)


def validate(*given: str | Path) -> str:
    """Say what `validate` prints, told to go on after the first fault."""
    done = subprocess.run(
        [_program(), "validate", "--continue", *given], capture_output=True, text=True
    )
    return done.stdout + done.stderr


def _program() -> Path:
    """The binary that its package brings for this kind of machine; its name is jsonschema's."""
    spec = importlib.util.find_spec("sourcemeta_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    kind = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    system = platform.system().lower()
    return Path(spec.origin).parent / f"jsonschema-{system}-{kind}"
