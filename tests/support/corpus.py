"""The corpus of attacks: one YAML file a kind, below tests/attacks."""

from typing import Any

import pytest
import yaml

from tests.support.command_line import ROOT

DIRECTORY = ROOT / "tests" / "attacks"


def cases(kind: str) -> list[Any]:
    """The cases of a kind, as parameters with the name of each."""
    found = yaml.safe_load((DIRECTORY / f"{kind}.yaml").read_text("utf-8"))
    return [pytest.param(case, id=name) for name, case in found.items()]
