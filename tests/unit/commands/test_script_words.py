"""Whose a word of the command line of `run` is, with and without `--`."""

import pytest

from builder.commands.flags.train import RunOptions
from builder.commands.parser import options
from builder.commands.run import entry, target
from builder.errors import InputError
from builder.training.request.argument_types import Prompt


def parsed(*words: str) -> RunOptions:
    found = options(["run", *words])
    assert isinstance(found, RunOptions)
    return found


@pytest.mark.parametrize(
    ("words", "theirs"),
    [
        (["--entry=train.py", "--lr", "0.1", "--epochs=3"], ("--lr", "0.1", "--epochs=3")),
        (["--entry", "train.py", "--lr", "0.1", "--gpu"], ("--lr", "0.1")),
        (["--gpu", "--entry", "train.py", "data", "--memory", "8g", "-k", "more"], ("data", "-k", "more")),
        (["-m", "package.train", "--lr", "-1", "-3.5"], ("--lr", "-1", "-3.5")),
        (["--module=package.train", "-lr"], ("-lr",)),
        (["--entry=t.py", "--lr", "1", "--", "--gpu", "--", "x"], ("--lr", "1", "--gpu", "--", "x")),
        (["--entry=t.py", "--verison-of-data", "--", "--verison"], ("--verison-of-data", "--verison")),
        (["--entry=t.py", "-eA=1", "-e", "B=2", "-vn", ""], ("-vn", "")),
        (["--entry=t.py", "-"], ("-",)),
        (["--entry=t.py"], ()),
        (["--entry=t.py", "--"], ()),
    ],
)
def test_after_the_entry_what_is_no_flag_of_ours_is_the_scripts(words: list[str], theirs: tuple[str, ...]) -> None:
    assert parsed(*words).arguments == theirs


def test_our_flags_are_ours_wherever_they_stand_before_the_dashes() -> None:
    found = parsed(
        "--entry=t.py", "--lr", "1", "--gpu", "--memory", "8g", "-eA=1", "--env", "B=2", "--", "--nodes", "2"
    )
    assert (found.use_gpu, found.memory, found.nodes) == (True, "8g", 1)
    assert found.environment == (("A", "1"), ("B", "2"))
    assert found.arguments == ("--lr", "1", "--nodes", "2")


def test_a_module_is_no_entry() -> None:
    found = parsed("-m", "package.train")
    assert (found.module, found.entry) == ("package.train", None)


@pytest.mark.parametrize(
    ("words", "program"),
    [(["--shell"], "bash"), (["--shell", "--gpu"], "bash"), (["--shell=python"], "python"), (["--shell", "sh"], "sh")],
)
def test_a_prompt_is_in_place_of_a_script(words: list[str], program: str) -> None:
    found = parsed(*words)
    assert (found.shell, found.entry, found.arguments) == (program, None, ())
    assert entry(found) == Prompt(program)


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["--nodes=2", "--gloo"], "--nodes"),
        (["--gloo"], "--gloo"),
        (["--detach"], "--detach"),
        (["--max-duration=1h"], "--max-duration"),
        (["--target=kubernetes"], "--target kubernetes"),
        (["--export=azureml", "--compute=c"], "--export"),
        (["--resume-from=/etc"], "--resume-from"),
        (["--", "x"], "an argument of a script"),
    ],
)
def test_what_means_nothing_at_a_prompt_is_refused(words: list[str], flag: str) -> None:
    with pytest.raises(InputError, match=f"{flag} means nothing beside --shell"):
        target(parsed("--shell", *words))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--shell", "--lr", "1"], "run takes no --lr"),
        (["--shell", "--entry=t.py"], "not allowed with argument"),
        (["--entry=t.py", "--verison", "1.6"], "run takes no --verison (did you mean --version?); what follows -- is"),
        (["--entry=t.py", "--gpus=all"], "run takes no --gpus (did you mean --gpu?)"),
        (["--entry=t.py", "--shm_size=1g"], "run takes no --shm_size (did you mean --shm-size?)"),
        (["--lr", "0.1", "--entry=t.py"], "run takes no --lr"),
        (["--entry=t.py", "-m", "package"], "not allowed with argument --entry"),
        (["train.py"], "one of the arguments --entry -m/--module --shell is required"),
        (["--entry"], "argument --entry: expected one argument"),
        (["--entry=t.py", "--memory"], "argument --memory: expected one argument"),
    ],
)
def test_what_is_hardly_meant_for_the_script_is_refused(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*words)
    assert caught.value.code == 125
    assert says in capsys.readouterr().err
