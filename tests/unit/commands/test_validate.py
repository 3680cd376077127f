"""`validate` refuses a framework that nothing shows to work, and shows how such a check begins."""

from pathlib import Path

import pytest

from builder.__main__ import main
from tests.support.project import small_matrix


def test_a_framework_needs_a_check_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(small_matrix("toy-net"))
    (tmp_path / "templates" / "other").mkdir(parents=True)
    (tmp_path / "templates" / "other" / "test_other.py").touch()
    assert main(["validate", f"--matrix={matrix}"]) == 2
    said = capsys.readouterr().err
    assert "toy-net: no check of its own shows that it works in its image" in said
    assert f"try: write {tmp_path}/templates/toy-net/test_toy_net.py, for example:" in said
    example = said[said.index("from builder.verify") :]
    compile(example, "example", "exec")
    (tmp_path / "templates" / "toy-net").mkdir()
    (tmp_path / "templates" / "toy-net" / "test_toy_net.py").write_text(example)
    assert main(["validate", f"--matrix={matrix}"]) == 3
    assert "builder.lock: missing" in capsys.readouterr().err
