"""What expressions of workflows mean, and which ones are refused."""

import pytest

from tests.runner.expressions import RefusedError, Scope, condition, evaluated, interpolated

CONTEXTS = {
    "github": {"repository": "Owner/images", "event_name": "push"},
    "needs": {"plan": {"result": "success", "outputs": {"matrix": '{"include":[]}', "none": ""}}},
    "matrix": {"name": "it's", "of": [1, 2]},
}
SCOPE = Scope(contexts=CONTEXTS)
FAILED = Scope(contexts=CONTEXTS, succeeded=False)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.repository", "Owner/images"),
        ("'it''s'", "it's"),
        ("matrix.name == 'IT''S'", True),
        ("github.event_name != 'push'", False),
        ("needs.plan.outputs.none || 'else'", "else"),
        ("needs.plan.outputs.none && 'never'", ""),
        ("true && false || 'last'", "last"),
        ("!(needs.plan.result == 'failure')", True),
        ("!cancelled() && needs.plan.result == 'success'", True),
        ("fromJSON(needs.plan.outputs.matrix)", {"include": []}),
        ("null", None),
        ("success()", True),
    ],
)
def test_a_value(expression: str, value: object) -> None:
    assert evaluated(expression, SCOPE) == value


@pytest.mark.parametrize(
    "expression",
    [
        "secrets.TOKEN",
        "needs.image.result",
        "needs.plan.outputs.other",
        "hashFiles('a')",
        "contains('a', 'b')",
        "github.repository > 'a'",
        "matrix.of[0]",
        "needs.*.result",
        "github.repository github.event_name",
        "github.repository ==",
        "(true",
        "'open",
        "true == 'true'",
        "1",
        "",
    ],
)
def test_what_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(RefusedError):
        evaluated(expression, SCOPE)


def test_texts_with_expressions_in_them() -> None:
    text = "a ${{ github.repository }} and ${{github.event_name == 'push'}}"
    assert interpolated(text, SCOPE) == "a Owner/images and true"
    for wrong in ("${{ github.repository", "${{ null }}", "${{ matrix.of }}"):
        with pytest.raises(RefusedError):
            interpolated(wrong, SCOPE)


@pytest.mark.parametrize(
    ("text", "after_success", "after_failure"),
    [
        ("", True, False),
        ("needs.plan.result == 'success'", True, False),
        ("${{ needs.plan.result == 'success' }}", True, False),
        ("${{ !cancelled() && needs.plan.result == 'success' }}", True, True),
        ("always()", True, True),
        ("failure()", False, True),
        ("needs.plan.outputs.none", False, False),
    ],
)
def test_a_condition_without_a_status_holds_after_success_alone(
    text: str, *, after_success: bool, after_failure: bool
) -> None:
    assert (condition(text, SCOPE), condition(text, FAILED)) == (after_success, after_failure)
