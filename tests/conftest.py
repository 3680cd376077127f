"""What every tier of the tests needs."""

import os
from collections.abc import Sequence

import pytest
from hypothesis import settings

from tests.support import rotation


def pytest_configure() -> None:
    """No property fails because the machine is busy."""
    settings.register_profile("busy", deadline=None)
    settings.load_profile("busy")
    os.environ["ROTATION"] = os.environ.get("ROTATION") or rotation.today()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the long cases only those of the day run."""
    items[:], left = rotation.split(items, os.environ["ROTATION"])
    if left:
        config.hook.pytest_deselected(items=left)


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> str:
    """Which of them those are, where tests with the engine run."""
    return rotation.said(items, os.environ["ROTATION"]) if "engine" in str(config.option.markexpr).split() else ""
