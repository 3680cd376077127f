"""What verbs start from: jobs whose tags do not meet."""

from pathlib import Path

import pytest

from builder.build.bases import Base
from builder.build.render import Rendered
from builder.commands.common.prepare import prepare
from builder.commands.options import Options
from builder.errors import InputError
from builder.host.site import Site
from builder.matrix.load import load
from builder.matrix.spec import PinnedImage

ROOT = Path(__file__).parents[3]
NEWEST = [
    Rendered(pinned=PinnedImage(spec=spec, distributions=()), files={})
    for spec in load(ROOT / "matrix.yaml").cells
    if "latest-cpu" in spec.rolling_tags
]


def test_two_frameworks_do_not_share_a_repository() -> None:
    """Their `latest-cpu` would be whichever is tagged last."""

    def name(repository: str | None) -> list[str]:
        options = Options(matrix=ROOT / "matrix.yaml", repository=repository)
        jobs = prepare(options, NEWEST, Site(), lambda _: Base(kind="pulled", digest="sha256:00"))
        return [job.wanted.tags.repository for job in jobs]

    assert name(None) == ["pytorch", "scikit-learn"]
    assert name("images-{framework}") == ["images-pytorch", "images-scikit-learn"]
    with pytest.raises(InputError, match=r"images:latest-cpu: pytorch/.* and scikit-learn/.* would have this tag"):
        name("images")
