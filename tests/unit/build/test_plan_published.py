"""What registries hold, as the plan sees it."""

from dataclasses import replace

from builder.build.plan import NO_ENGINE, plan
from tests.unit.build.test_plan import MOVED, image, wanted


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
