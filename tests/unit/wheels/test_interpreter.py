"""What an image says of its Python: what no wheel can meet there is left out, and nonsense is refused."""

from pathlib import Path
from typing import Any

import pytest

from builder.host.cache import checksum, keep
from builder.wheels.interpreter import Directory, parsed, remembered

SAID: dict[str, Any] = {
    "python": "3.11.2",
    "build": "3.11.2 (main, Apr 28 2025) [GCC 12.2.0]",
    "tag": "cpython-311",
    "site_packages": "/opt/env/lib/python3.11/site-packages",
    "directories": {"/opt/env": [0o755, 0, 0], "/opt/env/share/My Data": [0o755, 0, 0]},
    "links": {"/opt/env/lib64": "/opt/env/lib", "/opt/env/out": "/etc"},
}


def test_odd_directories_and_links_that_lead_away_are_left_out() -> None:
    found = parsed(SAID)
    assert found.directories == {"/opt/env": Directory()}
    assert found.links == {"/opt/env/lib64": "/opt/env/lib"}
    assert found.resolved("/opt/env/lib64/x") == "/opt/env/lib/x"
    assert found.byte_code("/opt/env/lib/a.b.py") == "/opt/env/lib/__pycache__/a.b.cpython-311.pyc"


@pytest.mark.parametrize(
    "other",
    [{"python": "x"}, {"tag": "../x"}, {"site_packages": "/etc"}, {"build": "\x1b"}, {"directories": {"/opt": "x"}}],
)
def test_nonsense_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        parsed({**SAID, **other})


def test_a_record_that_was_edited_is_said_and_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, digest = tmp_path / "one.json", f"sha256:{'1' * 64}"
    keep(file, {"found": SAID, "sha256": checksum(SAID, digest)}, "")
    assert remembered(file, digest) == parsed(SAID)
    assert remembered(file, f"sha256:{'2' * 64}") is None
    file.write_text(file.read_text().replace("cpython-311", "cpython-310"))
    assert remembered(file, digest) is None
    assert "it is not as it was written" in capsys.readouterr().err
