"""Programs of Debian and PyPI that the product is compared with, and what takes long.

`.ci/run` installs them and sets QFLOW_TESTS_PARTNERS=required: then a missing one is a failure.
`.ci/nightly` does what is too slow for CI, with QFLOW_TESTS_NIGHTLY=required.
"""

import os
import shutil

import pytest

REQUIRED = os.environ.get("QFLOW_TESTS_PARTNERS") == "required"
NIGHTLY = os.environ.get("QFLOW_TESTS_NIGHTLY") == "required"

nightly = pytest.mark.skipif(not NIGHTLY, reason="takes long: .ci/nightly does it")


def requires(*programs: str) -> pytest.MarkDecorator:
    """Skip where one of these isn't on the PATH, unless all are required."""
    missing = [one for one in programs if not shutil.which(one)]
    return pytest.mark.skipif(
        bool(missing) and not REQUIRED, reason=f"needs {', '.join(missing)}: .ci/run installs it"
    )
