"""What is printed for programs."""

import pytest

from builder.commands.common.output import document
from builder.errors import InputError


def test_a_job_matrix_is_one_of_images() -> None:
    assert document([{"name": "toy/1.0.0-cpu-debian12", "more": 1}], "images", "github") == (
        'matrix={"include":[{"image":"toy/1.0.0-cpu-debian12"}]}'
    )
    with pytest.raises(InputError, match="--format github lists images, and these are runs") as caught:
        document([{"run": "a"}], "runs", "github")
    assert caught.value.hint == "--format json"
