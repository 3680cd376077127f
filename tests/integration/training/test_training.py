"""Real trainings in real images: loss goes down, checkpoints resume, and the ranks of one run agree."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from builder.training import Gloo, LocalTarget, Mpi, estimator_for
from builder.training.estimator import Estimator
from builder.training.local.nodes import LABEL_RUN
from builder.training.local.run import LocalRun
from builder.training.records.run import Run
from tests.support.command_line import ROOT, CommandResult, builder
from tests.support.project import REPOSITORY
from tests.support.training_scripts import TRAIN

Train = Callable[..., Run]
HOLDER = f"{REPOSITORY}-{{framework}}"


@pytest.fixture(scope="session")
def images(pytorch_image: CommandResult, built: Callable[..., CommandResult]) -> dict[str, bool]:
    """The versions that are there, and whether each is a GPU row."""
    assert pytorch_image.code == built("--version=2.13", "--cpu", "--platform=debian12").code == 0
    return {"1.4": True, "2.13": False}


@pytest.fixture
def train(images: dict[str, bool], tmp_path: Path, engine: docker.DockerClient) -> Iterator[Train]:
    """Trains to the end; nothing is left of any run but its directory."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text(TRAIN)
    target = LocalTarget(repository=HOLDER, runs=tmp_path / "runs")
    made: dict[str, type[Estimator]] = {
        "pytorch": estimator_for("pytorch", matrix=ROOT / "matrix.yaml", platform="debian12")
    }

    def run(version: str, *, code: int = 0, **values: Any) -> Run:
        estimator = made["pytorch"](
            source,
            compute_target=target,
            entry_script="train.py",
            framework_version=version,
            use_gpu=images[version],
            **values,
        )
        found = estimator.submit()
        assert found.wait(show_output=False) == code, found.logs()
        return found

    yield run
    mine = [one for one in engine.containers.list(all=True, filters={"label": LABEL_RUN})
            if one.labels["framework-images.run-directory"].startswith(str(tmp_path))]  # fmt: skip
    for one in mine:
        one.remove(force=True)
    assert not mine


def losses(run: Run) -> list[float]:
    return [float(text) for text in re.findall(r"loss ([0-9.]+)", run.logs())]


def parameters(run: Run, ranks: int) -> list[float]:
    """The parameters that every rank ended with, which are the same."""
    found = [json.loads((run.outputs / f"parameters-{rank}.json").read_text()) for rank in range(ranks)]
    assert all(one == found[0] for one in found)
    return list(flat(found[0]))


def flat(values: Any) -> Iterator[float]:
    for value in values:
        if isinstance(value, list):
            yield from flat(value)
        else:
            yield value


@pytest.mark.parametrize("version", ["2.13", "1.4"])
def test_a_training_learns_and_resumes(train: Train, version: str) -> None:
    whole = train(version, script_params={"--steps": 30})
    found = losses(whole)
    assert len(found) == 30
    assert found[-1] < found[0] / 2
    half = train(version, script_params={"--steps": 15})
    rest = train(version, script_params={"--steps": 15}, resume_from=half.outputs / "model.pt")
    assert losses(half) + losses(rest) == found
    assert {path.stat().st_uid for path in (rest.outputs, *rest.outputs.iterdir())} == {os.getuid()}
    assert rest.plan.image.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("version", "distributed", "means"),
    [("2.13", Gloo(process_count_per_node=2), "distributed"), ("1.4", Mpi(process_count_per_node=2), "horovod")],
)
def test_two_processes_learn_what_one_does(train: Train, version: str, distributed: Gloo | Mpi, means: str) -> None:
    alone = parameters(train(version), 1)
    both = parameters(train(version, distributed_training=distributed, script_params={"--with": means}), 2)
    assert both == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_the_command_line_trains_adds_a_package_and_repeats_it(
    images: dict[str, bool], tmp_path: Path, request: pytest.FixtureRequest, engine: docker.DockerClient
) -> None:
    assert "2.13" in images
    source = tmp_path / "source with spaces \u00fc"
    source.mkdir()
    (source / "t.py").write_text(
        "import os, sys, humanize\nprint(sys.argv[1:], os.environ['A'], open('/training/inputs/data/x').read())\n"
        "print(humanize.naturalsize(int(open(os.environ['KEY_FILE']).read())))\nopen('outputs/o', 'w').write('1')"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_text("content")
    (tmp_path / "key").write_text("7351")
    (tmp_path / "key").chmod(0o600)
    command = (
        *("run", "--version=2.13", "--platform=debian12", f"--source={source}", "--entry=t.py", "-e", "A=b c"),
        *(f"--input=data={tmp_path}/data", f"--secret=KEY={tmp_path}/key", "--pip-package=humanize"),
        *(f"--repository={HOLDER}", f"--runs={tmp_path}/runs", "--", "$(id)", "it's", ""),
    )
    done = builder(*command, cwd=ROOT, scratch=tmp_path / "tmp")
    assert done.code == 0, done.err
    assert done.out == "['$(id)', \"it's\", ''] b c content\n7.4 kB\n"
    derived = LocalRun(directory=next((tmp_path / "runs").glob("t-*"))).plan.image.reference
    request.addfinalizer(lambda: engine.api.remove_image(derived, noprune=True))
    (source / "t.py").unlink()
    again = builder("rerun", "last", f"--runs={tmp_path}/runs", cwd=ROOT, scratch=tmp_path / "tmp")
    assert (again.code, again.out) == (0, done.out), again.err
    for path in (tmp_path / "runs").rglob("*"):
        assert path.is_dir() or b"7351" not in path.read_bytes() or path.name == "output.log", path
