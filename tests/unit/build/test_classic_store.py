"""The configuration of an image of the classic image store, without the time of its build."""

import json

from builder.build.classic_store import without_clock
from builder.registry.manifests import digest_of

NOW = "2026-11-27T15:44:24.042715101Z"


def config(created: str, *steps: dict[str, str]) -> bytes:
    return json.dumps({"os": "linux", "created": created, "history": steps, "rootfs": {"diff_ids": ["a"]}}).encode()


def cleaned(content: bytes) -> bytes:
    return without_clock(content, digest_of(content))


def test_two_builds_of_one_image_have_one_configuration() -> None:
    first = cleaned(config(NOW, {"created": NOW, "created_by": "RUN x"}))
    second = cleaned(config("2026-11-28T00:00:00Z", {"created": "2026-11-28T00:00:00Z", "created_by": "RUN x"}))
    assert first == second
    found = json.loads(first)
    assert found["created"] == "2000-01-01T00:00:00Z"
    assert found["history"] == [{"created": "2000-01-01T00:00:00Z", "created_by": "RUN x"}]
    assert (found["os"], found["rootfs"]) == ("linux", {"diff_ids": ["a"]})


def test_a_step_of_the_base_that_is_older_keeps_its_time() -> None:
    found = json.loads(cleaned(config(NOW, {"created": "1999-12-31T00:00:00Z"}, {"created_by": "CMD"})))
    assert [one["created"] for one in found["history"]] == ["1999-12-31T00:00:00Z", "2000-01-01T00:00:00Z"]
