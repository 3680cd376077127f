"""What `doctor` says of cosign: by the flags that it lists, as Debian's does not name its version."""

from pathlib import Path

import pytest

from builder.errors import EngineError
from builder.host import doctor
from builder.publish.signing import cosign


@pytest.mark.parametrize(
    ("version", "flags", "state", "found"),
    [
        ("v2.5.0", "--tlog-upload=true:", "ok", "2.5.0"),
        ("devel", "--tlog-upload=true:", "ok", "2.x or 3.x"),
        ("v3.1.1", "--use-signing-config=true:", "ok", "3.1.1"),
        ("v1.4.0", "--key='':", "warning", "1.4.0 is neither"),
    ],
)
def test_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, flags: str, state: str, found: str
) -> None:
    program = tmp_path / "cosign"
    program.write_text(f'#!/bin/sh\ncase "$1" in version) echo "GitVersion:    {version}";; *) echo "{flags}";; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    check = doctor.cosign_check()
    assert check.state == state
    assert found in check.found


def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    check = doctor.cosign_check()
    assert (check.state, check.mend) == ("warning", "make cosign")
    with pytest.raises(EngineError, match="not installed") as raised:
        cosign.run(("version",))
    assert raised.value.hint == "make cosign"
