"""Nothing changed: `build` beside `docker buildx bake` of the same rendered files, every step of it cached."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from builder.host import engine
from builder.host.cache import remember
from builder.verify.passed import file_of
from builder.verify.run_checks import checks_version
from tests.bench.measured import Measured, Side, medians, seconds
from tests.bench.toys import CELLS, bake, bake_file, baked, built, own_cache, real, toy
from tests.support.project import Project

ROUNDS = 5
FEW = 2
HUNDRED = tuple(f"{number}.0.0" for number in range(1, 101))
BAKE = "docker buildx bake -f bake.json"
PART = 5
"""How many images bake makes at once: of ten, and of a hundred, it ended with `DeadlineExceeded` on two cores."""


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
    with toy(HUNDRED) as project, own_cache() as env, bake_file(project.site, baked(project), project.root) as file:
        first = seconds(lambda: prepared(project, file, env))
        done = built(project, env=env)
        assert "100 unchanged" in done.err, done.err[-500:]
        (mine,) = medians(ROUNDS, lambda: built(project, env=env))
        (theirs,) = medians(FEW, lambda: in_parts(file, project.root / "metadata.json"))
        yield Measured(
            work="nothing changed, 100 small generated cells",
            note=f"made in {first:.0f} s",
            ours=Side(command="python -m builder build --all", value=mine),
            peer=Side(command=f"{BAKE}, {PART} at a time", value=theirs),
            aim=0.02,
        )


def in_parts(file: Path, metadata: Path) -> dict[str, str]:
    """Bake all targets of the file, some at a time; returns their digests."""
    targets = list(json.loads(file.read_text("utf-8"))["target"])
    digests: dict[str, str] = {}
    for start in range(0, len(targets), PART):
        part = targets[start : start + PART]
        bake(file, f"--metadata-file={metadata}", *part)
        found = json.loads(metadata.read_text("utf-8"))
        digests |= {target: found[target]["containerimage.digest"] for target in part}
    return digests


def prepared(project: Project, file: Path, env: Mapping[str, str]) -> None:
    """Give each cell its image and tags, and remember it as verified."""
    digests = in_parts(file, project.root / "metadata.json")
    planned = project.run(
        "plan", "--all", f"--site={project.site}", f"--repository={project.repository}", "--format=json", env=env
    )
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
