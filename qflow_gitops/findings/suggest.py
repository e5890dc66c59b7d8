"""What was probably meant, and how to say it: the words that findings are made of."""

import json
import re
from collections.abc import Iterable


def near(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, "" where none is close."""
    folded = {re.sub(r"[-_ ]", "", word).lower(): word for word in known}
    match = nearest(re.sub(r"[-_ ]", "", name).lower()[:64], folded, 0.75)
    return folded[match] if match else ""


def nearest(word: str, known: Iterable[str], likeness: float) -> str:
    """Return the known word that has the same letters, or is as much like it; "" for none."""
    from difflib import get_close_matches  # not loaded where nothing is misspelled

    words = list(known)
    swapped = [candidate for candidate in words if sorted(candidate) == sorted(word)]
    return next(iter(swapped or get_close_matches(word, words, 1, likeness)), "")


def slip(word: str, known: Iterable[str]) -> str:
    """Return the known word that one letter, or the order of two, tells apart; "" for none.

    Else the only one that begins so. For what does something: likeness alone would lead to
    another act (`retry` is much like `rerun`).
    """
    words = list(known)
    near = [each for each in words if _one_apart(word, each)]
    if not near and len(word.strip("-")) >= 3:
        near = [each for each in words if each.startswith(word)]
    return near[0] if len(near) == 1 else ""


def _one_apart(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or one == other:
        return False
    at = next((i for i, char in enumerate(short) if char != long[i]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return swapped or short[at + 1 :] == long[at + 1 :]


TEMPLATE = re.compile(r"\$\{[A-Za-z_][\w.]{0,99}\}|\{\{[^{}]{1,200}\}\}")
"""What other tools fill in: `${X}`, `{{ x }}`, `${{ x }}`. Here nothing is interpolated."""

_ID = re.compile(
    "(?<![0-9a-f])([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})"
    "(?![0-9a-f])",
    re.IGNORECASE,
)


def about_template(value: str) -> str:
    """Say that nothing fills in a value like `${ID}`."""
    return "Nothing is interpolated: write the value itself." if TEMPLATE.search(value) else ""


def about_id(value: str, *, offered: bool = True) -> str:
    """Say what is wrong with a UUID that looks like a slip.

    `offered` is whether an id that is found within the value may be shown.
    """
    if value.startswith("@"):
        return "Remove the leading @: the workflow editor shows it, but it is no part of the id."
    if re.search(r"[xX*]{4}", value):
        return "This id is masked, as in documentation; use the full id."
    if re.fullmatch(r"[0-]+|<[^<>]*>", value.strip()):
        return "This is a placeholder; put the id itself."
    found = _ID.search(value[:1000]) if offered else None
    if found and value.strip() != (plain := "-".join(found.groups())):
        return f"The id in it is `{plain}`: write that alone."
    if value != value.strip():
        return "Remove the spaces around it."
    return ""


def about_name(value: str) -> str:
    """Return the nearest name that the schemas take."""
    slug = re.sub(r"[^a-z0-9]+", "-", value.lower())[:63].strip("-")
    return f"Did you mean `{slug}`?" if slug and slug != value and len(value) <= 63 else ""


def about_region(name: str, value: str) -> str:
    """Say what was probably meant by a region; `name` is the variable."""
    if re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-[0-9][a-z]", value):
        return f"This is an availability zone; its region is `{value[:-1]}`."
    plain = value.strip().lower()
    if value != plain and re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", plain):
        return f"Write it in lower case, without spaces: `{plain}`."
    if name == "oci_region" and re.fullmatch(r"[a-z-]+-[0-9]+", value):
        return "This is an AWS region; OCI's are others, like us-ashburn-1 or eu-frankfurt-1."
    return ""


def shown(value: object) -> str:
    """Return a value in one short line that can't do anything to a terminal."""
    text = value if isinstance(value, str) else json.dumps(value)
    safe = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:61]).replace("`", "'")
    return safe if len(text) <= 60 and len(safe) <= 60 else safe[:59] + "…"


def quoted(value: object) -> str:
    """Return a value as it stands in a sentence."""
    return f"`{shown(value)}`" if value != "" else "empty"


def listed(names: Iterable[str]) -> str:
    """Return names as they stand in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def all_of(names: list[str], one: str = "is", many: str = "are") -> str:
    """Return names and their verb: `a` is, `a` and `b` are."""
    names_shown = (
        " and ".join(listed([name]) for name in names) if len(names) < 3 else listed(names)
    )
    return f"{names_shown} {one if len(names) == 1 else many}"
