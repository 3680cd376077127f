"""What is decided for a cell, and why: every action, every reason, and the same answer for the same question."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.build.changes import REBASE, UNEXPLAINED, changes
from builder.build.fingerprint import LABEL_LIMIT, Inputs, fingerprint, inputs_of, label, parse
from builder.build.plan import FIRST, NO_ENGINE, UNKNOWN, Decision, Existing, Wanted, plan
from builder.matrix.tags import Tags

FILES = {
    "Dockerfile": 'FROM base\nRUN make\nLABEL framework-images.row="ROW"\n',
    "requirements/rest.txt": "six==1.16 --hash=sha256:00\ntorchvision==0.6.0 --hash=sha256:01\n",
    "packages/runtime.txt": "git\ngcc=12\n",
}
CELL = "pytorch/1.6.0-gpu-debian12"


def made(
    files: dict[str, str] | None = None,
    row: str = '"ROW"',
    base: str = "sha256:1a1a1a1a1a1a",
    torchvision: str = "0.6.0",
    platform: str = "debian12/amd64",
    stages: dict[str, str] | None = None,
    toolchain: str = "sha256:1a1a1a1a1a1a",
) -> Inputs:
    return inputs_of(
        files={**FILES, **(files or {})},
        row=row,
        pins={"torch": "1.6.0", "torchvision": torchvision},
        platform=platform,
        base=base,
        toolchain=toolchain,
        stages=stages or {},
    )


OLD = made()


def wanted(inputs: Inputs = OLD, checks: str = "checks-1", cell: str = CELL, platform: str = "debian12") -> Wanted:
    mark = fingerprint(inputs)
    tags = Tags(repository="pytorch", immutable=f"1.6.0-gpu-{mark[:8]}", rolling=("1.6-gpu",))
    return Wanted(name=cell, fingerprint=mark, inputs=inputs, checks=checks, tags=tags, platform=platform)


def image(one: Wanted, digest: str = "sha256:aa", *, verified: tuple[str, ...] = ("checks-1",)) -> Existing:
    return Existing(
        digest=digest,
        cell=one.name,
        fingerprint=one.fingerprint,
        label=label(one.inputs),
        references=one.tags.references,
        created=1,
        platform=one.platform,
        size=7,
        verified=frozenset(verified),
    )


def decided(one: Wanted, *existing: Existing) -> tuple[str, tuple[str, ...]]:
    found = plan([one], existing)[0]
    return found.action, found.reasons


MOVED = made(
    {"requirements/rest.txt": FILES["requirements/rest.txt"].replace("0.6.0", "0.7.0")}, "R2", torchvision="0.7.0"
)
REASONS = {
    "pin": (
        replace(MOVED, files={**MOVED.files, "Dockerfile": OLD.files["Dockerfile"]}),
        ("torchvision 0.6.0 → 0.7.0",),
    ),
    "base": (made(base="sha256:2b2b2b2b2b2b"), ("base sha256:1a1a1a1a… → 2b2b2b2b…", REBASE)),
    "both bases": (
        made(base="sha256:2b2b2b2b2b2b", toolchain="sha256:2b2b2b2b2b2b"),
        ("base sha256:1a1a1a1a… → 2b2b2b2b…", "toolchain base sha256:1a1a1a1a… → 2b2b2b2b…"),
    ),
    "base not made": (made(base=""), ("its base is not made yet",)),
    "template": (made({"Dockerfile": "FROM base\n"}), ("templates changed (Dockerfile)",)),
    "new file": (made({"conda/environment.txt": "python=3.6.2\n"}), ("templates changed (conda/environment.txt)",)),
    "locked": (
        made({"requirements/rest.txt": "six==1.17 --hash=sha256:02\ntorchvision==0.6.0 --hash=sha256:01\n"}),
        ("requirements/rest.txt: six 1.16 → 1.17",),
    ),
    "other files": (
        made({"requirements/rest.txt": FILES["requirements/rest.txt"].replace("00", "ff")}),
        ("requirements/rest.txt: other files of the same versions",),
    ),
    "packages": (
        made({"packages/runtime.txt": "git\ngcc=13\nwget\n"}),
        ("packages/runtime.txt: gcc 12 → 13, wget added",),
    ),
    "stage": (made(stages={"python": "1" * 64}), ("python now from the site: 11111111…",)),
    "platform": (made(platform="debian12/arm64"), ("platform debian12/amd64 → debian12/arm64",)),
    "row": (made({"Dockerfile": FILES["Dockerfile"].replace("ROW", "R2")}, '"R2"'), ("the row changed",)),
}


@pytest.mark.parametrize("name", REASONS)
def test_a_build_says_what_changed(name: str) -> None:
    new, reasons = REASONS[name]
    assert fingerprint(new) != fingerprint(OLD)
    assert decided(wanted(new), image(wanted())) == ("build", reasons)


def test_a_stage_of_the_site_that_changed_or_went() -> None:
    one, other = made(stages={"python": "1" * 64}), made(stages={"python": "2" * 64})
    assert changes(one, other) == ("python from the site: 11111111… → 22222222…",)
    assert changes(one, OLD) == ("python no longer from the site",)
    assert changes(OLD, OLD) == (UNEXPLAINED,)


def test_many_changes_in_a_list_are_counted() -> None:
    many = "".join(f"name{number}==1 --hash=sha256:00\n" for number in range(10))
    (reason,) = changes(OLD, made({"requirements/rest.txt": FILES["requirements/rest.txt"] + many}))
    assert reason.endswith("name4 1 added, 5 more")


def test_every_other_decision() -> None:
    one = wanted()
    good = image(one)
    assert decided(one, good) == ("skip", ("unchanged",))
    assert decided(one) == ("build", (FIRST,))
    assert plan([one], None) == [Decision(name=CELL, action="build", reasons=(NO_ENGINE,))]
    assert decided(one, replace(good, verified=frozenset())) == ("re-verify", ("built, and not verified on this host",))
    assert decided(wanted(checks="checks-2"), good) == ("re-verify", ("checks changed",))
    assert decided(one, replace(good, references=())) == (
        "re-tag",
        tuple(f"{reference} is missing" for reference in one.tags.references),
    )
    rolled = replace(good, digest="sha256:bb", fingerprint="0", references=one.tags.references[1:])
    assert decided(one, replace(good, references=one.tags.references[:1]), rolled) == (
        "re-tag",
        ("pytorch:1.6-gpu is on sha256:bb",),
    )
    found = plan([one], [good])[0]
    assert (found.image, found.size) == ("sha256:aa", 7)


@pytest.mark.parametrize("text", [None, "no json", "[]", "{}", '{"schema":2}', '{"schema":1,"pins":3}', "[" * 99_999])
def test_a_label_that_cannot_be_read_is_said(text: str | None) -> None:
    old = replace(image(wanted()), label=text, fingerprint="0")
    action, (reason,) = decided(wanted(), old)
    assert action == "build"
    assert reason.startswith(f"{UNKNOWN} (sha256:aa: it")


def test_the_newest_image_of_the_cell_is_compared() -> None:
    older = image(wanted(made(base="sha256:0000000000")), "sha256:cc")
    newer = replace(image(wanted(made(base="sha256:3c3c3c3c3c3c"))), created=2)
    assert decided(wanted(), newer, older) == ("build", ("base sha256:3c3c3c3c… → 1a1a1a1a…", REBASE))


def test_an_image_from_ours_is_not_ours() -> None:
    """It inherits every label; its tags are its maker's, and nobody verified it."""
    one = wanted()
    derived = replace(image(one, "sha256:dd", verified=()), references=("somebody/app:1",), created=9)
    assert plan([one], [image(one), derived])[0].image == "sha256:aa"
    action, (reason,) = decided(one, derived)
    assert (action, reason) == ("build", "sha256:dd repeats the labels of a build and is none")


