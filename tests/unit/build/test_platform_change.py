"""A rolling tag that is on another platform's image: the plan says it, and nothing moves it without the flag."""

from dataclasses import replace

import pytest

from builder.build.fingerprint import Inputs, fingerprint, inputs_of, label
from builder.build.plan import Existing, Wanted, plan
from builder.build.platform_change import FLAG, refuse
from builder.errors import InputError
from builder.matrix.tags import Tags

ROLLING = ("1.6-cpu", "1.6.0-cpu")
SAID = tuple(
    f"pytorch:{tag} moves from the image of ubuntu16.04, sha256:{'b' * 12}, to that of debian12" for tag in ROLLING
)


def inputs(platform: str) -> Inputs:
    base = f"sha256:{platform}"
    return inputs_of(
        files={"Dockerfile": "FROM base"}, row="", pins={}, platform=platform, base=base, toolchain=base, stages={}
    )


def wanted(platform: str) -> Wanted:
    made = inputs(platform)
    mark = fingerprint(made)
    tags = Tags(repository="pytorch", immutable=f"1.6.0-cpu-{platform}-{mark[:8]}", rolling=ROLLING)
    name = f"pytorch/1.6.0-cpu-{platform}"
    return Wanted(name=name, fingerprint=mark, inputs=made, checks="checks", tags=tags, platform=platform)


def image(one: Wanted, digit: str, references: tuple[str, ...]) -> Existing:
    return Existing(
        digest=f"sha256:{digit * 64}",
        cell=one.name,
        fingerprint=one.fingerprint,
        label=label(one.inputs),
        references=references,
        created=1,
        platform=one.platform,
        verified=frozenset(["checks"]),
    )


DEBIAN, UBUNTU = wanted("debian12"), wanted("ubuntu16.04")
OTHER = image(UBUNTU, "b", UBUNTU.tags.references)


def test_a_build_that_would_take_the_tags_says_so() -> None:
    (found,) = plan([DEBIAN], [OTHER])
    assert (found.action, found.reasons[-2:]) == ("build", SAID)
    with pytest.raises(InputError) as caught:
        refuse(found.platform_changes)
    assert caught.value.problems == tuple(f"not without {FLAG}: {one}" for one in SAID)
    assert FLAG in str(caught.value.hint)


@pytest.mark.parametrize(("verified", "action"), [(frozenset(["checks"]), "re-tag"), (frozenset[str](), "re-verify")])
def test_so_does_whatever_else_tags(verified: frozenset[str], action: str) -> None:
    mine = replace(image(DEBIAN, "a", (f"pytorch:{DEBIAN.tags.immutable}",)), verified=verified)
    (found,) = plan([DEBIAN], [mine, OTHER])
    assert (found.action, found.reasons[-2:], len(found.platform_changes)) == (action, SAID, 2)


def test_its_own_tags_and_those_of_an_image_that_says_nothing_move_as_ever() -> None:
    before = image(DEBIAN, "a", DEBIAN.tags.references[1:])
    for holder in (before, replace(before, platform="")):
        (found,) = plan([DEBIAN], [replace(holder, fingerprint="0")])
        assert (found.action, found.platform_changes) == ("build", ())
    refuse(())


def test_what_is_there_already_is_no_change() -> None:
    (found,) = plan([UBUNTU], [OTHER])
    assert (found.action, found.platform_changes) == ("skip", ())
