"""The selected cells as one file for `docker buildx bake`: a value; nothing here runs it.

The format: https://docs.docker.com/build/bake/reference/, in JSON, whose strings are HCL templates.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.build import buildx_command

EVERYTHING = "default"
"""What `docker buildx bake` builds when no target is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeTarget:
    """A cell as bake builds it."""

    cell: str
    groups: tuple[str, ...]
    context: str
    inputs: buildx_command.BuildInputs


def document(targets: Iterable[BakeTarget], *, output: str) -> dict[str, Any]:
    """The whole file: a target for each cell, and groups that name several of them.

    Secrets are left out, as their files belong to a person: `--set '*.secrets=id=ca,src=FILE'`. So are the labels of
    `build`: what bake makes has the same files in other layers, and is not taken for what `build` makes.
    """
    wanted = tuple(targets)
    names = [name(target.cell) for target in wanted]
    groups: dict[str, list[str]] = {EVERYTHING: names}
    for target, known in zip(wanted, names, strict=True):
        for group in target.groups:
            groups.setdefault(name(group), []).append(known)
    return {
        "group": {group: {"targets": found} for group, found in groups.items()},
        "target": {known: body(target, output) for target, known in zip(wanted, names, strict=True)},
    }


def body(target: BakeTarget, output: str) -> dict[str, Any]:
    """One target; what `build` passes to buildx as flags, by bake's names."""
    found = {
        "context": escaped(target.context),
        "contexts": texts(target.inputs.stages),
        "args": texts(target.inputs.arguments),
        "output": [output],
        "attest": ["type=provenance,disabled=true"],
    }
    return {key: value for key, value in found.items() if value}


def name(cell: str) -> str:
    """The cell as a target, which may hold letters, digits, `_` and `-`: `toy/1.0-cpu-x` is `toy-1_0-cpu-x`."""
    return cell.replace("/", "-").replace(".", "_")


def texts(values: Mapping[str, str]) -> dict[str, str]:
    return {key: escaped(value) for key, value in sorted(values.items())}


def escaped(text: str) -> str:
    """The text as a template that gives it: https://developer.hashicorp.com/terraform/language/expressions/strings."""
    return text.replace("${", "$${").replace("%{", "%%{")
