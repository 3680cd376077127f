"""`verify` of several images: what cannot be verified is said, and the others still are."""

import pytest

from builder.commands.options import Options
from builder.commands.verify import verified


def test_an_image_that_cannot_be_verified_is_said_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert verified("toy:1", Options(verb="verify", images=("toy:1",))) == []
    assert "error: toy:1: " in capsys.readouterr().err
