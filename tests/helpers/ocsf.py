"""OCSF's own word on an event: its schema, as a package carries it."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from json import loads
from typing import Any

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded

from qflow_gitops.render.ocsf_objects import VERSION

NOT_OF_A_PROFILE = {"timezone_offset", "http_request", "http_response"}
"""Recommended, and never told: times are UTC, and of HTTP the operation and the answer's code are
told under `api`."""


@cache
def schema() -> Any:
    """The whole schema of the version that events name."""
    text = files("ocsf_json_schema").joinpath("ocsf", f"{VERSION}.json").read_text("utf-8")
    return loads(text)


@cache
def _validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    embedded = OcsfJsonSchemaEmbedded(schema())
    name = embedded.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(embedded.get_class_schema(name, list(profiles)))


def faults(event: Mapping[str, Any]) -> list[str]:
    """What OCSF's schema has against an event, [] for nothing."""
    (of_class,) = (c for c in schema()["classes"].values() if c["uid"] == event["class_uid"])
    metadata = event["metadata"]
    validator = _validator(event["class_uid"], tuple(metadata.get("profiles", ())))
    found = [f"{each.json_path}: {each.message}" for each in validator.iter_errors(event)]
    found += _captions(event, of_class, "$")
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid is another one")
    if metadata["version"] != schema()["version"]:
        found.append("another version")
    for each in event.get("observables", ()):
        if (value := _at(event, each["name"])) != each["value"]:
            found.append(f"{each['name']} is {value!r}, and not {each['value']!r}")
    return found


def _captions(data: Mapping[str, Any], of: Mapping[str, Any], path: str) -> Iterator[str]:
    """Each word beside a number is the schema's for it; what is deprecated isn't used."""
    for name, value in data.items():
        attribute = of["attributes"].get(name)
        if attribute is None:
            continue  # the schema's validator says so
        if "@deprecated" in attribute:
            yield f"{path}.{name} is deprecated"
        sibling = attribute.get("sibling")
        if sibling and (known := attribute.get("enum", {}).get(str(value))):
            word = data.get(sibling)
            if value != 99 and word not in (None, known["caption"]):
                yield f"{path}.{sibling} is {word!r}, and not {known['caption']!r}"
            if value == 99 and word in (None, "Other"):
                yield f"{path}.{sibling} doesn't say which other"
        if attribute["type"] == "object_t" and attribute["object_type"] != "object":
            inner = schema()["objects"][attribute["object_type"]]
            for each in value if attribute.get("is_array") else (value,):
                yield from _captions(each, inner, f"{path}.{name}")


def _at(event: Any, pointer: str) -> Any:
    for part in pointer.replace("[", ".").replace("]", "").split("."):
        event = event[int(part)] if part.isdigit() else event[part]
    return event


def recommended(class_uid: int) -> set[str]:
    """The attributes that every event of a class should have, but those of profiles."""
    (of_class,) = (c for c in schema()["classes"].values() if c["uid"] == class_uid)
    return {
        name
        for name, attribute in of_class["attributes"].items()
        if attribute["requirement"] != "optional" and not attribute.get("profiles")
    }
