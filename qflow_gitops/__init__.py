"""Runs of Qualys Flow workflows as reviewed changes in git."""

from importlib.metadata import version as _version


def __getattr__(name: str) -> str:
    """Read the version from the package's metadata, only when somebody asks."""
    if name == "__version__":
        return _version("qflow-gitops")
    raise AttributeError(name)
