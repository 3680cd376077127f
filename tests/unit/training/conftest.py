"""What an estimator trains, and the cluster that it is submitted to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.training.kubernetes import run as handle
from builder.training.records import record
from tests.support.cluster_http import serving
from tests.support.cluster_runs import SECRET
from tests.support.cluster_state import ApiServer


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory with a script and the files that arguments may name."""
    (tmp_path / "train.py").write_text("")
    (tmp_path / "requirements.txt").write_text("six\n")
    (tmp_path / "conda.yml").write_text("dependencies: [six]\n")
    return tmp_path


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """A cluster's API server, with a script to train and a secret beside its kubeconfig."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text("print(1)\n")
    (tmp_path / "token").write_text(SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(record.HERE, str(tmp_path / "runs"))
    monkeypatch.setattr(handle, "SHORTEST", 0.01)
    monkeypatch.setattr(handle, "LONGEST_PAUSE", 0.02)
    with serving(tmp_path) as found:
        yield found
