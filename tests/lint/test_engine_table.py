"""The page's table of engines has every verb that uses one, and every kind of engine that a test starts."""

from builder.commands.parser import VERBS
from tests.support.engine_table import WORDS, table
from tests.support.engines import KINDS

WITHOUT = {"list", "validate", "render", "lock", "fetch", "promote", "drift", "ci", "scan", "verify-published"}
OF_OTHERS = {"nightly"}
"""A verb that runs `build` and `push`."""


def test_each_verb_that_uses_an_engine_has_a_row() -> None:
    assert set(table()) == VERBS.keys() - WITHOUT - OF_OTHERS


def test_each_kind_of_engine_has_a_column_of_words_that_the_test_knows() -> None:
    for verb, row in table().items():
        assert list(row) == list(KINDS), verb
        assert set(row.values()) <= WORDS, verb
