"""What is said of a distribution without a wheel to install: the hint fits the reason."""

import pytest
from packaging.tags import parse_tag

from builder.derive.closure import file_of
from builder.derive.request import Asked, ParsedRequest
from builder.errors import InputError

RANKS = dict.fromkeys(parse_tag("py3-none-any"), 0)
WHEEL = {"url": "https://index/toy-1.0-py3-none-any.whl", "hashes": {"sha256": "a" * 64}}


def refused(package: dict[str, object], sha256: frozenset[str] = frozenset()) -> InputError:
    request = ParsedRequest(requirements=(Asked(text="toy", place="requirements.txt:1", sha256=sha256),))
    with pytest.raises(InputError) as caught:
        file_of("toy", "1.0", package, request, RANKS)
    return caught.value


def test_no_wheel_for_this_python_is_no_matter_of_hashes() -> None:
    found = refused({"wheels": []})
    assert found.message == ("requirements.txt:1: toy 1.0: none of its wheels is for the Python and glibc of the image")
    assert found.hint == "the same command with another version of toy"


def test_a_wheel_with_another_hash() -> None:
    found = refused({"wheels": [WHEEL]}, frozenset({"b" * 64}))
    assert found.message == "requirements.txt:1: toy 1.0: has none of the hashes listed for it"
    assert "hash" in str(found.hint)