def test_an_untagged_image_of_another_time_was_committed() -> None:
    one = wanted()
    committed = replace(image(one, "sha256:dd", verified=()), references=(), at_epoch=False)
    assert decided(one, committed)[0] == "build"
    assert plan([one], [image(one), committed])[0].image == "sha256:aa"


def test_among_equal_images_the_tagged_one_is_kept() -> None:
    one = wanted()
    again = replace(image(one, "sha256:ee"), references=(), created=5)
    assert plan([one], [image(one), again])[0].image == "sha256:aa"


def test_what_is_made_from_an_untagged_image_is_younger() -> None:
    one = wanted()
    killed = replace(image(one, verified=()), references=())
    derived = replace(killed, digest="sha256:00", created=2)
    assert plan([one], [derived, killed])[0].image == "sha256:aa"


def test_only_a_moved_base_alone_is_a_rebase() -> None:
    moved = made(base="sha256:2b2b2b2b2b2b")
    assert plan([wanted(moved)], [image(wanted())])[0].rebase
    assert not plan([wanted(replace(moved, toolchain="sha256:2b2b2b2b2b2b"))], [image(wanted())])[0].rebase
    assert not plan([wanted(replace(moved, platform="debian13/amd64"))], [image(wanted())])[0].rebase
    assert not plan([wanted(moved)], [])[0].rebase


