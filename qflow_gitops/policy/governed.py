"""What a policy looks at in a run."""

from collections.abc import Mapping
from typing import Protocol

from qflow_gitops.base.names import RunKey


class Governed(Protocol):
    """What rules look at in a run: see `specs.spec.RunSpec`."""

    @property
    def key(self) -> RunKey:
        """Environment and name."""

    @property
    def environment(self) -> str:
        """The environment's name."""

    @property
    def workflow_id(self) -> str:
        """The workflow's id, as written."""

    @property
    def connector_types(self) -> tuple[str, ...]:
        """The clouds that it works in."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""

    @property
    def file(self) -> str:
        """Where it stands."""
