"""What a build's status stream says."""

import io

import pytest

from builder.build.progress import Watch

STARTED = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("name", "cached", "ran"),
    [
        ("[image 4/6] RUN --mount=type=cache,target=/x echo one", False, True),
        ("[image 4/6] RUN echo one", True, False),
        ("[image 6/6] WORKDIR /home/trainer", False, False),
        ("[internal] load build definition from Dockerfile", False, False),
        ("exporting to image", False, False),
    ],
)
def test_a_build_that_ran_nothing_says_nothing_about_the_next(name: str, cached: bool, ran: bool) -> None:
    watch = Watch(name="toy", log=io.StringIO())
    vertex = {"digest": "sha256:1", "name": name, "started": STARTED}
    watch.feed({"vertexes": [vertex]})
    assert watch.ran is False
    watch.feed({"vertexes": [{**vertex, "completed": STARTED, "cached": cached}]})
    assert watch.ran is ran
