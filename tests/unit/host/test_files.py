"""Files that are replaced at once: the old content or the new, and nothing beside it."""

from pathlib import Path

import pytest

from builder.errors import BuilderError, InputError
from builder.host import site_proposal
from builder.host.files import replacing, write_whole


def test_a_file_gets_its_content_when_the_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with replacing(file) as sibling:
        sibling.write_text("new")
        assert (file.read_text(), sibling.parent) == ("old", tmp_path)
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_content_and_nothing_else(error: type[BaseException], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def interrupted() -> None:
        with replacing(file) as sibling:
            sibling.write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_directory_in_its_place_stays(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(BuilderError, match="file: cannot be written: "):
        write_whole(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_site_file_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    site_proposal.write(file, "base: pull\n")
    with pytest.raises(InputError, match="it exists, and is left as it is"):
        site_proposal.write(file, "base: bootstrap\n")
    assert file.read_text() == "base: pull\n"
    assert list(tmp_path.iterdir()) == [file]
