"""How an error is told: what happened, and the next step on a line of its own where there is one."""

import pytest

from builder.__main__ import explain
from builder.errors import BuilderError, EngineError, InputError, VerifyError, told, with_hint


def test_the_next_step_has_a_line_of_its_own_or_none() -> None:
    assert told(VerifyError("no", hint="yes")) == "error: no\n  try: yes"
    assert told(VerifyError("no"), "toy:1.0") == "error: toy:1.0: no", "and never `try: None`"
    assert with_hint("a verdict", "yes", indent=4) == "a verdict\n    try: yes"


def test_the_edge_tells_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    explain(InputError(["a.yaml:3: one", "a.yaml:4: two"], hint="correct it"), github=True)
    said = capsys.readouterr()
    annotations = "::error file=a.yaml,line=3::one\n::error file=a.yaml,line=4::two\n"
    assert said.err == f"error: a.yaml:3: one\nerror: a.yaml:4: two\n2 mistakes\n  try: correct it\n{annotations}"
    assert said.out == "", "a step's outputs may be written there"
    explain(BuilderError("no"), github=False)
    assert capsys.readouterr().err == "error: no\n"


def test_a_subject_that_the_error_begins_with_is_named_once() -> None:
    assert told(EngineError("a:1: no such image"), "a:1") == "error: a:1: no such image"
    assert told(EngineError("no such image"), "a:1") == "error: a:1: no such image"