def test_a_label_without_a_toolchain_base_means_the_base() -> None:
    text = label(OLD).replace(f',"toolchain":"{OLD.toolchain}"', "")
    assert "toolchain" not in text
    assert parse(text) == OLD


def test_a_base_that_is_not_made_matches_no_image() -> None:
    nothing = replace(image(wanted()), fingerprint="")
    assert decided(wanted(made(base="")), nothing)[0] == "build"
    assert decided(wanted(made(base=""))) == ("build", (FIRST, "its base is not made yet"))


def test_what_registries_have_is_not_built() -> None:
    """Unless its fingerprint is another; then it says what has changed, where the engine has no image of the cell."""
    there = replace(image(wanted()), references=("ghcr.io/a/pytorch:1.6.0-gpu-x",), verified=frozenset())
    for found in (plan([wanted()], None, [there])[0], plan([wanted()], [], [there])[0]):
        assert (found.action, found.reasons) == ("skip", ("published as ghcr.io/a/pytorch:1.6.0-gpu-x",))
        assert (found.image, found.published) == (there.digest, there.references)
    assert "torchvision 0.6.0 → 0.7.0" in plan([wanted(MOVED)], [], [there])[0].reasons
    assert plan([wanted(MOVED)], None, [there])[0].reasons == (NO_ENGINE,)
    assert plan([wanted()], [image(wanted(), verified=())], [there])[0].action == "re-verify"
    assert plan([wanted()], [], [replace(there, fingerprint="")])[0].action == "build"


VALUES = st.sampled_from(["", "1", "2"])
INPUTS = st.builds(
    Inputs,
    platform=VALUES,
    base=VALUES,
    toolchain=VALUES,
    pins=st.dictionaries(st.sampled_from("abc"), VALUES),
    files=st.dictionaries(st.sampled_from(["Dockerfile", "row", "requirements/rest.txt"]), VALUES),
    stages=st.dictionaries(st.sampled_from("xy"), VALUES),
    lists=st.dictionaries(st.just("requirements/rest.txt"), st.dictionaries(st.sampled_from("ab"), VALUES)),
)


@given(st.lists(st.tuples(INPUTS, VALUES), max_size=5), INPUTS, st.integers())
def test_the_plan_does_not_depend_on_order_and_always_has_a_reason(
    built: list[tuple[Inputs, str]], inputs: Inputs, seed: int
) -> None:
    existing = [
        image(wanted(one, checks), f"sha256:{number}", verified=(checks,) if checks else ())
        for number, (one, checks) in enumerate(built)
    ]
    mixed = random.Random(seed).sample(existing, len(existing))
    first = plan([wanted(inputs)], existing)
    assert first == plan([wanted(inputs)], mixed)
    assert all(first[0].reasons)
    assert first[0].reasons
    assert (first[0].image is None) == (first[0].action == "build")


@given(INPUTS)
def test_a_label_says_the_inputs(inputs: Inputs) -> None:
    assert parse(label(inputs)) == inputs
    assert "\n" not in label(inputs)


def test_a_long_label_leaves_the_lists_out() -> None:
    many = "".join(f"distribution-{number}==1.0 --hash=sha256:00\n" for number in range(2000))
    inputs = made({"requirements/rest.txt": many})
    assert len(label(inputs)) < LABEL_LIMIT
    assert parse(label(inputs)) == replace(inputs, lists={})
    assert fingerprint(parse(label(inputs))) == fingerprint(inputs)
