"""The command line of a run, the environment of its container, and the name its image is pulled by."""

from pathlib import Path

import pytest

from builder.commands.flags.train import RunOptions
from builder.commands.parser import options
from builder.training.images.engine_image import full_name, refused
from builder.training.local.containers import User, variables
from builder.training.request.argument_types import ContainerRegistry
from builder.training.request.distribution import Topology
from builder.training.request.plan import RunImage, RunPlan, Snapshot
from builder.training.request.run_request import CustomImage


def parsed(*words: str) -> RunOptions:
    found = options(["run", "--entry=train.py", *words])
    assert isinstance(found, RunOptions)
    return found


def test_what_follows_the_dashes_is_the_scripts() -> None:
    found = parsed("--version", "1.6", "--gpu", "--", "--version", "", "--", "-e", "$(id)")
    assert (found.version, found.use_gpu) == ("1.6", True)
    assert found.arguments == ("--version", "", "--", "-e", "$(id)")


def test_variables_come_from_the_line_or_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "a=b")
    assert parsed("-e", "A=1=2", "-e", "B=", "--env", "FROM_HERE").environment == (
        *(("A", "1=2"), ("B", ""), ("FROM_HERE", "a=b")),
    )


def test_files_of_variables_are_read_as_docker_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "a=b")
    monkeypatch.delenv("NOT_THERE", raising=False)
    lines = [
        "# what this is",
        "",
        "A=1",
        "  B=two words ",
        'C="quoted"',
        "FROM_HERE",
        "NOT_THERE",
        "D=",
        "E=a=b#c",
        "\t#",
    ]
    (tmp_path / "one.env").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    (tmp_path / "two.env").write_text("A=2\nF=\u00fc\x0bx\n")
    found = parsed(f"--env-file={tmp_path}/one.env", "-e", "B=3", "--env-file", f"{tmp_path}/two.env")
    assert found.environment == (("B", "3"),)
    one = {"A": "1", "B": "two words ", "C": '"quoted"', "FROM_HERE": "a=b", "D": "", "E": "a=b#c"}
    assert list(map(dict, found.env_files)) == [one, {"A": "2", "F": "\u00fc\x0bx"}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A=1\nexport B=2\n", ".env:2: 'export B=2' is not"),
        ("=1", ".env:1: "),
        ("a b", ".env:1: "),
        ("A =1", ".env:1: "),
    ],
)
def test_a_line_that_is_no_variable_is_named(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(SystemExit):
        parsed("--env-file", str(tmp_path / ".env"))
    assert says in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parsed("--env-file", str(tmp_path / "none"))
    assert "none: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-e", "NOT_THERE"], ["-e", "=1"], ["--input", "x"], ["--mpi", "--gloo"]])
def test_wrong_flags_are_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*words)
    assert caught.value.code == 125
    assert words[0].strip("-") in capsys.readouterr().err


def plan(**values: object) -> RunPlan:
    given = {
        "image": RunImage(reference="i", digest="sha256:0", user="1000:1000"),
        "snapshot": Snapshot(sha256="0", files=1, size=1, path="/s"),
        "command": ("python", "s.py"),
        **values,
    }
    return RunPlan(**given)  # type: ignore[arg-type]


def test_the_callers_variables_come_last() -> None:
    mine = variables(plan(environment=(("PYTHONUNBUFFERED", "0"),)), User(words=None, uid=1000), {})
    assert mine == {"PYTHONUNBUFFERED": "0"}


def test_a_user_whom_the_image_does_not_know_has_a_home_and_a_name() -> None:
    found = variables(plan(), User(words="501:20", uid=501), {})
    assert (found["HOME"], found["USER"]) == ("/tmp", "trainer")


def test_mpi_may_start_more_processes_than_cores() -> None:
    found = variables(plan(topology=Topology(backend="mpi", processes_per_node=9)), User(words=None, uid=0), {})
    assert found["OMPI_MCA_rmaps_base_oversubscribe"] == "1"


@pytest.mark.parametrize(
    ("reference", "address", "name"),
    [
        ("team/image:1", None, "team/image:1"),
        ("team/image:1", "registry.example", "registry.example/team/image:1"),
        ("team/image:1", "https://registry.example/", "registry.example/team/image:1"),
        ("registry.example/image", "registry.example", "registry.example/image"),
        ("image@sha256:" + "0" * 64, "r:5000", "r:5000/image@sha256:" + "0" * 64),
    ],
)
def test_the_address_stands_before_the_image_once(reference: str, address: str | None, name: str) -> None:
    registry = ContainerRegistry(address=address) if address else None
    assert full_name(CustomImage(reference=reference, registry=registry)) == name


@pytest.mark.parametrize(
    ("reference", "login"),
    [
        ("r.example/a:1", "docker login r.example"),
        ("localhost:5000/a", "docker login localhost:5000"),
        ("team/a:1", "docker login "),
    ],
)
def test_who_may_not_pull_is_told_to_log_in(reference: str, login: str) -> None:
    assert refused(reference, "unauthorized", CustomImage(reference=reference)).hint == login.strip()
    known = CustomImage(reference=reference, registry=ContainerRegistry(username="me", password="x"))
    assert "image_registry_details" in str(refused(reference, "denied", known).hint)


def test_the_device_is_said_as_in_every_verb() -> None:
    assert [parsed(*words).use_gpu for words in ((), ("--cpu",), ("--gpu",))] == [False, False, True]
    with pytest.raises(SystemExit):
        parsed("--cpu", "--gpu")
