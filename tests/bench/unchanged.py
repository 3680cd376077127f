"""Nothing changed: `build` beside `docker buildx bake` of the same rendered files, every step of it cached."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from builder import engine
from builder.memory import remember
from builder.verified import file_of
from builder.verify import checks_version
from tests.bench.measured import Measured, Side, medians, seconds
from tests.bench.toys import CELLS, bake, bake_file, baked, built, own_cache, real, toy
from tests.integration.lab import Lab

ROUNDS = 5
FEW = 2
HUNDRED = tuple(f"{number}.0.0" for number in range(1, 101))
BAKE = "docker buildx bake -f bake.json"


def unchanged() -> Iterator[Measured]:
    """The real cells; those that are not there are built first, from the engine's cache where it has them."""
    with real(*CELLS) as images:
        document = json.loads(images.run("render", "--bake"))
        with bake_file(images.site, document) as file:
            bake(file)
            mine, theirs = medians(ROUNDS, images.build, lambda: bake(file))
        yield Measured(
            work=f"nothing changed, {len(CELLS)} images that build here",
            ours=Side(command="python -m builder build --all", value=mine),
            peer=Side(command=BAKE, value=theirs),
            aim=0.25,
        )


def hundred() -> Iterator[Measured]:
    """A hundred small cells; they were baked, and are remembered as verified in a cache of the benchmark's own."""
    with toy(HUNDRED) as lab, own_cache() as env, bake_file(lab.site, baked(lab), lab.root) as file:
        first = seconds(lambda: prepared(lab, file, env))
        done = built(lab, env=env)
        assert "100 unchanged" in done.err, done.err[-500:]
        (mine,), (theirs,) = medians(ROUNDS, lambda: built(lab, env=env)), medians(FEW, lambda: bake(file))
        yield Measured(
            work="nothing changed, 100 small generated cells",
            note=f"made in {first:.0f} s",
            ours=Side(command="python -m builder build --all", value=mine),
            peer=Side(command=BAKE, value=theirs),
            aim=0.02,
        )


def prepared(lab: Lab, file: Path, env: Mapping[str, str]) -> None:
    """Give each cell its image and tags, and remember it as verified."""
    metadata = lab.root / "metadata.json"
    targets = list(json.loads(file.read_text("utf-8"))["target"])
    digests: dict[str, str] = {}
    for start in range(0, len(targets), 5):
        # In parts: BuildKit may run out of time for a hundred exports at once.
        bake(file, f"--metadata-file={metadata}", *targets[start : start + 5])
        found = json.loads(metadata.read_text("utf-8"))
        digests |= {target: found[target]["containerimage.digest"] for target in targets[start : start + 5]}
    planned = lab.run("plan", "--all", f"--site={lab.site}", f"--repository={lab.repository}", "--format=json", env=env)
    checks = checks_version()
    with engine.connected() as client:
        for one in planned.images:
            digest = digests[str(one["name"]).replace("/", "-").replace(".", "_")]
            for reference in one["tags"]:
                repository, _, tag = reference.rpartition(":")
                client.api.tag(digest, repository, tag)
            memory = Path(env["XDG_CACHE_HOME"], "framework-images", "verified", file_of(digest).name)
            entry = {"when": "2000-01-01T00:00:00+00:00", "summary": "", "measured": {}, "results": []}
            remember(memory, {"digest": digest, "passed": {checks: entry}})
