"""The environment of each rank: what torch.distributed reads, and what old adapters read."""

import pytest

from builder.training.launcher.instructions import defaults
from builder.training.request.distribution import RESERVED, Backend, Topology, environments, rank_environment
from builder.training.request.plan import LOGS, RunImage, RunPlan, Snapshot

TORCHRUN = {
    "RANK": "5",
    "GROUP_RANK": "1",
    "ROLE_RANK": "5",
    "ROLE_NAME": "default",
    "LOCAL_WORLD_SIZE": "3",
    "WORLD_SIZE": "6",
    "GROUP_WORLD_SIZE": "2",
    "ROLE_WORLD_SIZE": "6",
    "MASTER_ADDR": "node-0",
    "MASTER_PORT": "6105",
    "TORCHELASTIC_RESTART_COUNT": "0",
    "TORCHELASTIC_MAX_RESTARTS": "0",
    "TORCHELASTIC_RUN_ID": "train-1",
    "TORCHELASTIC_USE_AGENT_STORE": "False",
    "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1",
    "LOCAL_RANK": "2",
    "TORCHELASTIC_ERROR_FILE": f"{LOGS}/error-5.json",
    "TORCHELASTIC_SIGNALS_TO_HANDLE": "SIGTERM,SIGINT",
}
"""`worker_env` of `LocalElasticAgent._start_workers` in torch 2.13.0, in its order, for rank 5 of two nodes of three.

The last two are from `LogsSpecs.reify` and `launch_agent`. OMP_NUM_THREADS, which `run.py` sets, is the launcher's.
"""


def plan_of(topology: Topology) -> RunPlan:
    image, snapshot = RunImage(reference="i", digest="sha256:0"), Snapshot(sha256="0", files=1, size=1, path="/s")
    return RunPlan(image=image, snapshot=snapshot, command=("python", "s.py"), topology=topology)


@pytest.mark.parametrize("backend", ["gloo", "nccl", "mpi"])
@pytest.mark.parametrize("name", TORCHRUN)
def test_a_script_written_for_torchrun_finds_the_same(backend: Backend, name: str) -> None:
    topology = Topology(backend=backend, nodes=2, processes_per_node=3, master_address="node-0")
    assert {**defaults(plan_of(topology)), **rank_environment(topology, 5, "train-1")}[name] == TORCHRUN[name]


def test_a_lone_process_finds_nothing_of_torchrun() -> None:
    assert not {*defaults(plan_of(Topology())), *rank_environment(Topology(), 0, "run")} & {*TORCHRUN}


def test_every_rank_of_two_nodes_knows_its_place() -> None:
    topology = Topology(backend="gloo", nodes=2, processes_per_node=3, master_address="node-0")
    found = environments(topology, "run")
    places = [(one["RANK"], one["LOCAL_RANK"], one["NODE_RANK"]) for one in found]
    assert places == [
        ("0", "0", "0"),
        ("1", "1", "0"),
        ("2", "2", "0"),
        ("3", "0", "1"),
        ("4", "1", "1"),
        ("5", "2", "1"),
    ]
    assert {(one["WORLD_SIZE"], one["LOCAL_WORLD_SIZE"], one["MASTER_ADDR"], one["MASTER_PORT"]) for one in found} == {
        ("6", "3", "node-0", "6105")
    }


def test_the_old_names_are_there_and_agree_with_the_new() -> None:
    found = rank_environment(Topology(backend="nccl", nodes=2, master_address="node-0"), 1, "run")
    assert found["AZ_BATCHAI_PYTORCH_INIT_METHOD"] == "tcp://node-0:6105"
    assert found["AZ_BATCHAI_PYTORCH_BACKEND"] == "nccl"
    assert found["AZ_BATCHAI_TASK_INDEX"] == found["RANK"] == "1"
    assert found["AZ_BATCH_MASTER_NODE"] == "node-0:6105"
    assert found["AZ_BATCHAI_MPI_MASTER_NODE"] == "node-0"
    assert set(found) == set(RESERVED)


def test_mpi_has_no_rendezvous_of_torch() -> None:
    found = rank_environment(Topology(backend="mpi", processes_per_node=2), 1, "run")
    assert not [name for name in found if name.startswith("AZ_BATCHAI_PYTORCH")]
    assert found["WORLD_SIZE"] == "2"


@pytest.mark.parametrize(("address", "url"), [("fd00::2", "tcp://[fd00::2]:6105"), ("node-0", "tcp://node-0:6105")])
def test_the_rendezvous_is_a_url(address: str, url: str) -> None:
    assert Topology(backend="gloo", master_address=address).init_method == url


def test_a_lone_process_is_not_told_that_it_is_one_of_many() -> None:
    assert rank_environment(Topology(), 0, "run") == {}
