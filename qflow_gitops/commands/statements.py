"""The statements of finished attempts, as files by their names. Looks only."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from qflow_gitops.audit.signing import Signer
from qflow_gitops.audit.statements import has_one, path_of, statement, to_bytes
from qflow_gitops.base.names import RunKey
from qflow_gitops.commands.report import Asked, ReportServices, wanted
from qflow_gitops.lockfile.attempt import Attempt
from qflow_gitops.lockfile.circumstances import circumstances
from qflow_gitops.lockfile.ledger import Lockfile


@dataclass
class Statements:
    """What is stated. `made` and `without` count while the files are gone through."""

    asked: Asked
    services: ReportServices
    lockfile: Lockfile
    signer: Signer | None = None
    made: int = field(default=0, init=False)
    without: int = field(default=0, init=False)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Return each statement; where there is a key also its envelope, and its signature."""
        for key, attempt in self._attempts():
            if not has_one(attempt):
                self.without += 1
                continue
            self.made += 1
            name = f"{path_of(key, attempt.number)}.intoto.json"
            payload = to_bytes(statement(key, attempt, circumstances(self.lockfile, attempt)))
            yield name, payload
            if self.signer is not None:
                yield f"{path_of(key, attempt.number)}.dsse.json", self.signer.envelope(payload)
                yield f"{name}.sig", self.signer.ssh_signature(payload)

    def _attempts(self) -> Iterator[tuple[RunKey, Attempt]]:
        means, span = wanted(self.asked, self.services, self.lockfile), self.asked.span
        for environment, record in sorted(self.lockfile.environments.items()):
            for run in record.runs:
                key = (environment, run)
                for attempt in record.runs[run] if means(key) else ():
                    if not (span.before(attempt) or span.after(attempt)):
                        yield key, attempt
