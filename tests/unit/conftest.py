"""What the fast tests share: the ways in which a file can be damaged."""

from pathlib import Path

import pytest

from tests.support.damaged_files import WAYS, Damage, damage_file


@pytest.fixture(scope="session")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 MB that no reader should take in."""
    file = tmp_path_factory.mktemp("huge") / "file"
    with file.open("wb") as stream:
        for _ in range(100):
            stream.write(b"{" * 1_000_000)
    return file


@pytest.fixture(params=WAYS)
def damage(request: pytest.FixtureRequest, huge: Path) -> Damage:
    """A way to damage a file, or to put a damaged one where there is none; returns its path."""
    return lambda file: damage_file(file, request.param, huge)
