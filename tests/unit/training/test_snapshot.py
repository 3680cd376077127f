"""What belongs to a snapshot, under which hash, and what is refused."""

import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import InputError
from builder.training.request.snapshot import take
from builder.training.request.source import entries


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def paths(source: Path) -> list[str]:
    return [entry.path for entry in entries(source)]


def test_an_amlignore_counts_instead_of_a_gitignore(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": "", "data/x": "", "sub/b.pyc": "", "sub/.gitignore": "*", ".gitignore": "a.py\n*.pyc\n"})
    assert paths(tmp_path) == [".gitignore", "data/x", "sub/.gitignore"]
    (tmp_path / ".amlignore").write_text("/data/\n!data/x\n")
    assert paths(tmp_path) == [".amlignore", ".gitignore", "a.py", "sub/.gitignore", "sub/b.pyc"]


def test_patterns_mean_what_git_means(tmp_path: Path) -> None:
    tree(tmp_path, {"keep.log": "", "a.log": "", "d/x.log": "", "build/y": "", "s/build/z": "", "q\u00fc e.py": ""})
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/build\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert paths(tmp_path) == sorted(name for name in listed.split("\0") if name)


def test_git_and_the_runs_own_directories_stay_out(tmp_path: Path) -> None:
    source = tree(tmp_path / "s", {".git/config": "", "outputs/a": "", "logs/b": "", "sub/outputs/c": "", "x": ""})
    assert paths(source) == ["sub/outputs/c", "x"]
    taken = take(source, tmp_path / "store")
    assert sorted(path.name for path in Path(taken.path).iterdir()) == ["logs", "outputs", "sub", "x"]


def test_earlier_runs_inside_the_source_stay_out(tmp_path: Path) -> None:
    tree(tmp_path, {"x": "", "runs/one/record.json": ""})
    taken = take(tmp_path, tmp_path / "runs" / "snapshots", skip=(tmp_path / "runs",))
    assert taken.files == 1


def test_the_content_is_the_name(tmp_path: Path) -> None:
    store = tmp_path / "store"
    one = take(tree(tmp_path / "a", {"x": "1", "d/y": "2"}), store)
    two = take(tree(tmp_path / "b", {"d/y": "2", "x": "1"}), store)
    assert one == two
    (tmp_path / "b" / "x").chmod(0o755)
    assert take(tmp_path / "b", store).sha256 != one.sha256
    assert len(list(store.iterdir())) == 2


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.text("ab/", min_size=1, max_size=3), st.text("xy", max_size=2)), max_size=3))
def test_other_content_has_another_name(found: list[tuple[str, str]]) -> None:
    """Names and contents do not run into one another."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        files = {f"n{name.replace('/', '-')}": text for name, text in found}
        one = take(tree(root / "a", {"p": "", **files}), root / "store").sha256
        two = take(tree(root / "b", {"p": "", **files, "p2": ""}), root / "store").sha256
        assert one != two


def test_any_user_can_read_it_and_odd_names_arrive(tmp_path: Path) -> None:
    source = tree(tmp_path / "s", {"a b/\u00fc \u4f60.py": "print()", "-rf": "", 'it\'s "x"\n': ""})
    (source / "a b").chmod(0o700)
    (source / "-rf").chmod(0o600)
    (Path(os.fsdecode(os.fsencode(source) + b"/\xff.bin"))).write_text("")
    os.umask(before := os.umask(0o077))
    try:
        os.umask(0o077)
        place = Path(take(source, tmp_path / "store").path)
    finally:
        os.umask(before)
    assert (place / "a b" / "\u00fc \u4f60.py").read_text() == "print()"
    assert len(list(place.iterdir())) == 6
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in place.rglob("*")}
    assert modes == {0o755, 0o644}


def test_links_inside_stay_links(tmp_path: Path) -> None:
    source = tree(tmp_path / "s", {"a/x": "1"})
    (source / "rel").symlink_to("a/x")
    (source / "abs").symlink_to(source / "a")
    (source / "a" / "up").symlink_to("../a")
    place = Path(take(source, tmp_path / "store").path)
    assert (place / "rel").readlink() == Path("a/x")
    assert (place / "abs").readlink() == Path("a")
    assert (place / "a" / "up" / "x").read_text() == "1"


def test_links_that_leave_and_files_that_are_none_are_all_named(tmp_path: Path) -> None:
    source = tree(tmp_path / "s", {"x": ""})
    (source / "secrets").symlink_to("/etc/shadow")
    (source / "up").symlink_to("../..")
    (source / "via").symlink_to("up/etc")
    os.mkfifo(source / "pipe")
    with pytest.raises(InputError) as caught:
        take(source, tmp_path / "store")
    assert sorted(line.partition(":")[0] for line in caught.value.problems) == ["pipe", "secrets", "up", "via"]
    (source / ".amlignore").write_text("secrets\nup\nvia\npipe\n")
    assert take(source, tmp_path / "store").files == 2


def test_a_large_source_names_its_ten_biggest_files(tmp_path: Path) -> None:
    source = tree(tmp_path / "s", {f"f{n:02}": "x" * (n * 1000) for n in range(12)})
    with pytest.raises(InputError) as caught:
        take(source, tmp_path / "store", limit=60_000)
    lines = caught.value.message.splitlines()
    assert "66.0 kB in 12 files" in lines[0]
    assert [line.split()[-1] for line in lines[1:]] == [f"f{n:02}" for n in range(11, 1, -1)]
    assert not (tmp_path / "store").exists()


def test_a_bad_ignore_file_is_named(tmp_path: Path) -> None:
    tree(tmp_path, {".amlignore": "a\n!\n", "x": ""})
    with pytest.raises(InputError, match=r"\.amlignore"):
        entries(tmp_path)
