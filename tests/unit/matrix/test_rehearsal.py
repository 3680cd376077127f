"""A rehearsal is known by its labels, and refused wherever an image would be taken for the real thing."""

import pytest

from builder.errors import InputError
from builder.matrix import rehearsal
from builder.matrix.names import LABEL_REHEARSAL, LABEL_REHEARSED, LABEL_ROW


@pytest.mark.parametrize("label", [LABEL_REHEARSAL, LABEL_REHEARSED, f"{LABEL_REHEARSAL}-of"])
def test_each_label_alone_is_enough(label: str) -> None:
    """Also an empty one: no value of it says that an image is the real thing after all."""
    with pytest.raises(InputError, match=r"pytorch/1\.6\.0-cpu-debian12: it is a rehearsal") as raised:
        rehearsal.refuse({LABEL_ROW: "{}", label: ""}, "pytorch/1.6.0-cpu-debian12")
    assert raised.value.exit_code == 2


def test_other_images_pass() -> None:
    rehearsal.refuse({LABEL_ROW: "{}", "framework-images.host": LABEL_REHEARSAL}, "x")
    rehearsal.refuse_tag({}, "x", "pytorch")


def test_its_tags_are_in_repositories_of_rehearsals() -> None:
    for repository in (rehearsal.REPOSITORY, f"{rehearsal.REPOSITORY}/pytorch"):
        rehearsal.refuse_tag({LABEL_REHEARSAL: "x"}, "x", repository)
    for repository in ("", "pytorch", f"team/{rehearsal.REPOSITORY}", f"{rehearsal.REPOSITORY}-2"):
        with pytest.raises(InputError):
            rehearsal.refuse_tag({LABEL_REHEARSAL: "x"}, "x", repository)
