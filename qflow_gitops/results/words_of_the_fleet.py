"""What stops a command at a fleet and its `fleet.lock`: what each word means, and what to do."""

from qflow_gitops.results.words import Word

FLEET = (
    Word("fleet_broken", "`fleet.lock` can't be read or trusted.", "Do what the message says."),
    Word(
        "fleet_newer",
        "A newer version of the program wrote fleet.lock.",
        "Use that version, or a later one.",
    ),
)
