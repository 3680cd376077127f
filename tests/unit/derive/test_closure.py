"""What is said of a distribution without a wheel to install: the hint fits the reason."""

from pathlib import Path

import pytest
from packaging.tags import parse_tag

from builder.derive.closure import closure, file_of
from builder.derive.request import Asked, Contents, ParsedRequest
from builder.errors import InputError
from builder.host.site import Site
from tests.support.promises import promised
from tests.support.wheels import write_wheel

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


@pytest.mark.parametrize(
    ("asked", "prereleases", "versions"),
    [
        ("toy", False, None),
        ("needs", False, None),
        ("toy==0.3.1.dev5", False, ["0.3.1.dev5"]),
        ("toy", True, ["0.3.1.dev5"]),
    ],
)
def test_a_pre_release_is_taken_only_when_it_is_asked_for(
    tmp_path: Path, asked: str, prereleases: bool, versions: list[str] | None
) -> None:
    write_wheel(tmp_path, "toy", "0.3.1.dev5")
    write_wheel(tmp_path, "needs", "1.0", requires="toy")
    promise = promised()
    held = Contents(
        digest="", promise=promise, python="3.11.2", glibc="2.36", distributions={}, site_packages="/opt/env"
    )
    request = ParsedRequest(requirements=(Asked(text=asked, place="-"),), prereleases=prereleases)
    site = Site(find_links=(tmp_path,), pip_index_url=(tmp_path / "index").as_uri())
    if versions is None:
        with pytest.raises(InputError, match="no versions satisfy"):
            closure(request, held, site)
    else:
        assert [one.version for one in closure(request, held, site)] == versions
