"""A wrong word on the command line is answered with the one that was meant."""

import pytest

from builder.commands.flags.view import ViewOptions
from builder.commands.parser import VERBS, options


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["biuld"], "there is no verb biuld (did you mean build?): python -m builder --help"),
        (["xyzzy"], "there is no verb xyzzy: python -m builder --help"),
        (["help", "verfy"], "there is no verb verfy (did you mean verify?)"),
        (["build", "--verison", "1.4"], "build takes no --verison 1.4 (did you mean --version?)"),
        (
            ["drift", "--registri=x"],
            "drift takes no --registri=x (did you mean --registry?): python -m builder drift --help",
        ),
        (["list", "1.4"], "list takes no 1.4: python -m builder list --help"),
    ],
)
def test_a_word_that_is_wrong(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        options(words)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["run", "rerun", "runs"])
@pytest.mark.parametrize("words", [["--nope"], ["--runs"]])
def test_a_wrong_flag_is_no_exit_code_of_a_script(
    verb: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        options([verb, *words])
    assert caught.value.code == 125
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("verb", list(VERBS))
def test_help_is_a_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        options(["help", verb])
    assert caught.value.code == 0
    assert f"usage: builder {verb} " in capsys.readouterr().out


def test_a_dash_is_no_file() -> None:
    found = options(["image-info", "--output", "-"])
    assert isinstance(found, ViewOptions)
    assert found.output is None
