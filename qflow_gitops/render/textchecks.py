"""What a doctor found, as lines for a person: counts first, then part by part."""

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from qflow_gitops.render.escape import clean, count
from qflow_gitops.render.marks import Mark, Marked, hint
from qflow_gitops.results.checks import Check, Examination, Examined, Fact, Verdict

MARKS = {
    Verdict.OK: "✓",
    Verdict.WARNING: "!",
    Verdict.FAILED: "✗",
    Verdict.UNKNOWN: "?",
    Verdict.LEFT_OUT: "·",
}
_MEANS = {
    Verdict.OK: Mark.DONE,
    Verdict.WARNING: Mark.WARNING,
    Verdict.FAILED: Mark.FAILED,
    Verdict.UNKNOWN: Mark.DOUBT,
    Verdict.LEFT_OUT: Mark.QUIET,
}
_NAMED = 3  # of several in one line
_WORDS = {
    Verdict.FAILED: "failed",
    Verdict.UNKNOWN: "unknown",
    Verdict.LEFT_OUT: "not looked at",
    Verdict.OK: "in order",
}


def counts(body: Examination) -> str:
    """Say how many checks came to what, the worst first."""
    found = {verdict: body.count(verdict) for verdict in Verdict}
    words = [
        count(found[verdict], "warning")
        if verdict is Verdict.WARNING
        else f"{found[verdict]:,} {_WORDS[verdict]}"
        for verdict in Verdict
        if found[verdict]
    ]
    return ", ".join(words)


def examination(body: Examination) -> Iterator[str]:
    """Each part with its checks; of what was left out for one reason a line."""
    yield counts(body)
    for part in body.parts:
        yield from _part(part)
    if body.facts is not None:
        yield from _facts(body.facts)
    first = next(_to_mend(body), None)
    if first:
        yield ""
        yield f"Begin with {clean(first.name)}: {clean(first.hint or first.found)}"


def _to_mend(body: Examination) -> Iterator[Check]:
    return (
        check for part in body.parts for check in part.checks if check.verdict is Verdict.FAILED
    )


def _part(part: Examined) -> Iterator[str]:
    yield ""
    yield Mark.TITLE(clean(part.title))
    for (verdict, found, way), some in groupby(part.checks, _alike):
        for about in _together(verdict, [clean(check.about) for check in some]):
            lead = _MEANS[verdict](f"  {MARKS[verdict]} {f'{about}: ' if about else ''}")
            yield Marked(lead, clean(found))
            if way:
                yield hint(clean(way), 6)


def _alike(check: Check) -> tuple[Verdict, str, str]:
    return (check.verdict, check.found, check.hint)


def _together(verdict: Verdict, names: list[str]) -> Iterator[str]:
    """Name in one line what nobody could tell, or looked at, for one reason; all else apart."""
    if verdict not in (Verdict.UNKNOWN, Verdict.LEFT_OUT):
        yield from names
        return
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    yield f"{', '.join(names[:_NAMED])}{more}"


def _facts(facts: tuple[Fact, ...]) -> Iterator[str]:
    yield ""
    yield "What Qualys' documentation leaves open, as this subscription shows it"
    yield "(in brackets the section of docs/api.md)"
    for how, some in groupby(facts, lambda fact: fact.how):
        yield f"  {clean(how)}"
        for fact in some:
            seen = clean(fact.seen) or "not seen"
            yield from _wrapped(f"{clean(fact.about)} ({clean(fact.source)}): {seen}", "    ")
            if fact.assumed:
                assumed = clean(fact.assumed)
                yield from _wrapped(f"! the program assumes {assumed}: please report it", "      ")


def _wrapped(text: str, indent: str) -> list[str]:
    """Break a long line where a reader would, as wide as the narrowest terminal."""
    return wrap(
        text,
        80,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
