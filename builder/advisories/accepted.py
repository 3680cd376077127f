"""accepted.yaml, beside the matrix: which advisories, and which gaps of a scan, somebody answers for, and until when.

    schema: "1"
    accepted:
      - {id: CVE-2024-1, of: pillow, images: "pytorch/1.*", owner: NAME, reason: TEXT, until: 2027-01-31}
      - {not-audited: conda, owner: NAME, reason: TEXT, until: 2027-01-31}

`justification` says that an image is not affected at all, by one of OpenVEX's words.
"""

import datetime as dt
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from builder.errors import InputError
from builder.matrix import yaml_positions
from builder.matrix.yaml_positions import Node, Problems, fields, items, report, text

FILE = "accepted.yaml"
SCHEMA = re.compile("1")
WORDS = re.compile(r"[^\x00-\x1f]{1,500}")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,80}")
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,100}")
GLOB = re.compile(r"[A-Za-z0-9*?\[\]/._+-]{1,200}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
JUSTIFICATIONS = (
    *("component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path"),
    *("vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"),
)
"""https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#status-justifications."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Who answers for an advisory of a distribution, or for what no database covers, in which images, until when."""

    owner: str
    reason: str
    until: dt.date
    place: str
    id: str = ""
    of: str = ""
    not_audited: str = ""
    images: str = "*"
    justification: str = ""

    def covers(self, cell: str, today: dt.date) -> bool:
        """Whether it is for the cell, and its time is not over."""
        return fnmatchcase(cell, self.images) and today <= self.until


def load(directory: Path) -> tuple[Acceptance, ...]:
    """What is accepted, nothing where there is no such file; raises InputError with every mistake."""
    file = directory / FILE
    if not os.path.lexists(file):
        return ()
    problems: Problems = []
    top = fields(yaml_positions.load(file, problems), problems, required=("schema", "accepted"))
    text(top.get("schema"), problems, SCHEMA, "a schema this program knows: it is 1")
    found = [acceptance(node, problems) for node in items(top.get("accepted"), problems)]
    if problems:
        raise InputError(problems, hint=f"correct {file}")
    return tuple(one for one in found if one)


def acceptance(node: Node, problems: Problems) -> Acceptance | None:
    """The entry at `node`; None when it has a mistake."""
    before = len(problems)
    required, optional = ("owner", "reason", "until"), ("id", "of", "not-audited", "images", "justification")
    found = fields(node, problems, required=required, optional=optional)
    if ("id" in found) == ("not-audited" in found):
        report(problems, node, "what is accepted? expected `id`, or `not-audited` with the name of an ecosystem")
    until = day(found["until"], problems) if "until" in found else None
    word = text(found.get("justification"), problems, WORDS, "a justification of OpenVEX")
    if word and word not in JUSTIFICATIONS:
        report(problems, found["justification"], f"{word} is none of {', '.join(JUSTIFICATIONS)}")
    one = Acceptance(
        owner=text(found.get("owner"), problems, WORDS, "somebody's name"),
        reason=text(found.get("reason"), problems, WORDS, "a sentence"),
        until=until or dt.date.min,
        place=node.place,
        id=text(found.get("id"), problems, ID, "the name of an advisory"),
        of=text(found.get("of"), problems, NAME, "the name of a distribution"),
        not_audited=text(found.get("not-audited"), problems, NAME, "the name of an ecosystem"),
        images=text(found.get("images"), problems, GLOB, "a name of cells, like pytorch/1.*") or "*",
        justification=word,
    )
    return one if len(problems) == before else None


def day(at: Node, problems: Problems) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text(at, problems, DAY, "a day like 2027-01-31"))
    except ValueError:
        report(problems, at, "it is no day")
        return None


def expired(found: Iterable[Acceptance], today: dt.date) -> list[str]:
    """A sentence for each entry whose time is over."""
    return [f"{one.place}: {one.id or one.not_audited}: over since {one.until}" for one in found if one.until < today]
