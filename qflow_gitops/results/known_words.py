"""Every stable word of a result: its reasons in the order in which they are told, and more."""

from collections.abc import Mapping

from qflow_gitops.results import words_of_hosts as hosts
from qflow_gitops.results import words_of_stops as stops
from qflow_gitops.results.words import EXITS, Word
from qflow_gitops.results.words_of_a_watch import WATCH
from qflow_gitops.results.words_of_differences import DIFFERENCES
from qflow_gitops.results.words_of_plans import PLANS
from qflow_gitops.results.words_of_states import STATES
from qflow_gitops.results.words_of_the_fleet import FLEET
from qflow_gitops.results.words_of_the_lockfile import LOCKFILE
from qflow_gitops.results.words_of_usage import USAGE

REASONS: Mapping[str, Word] = {
    word.id: word
    for family in (
        PLANS,
        stops.APPLY,
        USAGE,
        stops.FILES,
        stops.GIT,
        LOCKFILE,
        FLEET,
        WATCH,
        hosts.QUALYS,
        hosts.LOGIN,
        hosts.GITHUB,
        hosts.GITLAB,
        hosts.TICKETS,
        hosts.RECEIVERS,
        stops.OTHER,
    )
    for word in family
}
"""Every reason, by its word."""

WORDS: Mapping[str, Word] = {
    word.id: word for family in (STATES, REASONS, DIFFERENCES, EXITS) for word in family.values()
}
"""The same, exit codes by their numbers, a report's differences, and states that are no reason."""
