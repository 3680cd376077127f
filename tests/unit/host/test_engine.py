"""The engine's list of images, while others remove some."""

from typing import Any

import pytest
from docker.errors import APIError, NotFound

from builder.host.engine import images_with_label

OURS = {"Id": "sha256:1", "Labels": {"x": ""}}


class Client:
    """Answers like the engine, after so many errors."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.api = self

    def images(self) -> list[dict[str, Any]]:
        if self.errors:
            raise self.errors.pop(0)
        return [OURS, {"Id": "sha256:2", "Labels": {"y": ""}}, {"Id": "sha256:3", "Labels": None}]


def test_an_image_that_goes_meanwhile_is_no_error() -> None:
    gone = NotFound("404", explanation="failed to read config content: content digest sha256:2: not found")
    client: Any = Client(gone, gone)
    assert images_with_label(client, "x") == [OURS]


def test_any_other_error_is_one() -> None:
    client: Any = Client(APIError("500", explanation="no space left on device"))
    with pytest.raises(APIError):
        images_with_label(client, "x")
