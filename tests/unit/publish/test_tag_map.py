"""What is live is judged without a registry: tags that point elsewhere, sets moved half-way, tags that went stale."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builder.errors import InputError, SignatureError, VerifyError
from builder.matrix.load import load
from builder.matrix.names import LABEL_ROW
from builder.matrix.promise import promise_of
from builder.matrix.tags import immutable_tag
from builder.publish.signing import audit
from builder.publish.tag_map import Live, judge, tags_of
from builder.publish.verdict import Verdict, judged

ROOT = Path(__file__).parents[3]
CELLS = load(ROOT / "matrix.yaml").cells
SPEC = next(spec for spec in CELLS if spec.version == "1.6.0" and spec.device == "gpu" and spec.is_default_platform)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD, NEW = "a" * 64, "b" * 64
CHECKS = "c" * 64
GOOD = Verdict(item="signature", passed=True, text="signed")
BAD = Verdict(item="sbom", passed=False, text="no SBOM is attached")


def image(
    fingerprint: str, days: float | None = 1, verdicts: tuple[Verdict, ...] = (GOOD,), checks: str = CHECKS
) -> Live:
    when = None if days is None else NOW - timedelta(days=days)
    return Live(
        digest=f"sha256:{fingerprint}", fingerprint=fingerprint, verdicts=verdicts, verified=when, checks=checks
    )


def whole(one: Live) -> dict[str, Live]:
    return {immutable_tag(SPEC, one.fingerprint): one, **dict.fromkeys(SPEC.rolling_tags, one)}


def problems(live: dict[str, Live], max_age: int | None = 30) -> dict[str, tuple[str, ...]]:
    age = None if max_age is None else timedelta(days=max_age)
    return {line.tag: line.problems for line in judge(SPEC, live, now=NOW, max_age=age, checks=CHECKS) if line.problems}


def test_a_whole_set_is_in_order_and_nothing_live_is_no_line() -> None:
    assert problems(whole(image(NEW))) == {}
    assert problems({}) == {}


def test_every_tag_of_a_digest_tells_what_is_wrong_with_it() -> None:
    found = problems(whole(image(NEW, verdicts=(GOOD, BAD))))
    assert len(found) == 1 + len(SPEC.rolling_tags)
    assert all(one == ("sbom: no SBOM is attached",) for one in found.values())


def test_a_set_that_moved_half_way() -> None:
    first, *_ = SPEC.rolling_tags
    found = problems({**whole(image(OLD, 2)), immutable_tag(SPEC, NEW): image(NEW), first: image(NEW)})
    assert all("half-way" in " ".join(one) for one in found.values())
    assert set(found) == set(SPEC.rolling_tags)


def test_a_rolling_tag_that_was_left_behind() -> None:
    found = problems({**whole(image(OLD, 2)), immutable_tag(SPEC, NEW): image(NEW, 1)})
    assert all("left behind" in one[0] for one in found.values())
    assert set(found) == set(SPEC.rolling_tags)


def test_an_old_immutable_tag_is_no_problem() -> None:
    assert problems({**whole(image(NEW, 1)), immutable_tag(SPEC, OLD): image(OLD, 900)}) == {}


def test_a_rolling_tag_that_nobody_looked_at() -> None:
    live = whole(image(NEW, 31))
    assert all("31 days ago, and 30 days are allowed" in one[0] for one in problems(live).values())
    assert problems(live, max_age=None) == {}
    assert problems(whole(image(NEW, 30))) == {}


def test_ages_below_two_days_are_said_in_hours() -> None:
    found = judge(SPEC, whole(image(NEW, 1.25)), now=NOW, max_age=timedelta(hours=12), checks=CHECKS)
    assert {line.problems for line in found if line.tag in SPEC.rolling_tags} == {
        ("last verified 30 hours ago, and 12 hours are allowed",)
    }


def test_a_rolling_tag_of_earlier_checks() -> None:
    """An old immutable tag keeps its report: nothing renews it."""
    old = image(NEW, checks="d" * 64)
    assert set(problems(whole(old)).values()) == {
        (f"verified by the checks {'d' * 12}; those of today are {'c' * 12}",)
    }
    assert problems({**whole(image(NEW)), immutable_tag(SPEC, OLD): image(OLD, 9, checks="d" * 64)}) == {}


def test_a_missing_rolling_tag_and_a_missing_immutable_one() -> None:
    live = whole(image(NEW))
    first, *_ = SPEC.rolling_tags
    assert "missing" in problems({tag: one for tag, one in live.items() if tag != first})[first][0]
    del live[immutable_tag(SPEC, NEW)]
    assert all("no immutable tag" in one[0] for one in problems(live).values())


def test_an_immutable_tag_on_another_image() -> None:
    live = {**whole(image(NEW)), immutable_tag(SPEC, OLD): image(NEW)}
    assert "fingerprint is bbbbbbbb" in problems(live)[immutable_tag(SPEC, OLD)][0]
    empty = Live(digest="sha256:x", fingerprint="", verdicts=(), verified=None)
    assert "missing" in problems({immutable_tag(SPEC, OLD): empty})[immutable_tag(SPEC, OLD)][0]


def test_only_tags_of_the_cell_are_judged() -> None:
    others = [tag for spec in CELLS if spec != SPEC for tag in (immutable_tag(spec, OLD), *spec.rolling_tags)]
    signed = ["sha256-" + OLD + ".sig", "latest", immutable_tag(SPEC, OLD) + "0", immutable_tag(SPEC, "nothexno")]
    mine = [immutable_tag(SPEC, OLD), *SPEC.rolling_tags]
    assert sorted(tags_of(SPEC, [*others, *signed, *mine])) == sorted(mine)


def test_drift_of_a_row_names_the_pins() -> None:
    promised = promise_of(SPEC)
    pins = {name: pin for name, pin in promised.pins.items() if name != "cudnn"}
    wanted = replace(promised, pins={**pins, "torchvision": replace(pins["torchvision"], value="9.9.9")})
    found = audit.differences(promised, wanted)
    assert any(one.startswith("torchvision ") and one.endswith("→ 9.9.9") for one in found)
    assert any(one.startswith("cudnn ") and one.endswith("→ none") for one in found)
    assert audit.differences(promised, promised) == []
    assert audit.differences(promised, replace(promised, os_version="11")) == ["another row, with the same versions"]


@pytest.mark.parametrize("label", [None, "", "[]", "{}", "{", "[" * 100_000, '{"framework": 1, "pins": []}'])
def test_a_label_that_is_no_row_is_said_so(label: str | None) -> None:
    labels = {} if label is None else {LABEL_ROW: label}
    with pytest.raises(InputError, match="label"):
        audit.promised_in(labels)


def test_only_what_is_wrong_with_the_image_is_a_verdict() -> None:
    def unsigned() -> str:
        raise SignatureError("nobody has signed it", hint="attest")

    def broken() -> str:
        raise ZeroDivisionError

    assert judged("x", unsigned) == Verdict(item="x", passed=False, text="nobody has signed it", hint="attest")
    with pytest.raises(ZeroDivisionError):
        judged("x", broken)
    with pytest.raises(VerifyError, match="no subject"):
        audit.part({"subject": []}, "subject")
