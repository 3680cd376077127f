"""Training on several nodes of one engine: they find each other, agree, and end together."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.matrix.load import load
from tests.support.command_line import ROOT, CommandResult, builder
from tests.support.project import Project
from tests.support.rotation import rotating

TRAINING = """
import hashlib, os, sys
import torch

torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
data = torch.randn(64, 8)
wanted = data.sum(1, keepdim=True)
kind = sys.argv[1]
if kind == "mpi":
    import horovod.torch as hvd
    hvd.init()
    rank, size = hvd.rank(), hvd.size()
    mean = lambda tensor, name: hvd.allreduce(tensor, name=name)
elif kind == "gloo":
    import torch.distributed as dist
    dist.init_process_group("gloo", init_method="env://")
    rank, size = dist.get_rank(), dist.get_world_size()
    def mean(tensor, name):
        dist.all_reduce(tensor)
        return tensor / size
else:
    rank, size = 0, 1
    mean = lambda tensor, name: tensor
for step in range(20):
    part = slice(rank * 64 // size, (rank + 1) * 64 // size)
    loss = ((model(data[part]) - wanted[part]) ** 2).mean()
    model.zero_grad()
    loss.backward()
    for number, weights in enumerate(model.parameters()):
        weights.data -= 0.05 * mean(weights.grad, str(number))
    if step == 0:
        first = loss.item()
assert loss.item() < first
assert size == int(os.environ.get("WORLD_SIZE", "1"))
torch.save([weights.data for weights in model.parameters()], "outputs/rank-%d.pt" % rank)
"""
COMPARE = """
import glob, torch
found = [torch.load(name) for name in sorted(glob.glob("/compare/**/*.pt", recursive=True))]
for one in found:
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found[0], one))
print(len(found), "agree")
"""
HOROVOD = [
    spec.version
    for spec in load(ROOT / "matrix.yaml").cells
    if spec.pin("horovod") and (spec.platform.name, spec.device) == ("debian12", "cpu")
]
"""The releases with Horovod."""


def trained(kind: str, image: str, tmp_path: Path, *flags: str) -> CommandResult:
    """A run of the script above; what it writes is below `tmp_path/KIND`."""
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    (source / "train.py").write_text(TRAINING, "utf-8")
    words = ("run", f"--image={image}", f"--source={source}", "--entry=train.py", f"--runs={tmp_path / kind}")
    return builder(*words, *flags, "--", kind, cwd=ROOT, scratch=tmp_path / "tmp")


def agree(image: str, tmp_path: Path) -> str:
    """What the comparison of all parameters that runs below `tmp_path` wrote prints."""
    place = f"{tmp_path}:/compare:ro"
    command = ["docker", "run", "--rm", "--user=0", "-v", place, "--entrypoint", "python", image, "-c", COMPARE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def left() -> str:
    """The containers and networks of runs."""
    found = [
        ["docker", "ps", "-aq", "--filter=label=framework-images.run"],
        ["docker", "network", "ls", "-q", "--filter=label=framework-images.run"],
    ]
    return "".join(subprocess.run(one, capture_output=True, text=True, check=True).stdout for one in found)


def learn_what_one_process_learns(kind: str, image: str, tmp_path: Path) -> None:
    """Two nodes with two processes each, `kind` being gloo or mpi, beside one process alone."""
    assert (alone := trained("alone", image, tmp_path)).code == 0, alone.err
    both = trained(kind, image, tmp_path, f"--{kind}", "--nodes=2", "--processes-per-node=2")
    assert both.code == 0, both.err
    assert agree(image, tmp_path) == "5 agree"
    assert not left()


def test_two_nodes_over_gloo_learn_what_one_process_learns(built: Callable[..., CommandResult], tmp_path: Path) -> None:
    image = str(built("--version=2.13", "--cpu").images[0]["digest"])
    learn_what_one_process_learns("gloo", image, tmp_path)


def test_two_nodes_under_mpi_learn_what_one_process_learns(pytorch_image: CommandResult, tmp_path: Path) -> None:
    learn_what_one_process_learns("mpi", str(pytorch_image.images[0]["digest"]), tmp_path)


@pytest.mark.parametrize("release", rotating(*HOROVOD))
def test_a_release_is_built_for_both_devices_and_two_nodes_under_mpi_learn_what_one_process_learns(
    release: str, built: Callable[..., CommandResult], tmp_path: Path
) -> None:
    of_release = (f"--version={release}", "--framework=pytorch", "--platform=debian12")
    image = str(built(*of_release, "--cpu").images[0]["digest"])
    built(*of_release, "--gpu")
    learn_what_one_process_learns("mpi", image, tmp_path)


@pytest.mark.parametrize("backend", ["gloo", "mpi"])
def test_a_node_that_dies_ends_the_run_and_is_named(
    backend: str, built: Callable[..., CommandResult], tmp_path: Path
) -> None:
    image = built("--version=2.13", "--cpu").images[0]["digest"]
    source = tmp_path / "source"
    source.mkdir()
    (source / "wait.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(300)\n", "utf-8")
    words = ("run", f"--image={image}", f"--source={source}", "--entry=wait.py", f"--runs={tmp_path / 'runs'}")
    project = Project(root=tmp_path, site=tmp_path, framework="x", repository="x")
    with project.started(*words, f"--{backend}", "--nodes=2") as live:
        live.until(lambda: live.said.count("here") == 2)
        found = subprocess.run(
            ["docker", "ps", "-q", "--filter=name=-node-1"], capture_output=True, text=True, check=True
        )
        subprocess.run(["docker", "kill", found.stdout.strip()], capture_output=True, check=True)
        assert live.end() == 137
        assert "node 1 ended first, with exit code 137" in live.said
    assert not left()
