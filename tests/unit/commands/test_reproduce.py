"""Where a cell is built the second time: another place, locale, day and umask, and the same context."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from builder.commands.options import Options
from builder.commands.reproduce import contexts, elsewhere, rendered_elsewhere
from builder.matrix.load import load
from builder.matrix.names import cell, context

ROOT = Path(__file__).parents[3]
SPEC = next(spec for spec in load(ROOT / "matrix.yaml").cells if cell(spec) == "pytorch/1.4.0-gpu-debian12")
ASK = "import datetime, locale, os; print(datetime.date.today(), locale.getpreferredencoding(), os.umask(0))"


@pytest.fixture(autouse=True)
def own_time_zone() -> Iterator[None]:
    """What a test sets is forgotten, last of all."""
    yield
    time.tzset()


def said() -> list[str]:
    return subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("zone", ["UTC", "XXX-14", "XXX+12"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_process_has_another_day_locale_and_umask(zone: str, locale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    monkeypatch.setenv("PYTHONUTF8", "0")
    time.tzset()
    before, environment = said(), dict(os.environ)
    with elsewhere():
        inside = said()
        assert str(datetime.now().astimezone().date()) == inside[0]
    assert all(one != other for one, other in zip(before, inside, strict=True)), (before, inside)
    assert said() == before
    assert dict(os.environ) == environment


def test_the_context_is_rendered_again_and_is_the_same(tmp_path: Path) -> None:
    with elsewhere():
        found = rendered_elsewhere(Options(matrix=ROOT / "matrix.yaml"), SPEC, tmp_path / "another place")
    assert list(contexts(ROOT / context(SPEC), found)) == []
    assert {path.stat().st_mode & 0o777 for path in found.rglob("*") if path.is_file()} == {0o600}
    assert time.time() - found.stat().st_mtime > 300 * 86_400
    (found / "Dockerfile").write_text("another")
    assert list(contexts(ROOT / context(SPEC), found)) == ["context: Dockerfile is rendered differently"]
