"""What a request may ask: PEP 508, pip's files and conda's, and everything that leaves the directory or the site."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.derive import Request
from builder.derive.read_request import wanted
from builder.derive.request import ParsedRequest
from builder.derive.requirements_file import logical
from builder.errors import InputError
from builder.host.site import Site

SITE = Site(pip_index_url="https://me:secret@mirror.example/simple")
HASH = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def read(text: str, directory: Path, **more: object) -> ParsedRequest:
    file = directory / "requirements.txt"
    file.write_text(text, "utf-8")
    return wanted(Request(base="1.6-gpu", pip_requirements_file=file, **more), lambda: SITE)  # type: ignore[arg-type]


def problems(text: str, directory: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text, directory)
    assert caught.value.exit_code == 2
    return [line.removeprefix(f"{directory}/") for line in caught.value.problems]


def asked(*packages: str) -> ParsedRequest:
    return wanted(Request(base="1.6-gpu", pip_packages=packages), lambda: SITE)


def test_a_file_as_pip_reads_it(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("rich==13.0  # a comment\n", "utf-8")
    (tmp_path / "limits.txt").write_text("numpy<2\n", "utf-8")
    found = read(
        "# all of it\r\nPandas_Extra.Name[b,a] >=1, <2 ; python_version < '4'\n-r more.txt\n-climits.txt\n--pre\n"
        "six \\\n  ==1.17.0\n--prefer-binary\n--index-url https://mirror.example/simple/\n",
        tmp_path,
    )
    assert [one.text for one in found.requirements] == [
        'pandas-extra-name[a,b]<2,>=1; python_version < "4"',
        "rich==13.0",
        "six==1.17.0",
    ]
    assert [one.place.rpartition("/")[2] for one in found.requirements] == [
        "requirements.txt:2",
        "more.txt:1",
        "requirements.txt:6",
    ]
    assert [one.text for one in found.constraints] == ["numpy<2"]
    assert found.prereleases


def test_hashes_are_kept_and_are_for_all_or_none(tmp_path: Path) -> None:
    found = read(f"six==1.0 \\\n --hash={HASH} \\\n --hash={OTHER}\n", tmp_path)
    assert found.hashed
    assert found.requirements[0].sha256 == {"a" * 64, "b" * 64}
    assert problems(f"six==1.0 --hash={HASH}\nrich==1.0\n", tmp_path) == [
        "requirements.txt:2: rich: has no --hash, and others have one: as for pip, all or none"
    ]
    assert "64 digits" in problems("six==1.0 --hash=sha256:abc\n", tmp_path)[0]
    assert "no sha256" in problems(f"six==1.0 --hash=sha512:{'a' * 128}\n", tmp_path)[0]


def test_a_url_is_a_wheel_with_its_hash() -> None:
    url = f"https://files.example/six-1.0-py3-none-any.whl#sha256={'a' * 64}"
    assert asked(f"six @ {url}").requirements[0].text == f"six @ {url}"


REFUSED = {
    "-e .": "the content of a directory can change",
    "--editable=git+https://example/x": "the content of a directory can change",
    "git+https://example/x#egg=x": "a repository is not a file",
    "x @ git+ssh://git@example/x": "a repository is not a file",
    "./x.whl": "a path may be another file",
    "/etc/passwd": "a path may be another file",
    "x @ file:///tmp/x-1-py3-none-any.whl": "a path may be another file",
    "https://example/x-1-py3-none-any.whl": "a URL without a name",
    "x @ https://example/x-1-py3-none-any.whl": "#sha256=",
    f"x @ http://example/x-1-py3-none-any.whl#sha256={'a' * 64}": "to begin with https",
    f"x @ https://u:topsecret@example/x-1-py3-none-any.whl#sha256={'a' * 64}": "contains credentials",
    f"y @ https://example/x-1-py3-none-any.whl#sha256={'a' * 64}": "a wheel of x",
    f"x @ https://example/x-1.tar.gz#sha256={'a' * 64}": "not that of a wheel",
    "--index-url https://user:topsecret@evil.example/simple": "site.yaml",
    "--extra-index-url=https://evil.example/simple": "site.yaml",
    "-i https://evil.example": "site.yaml",
    "--find-links https://evil.example": "site.yaml",
    "--trusted-host evil.example": "site.yaml",
    "--no-index": "site.yaml",
    "--no-binary :all:": "only wheels",
    "--index-ulr https://mirror.example": "did you mean --index-url?",
    "x --global-option=--evil": "run or configure",
    "x --config-settings=a=b": "run or configure",
    "x; $(touch /tmp/owned)": "not a requirement",
    "x && touch /tmp/owned": "not a requirement",
    "`id`": "not a requirement",
    "x==${VERSION}": "another value on another machine",
    "paquet\u00e9": "not a requirement",
    "x\u202ey": "control character",
    "x\x1b[2J": "control character",
    "-r ../other.txt": "outside the source directory",
    "-r /etc/passwd": "expected a relative path",
    "-r https://example/r.txt": "expected a relative path",
    "-c ../../limits.txt": "outside the source directory",
    "-r gone.txt": "no such file",
    "-r .": "not a file",
    "x" * 3000: "3,000 characters",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_refused(line: str, tmp_path: Path) -> None:
    found = problems(f"six\n{line}\n", tmp_path)
    assert len(found) == 1
    assert REFUSED[line] in found[0]
    assert "topsecret" not in found[0]
    assert found[0].startswith("requirements.txt:2: ")


def test_all_problems_at_once(tmp_path: Path) -> None:
    assert (
        len(problems("\n".join(line for line in REFUSED if "\x1b" not in line and "\u202e" not in line), tmp_path))
        == len(REFUSED) - 2
    )


def test_links_out_of_the_directory_are_refused(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text("six\n", "utf-8")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert "outside the source directory" in problems("-r link.txt\n", inside)[0]


def test_a_file_outside_the_source_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="outside the source directory"):
        read("six\n", tmp_path, source_directory=tmp_path / "in")


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r requirements.txt\nrich\n", "utf-8")
    assert [one.text for one in read("-r a.txt\nsix\n", tmp_path).requirements] == ["rich", "six"]


def test_a_pipe_a_huge_file_and_bytes_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "huge.txt").write_bytes(b"#" * 1_100_000)
    (tmp_path / "bytes.txt").write_bytes(b"six\xff\n")
    found = problems("-r pipe.txt\n-r huge.txt\n-r bytes.txt\n", tmp_path)
    assert [line.rpartition(": ")[2][:10] for line in found] == ["not a file", "larger tha", "not UTF-8 "]


@pytest.mark.parametrize(
    "package", ["-rsecrets.txt", "six\nrich", "six\x00", "--index-url=https://evil.example", "", " "]
)
def test_a_package_of_the_command_line_is_one_requirement(package: str) -> None:
    with pytest.raises(InputError):
        asked(package)


@pytest.mark.parametrize("name", ["UPPER", "-x", "a b", "a:b", "../x", "x" + "\n"])
def test_a_name_is_a_repository(name: str) -> None:
    with pytest.raises(InputError, match="repository"):
        wanted(Request(base="x", pip_packages=("six",), name=name), lambda: SITE)


def test_nothing_asked_is_a_mistake() -> None:
    with pytest.raises(InputError, match="nothing is asked for"):
        asked()


def test_a_request_is_not_changed() -> None:
    packages = ["Six"]
    wanted(Request(base="x", pip_packages=packages), lambda: SITE)  # type: ignore[arg-type]
    assert packages == ["Six"]


def conda(text: str, directory: Path, *channels: str) -> ParsedRequest:
    file = directory / "environment.yml"
    file.write_text(text, "utf-8")
    return wanted(Request(base="x", conda_dependencies_file=file, channels=channels), lambda: SITE)


def test_a_file_of_conda(tmp_path: Path) -> None:
    found = conda(
        "name: mine\nchannels: [conda-forge, file:///srv/channel]\ndependencies:\n"
        "- ffmpeg>=4,<7\n- conda-forge::libsndfile=1.2\n- pip:\n  - six==1.17\n",
        tmp_path,
        "file:///srv/channel",
    )
    assert [one.text for one in found.conda] == ["ffmpeg>=4,<7", "conda-forge::libsndfile=1.2"]
    assert [one.text for one in found.requirements] == ["six==1.17"]
    assert set(found.channels) == {"conda-forge", "file:///srv/channel"}


def test_every_mistake_of_a_file_of_conda_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        conda(
            "nmae: mine\nchannels: [https://evil.example/c]\ndependencies:\n- ffmpeg; rm -rf /\n- pipp: [six]\n"
            "- pip: [-e ., [six]]\n",
            tmp_path,
        )
    found = [line.removeprefix(f"{tmp_path}/environment.yml:") for line in caught.value.problems]
    assert found == [
        "1:7: nmae: unknown key (did you mean name?)",
        "2:12: channels[0]: 'https://evil.example/c': for a channel by URL, pass the same URL as --channel, too",
        "4:3: dependencies[0]: 'ffmpeg; rm -rf /': not a conda package: expected NAME, NAME=VERSION or CHANNEL::NAME>=VERSION",
        "5:9: dependencies[1].pipp: unknown key (did you mean pip?)",
        "5:3: dependencies[1]: the key pip is missing",
        f"{tmp_path}/environment.yml:6:9: dependencies[2].pip[0]: '-e .': an option, not a package: options go into a requirements file".removeprefix(
            f"{tmp_path}/environment.yml:"
        ),
        "6:15: dependencies[2].pip[1]: expected a requirement, found a sequence",
    ]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """A requirement that is taken has no control character, and no more than one line."""
    with suppress(InputError):
        assert all(one.text.isprintable() for one in asked(text).requirements)


@given(st.lists(st.sampled_from(["six", "rich \\", " # a", "\\", "", "-r x", "a\\ # b"])))
def test_every_line_is_in_one_logical_line(lines: list[str]) -> None:
    found = list(logical("\n".join(lines)))
    assert all(1 <= number <= len(lines) for number, _ in found)
    assert sum(line.count("six") for _, line in found) == lines.count("six")
