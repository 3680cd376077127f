"""What an image says of itself chooses no path and no argument on this host."""

import copy
from typing import Any

import pytest

from builder.derive import contents
from builder.derive.contents import limit, parsed
from builder.errors import InputError
from tests.support.corpus import cases
from tests.support.promises import promised

DIGEST = f"sha256:{'1' * 64}"
GOOD = {
    "python": "3.11.2",
    "glibc": "2.36",
    "site_packages": "/opt/env/lib/python3.11/site-packages",
    "distributions": [["six", "1.17.0", ["torch==1.6.0"], ">=3"]],
    "conda": ['{"name": "x264", "version": "1!161", "build": "h166bdaf_2"}'],
}


def with_value(path: str, value: object) -> Any:
    found: Any = copy.deepcopy(GOOD)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    inner = found
    for part in parents:
        inner = inner[part]
    inner[last] = value
    return found


@pytest.mark.parametrize("case", cases("contents"))
def test_it_is_refused_in_one_line(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "remembered", lambda *_: None)
    monkeypatch.setattr(contents, "promise", lambda _: promised())
    monkeypatch.setattr(contents, "printed", lambda *_: with_value(case["path"], case["value"]))
    client: Any = None
    with pytest.raises(InputError, match="does not say what it holds") as caught:
        contents.contents(client, {"Id": DIGEST})
    assert caught.value.message.isprintable()


def test_what_an_image_of_ours_says_is_read() -> None:
    held = parsed(DIGEST, promised(), GOOD)
    assert held.distributions["six"].requires == ("torch==1.6.0",)
    assert held.conda == tuple(GOOD["conda"])


@pytest.mark.parametrize("said", [">=3\nRequires-Dist: evil", "evil", "\x1b[2J", ">=3; evil", "\u202e"])
def test_a_limit_on_python_is_no_further_line_of_metadata(said: str) -> None:
    assert limit(said) == ""
