"""Whether an image can be the one that got an immutable tag."""

import pytest

from builder.build.moved_tag import moved
from builder.matrix.names import LABEL_FINGERPRINT, LABEL_REHEARSAL

TAG = "1.6.0-gpu-py3.6-debian12-0123abcd"
LABELS = {LABEL_FINGERPRINT: "0123abcd" * 8}
EPOCH = "2000-01-01T00:00:00Z"


def test_the_build_that_got_it() -> None:
    assert moved(TAG, LABELS, EPOCH) == ""


@pytest.mark.parametrize("created", ["2026-11-27T15:00:00.123456789Z", "", "never", "1999-12-31T23:59:59+00:00"])
def test_an_image_that_was_made_later(created: str) -> None:
    assert "it was changed after its build" in moved(TAG, LABELS, created)


def test_labels_of_another_image() -> None:
    assert moved(TAG, {}, EPOCH) == "its fingerprint is missing"
    assert moved(TAG, {LABEL_FINGERPRINT: "f" * 64}, EPOCH) == "its fingerprint is ffffffff"
    assert moved(TAG, {**LABELS, LABEL_REHEARSAL: "x"}, EPOCH) == "it is a rehearsal"
