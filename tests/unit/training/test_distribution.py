"""The environment of each rank: what torch.distributed reads, and what old adapters read."""

import pytest

from builder.training.request.distribution import RESERVED, Topology, environments, rank_environment


def test_every_rank_of_two_nodes_knows_its_place() -> None:
    topology = Topology(backend="gloo", nodes=2, processes_per_node=3, master_address="node-0")
    found = environments(topology)
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
    found = rank_environment(Topology(backend="nccl", nodes=2, master_address="node-0"), 1)
    assert found["AZ_BATCHAI_PYTORCH_INIT_METHOD"] == "tcp://node-0:6105"
    assert found["AZ_BATCHAI_PYTORCH_BACKEND"] == "nccl"
    assert found["AZ_BATCHAI_TASK_INDEX"] == found["RANK"] == "1"
    assert found["AZ_BATCH_MASTER_NODE"] == "node-0:6105"
    assert found["AZ_BATCHAI_MPI_MASTER_NODE"] == "node-0"
    assert set(found) == set(RESERVED)


def test_mpi_has_no_rendezvous_of_torch() -> None:
    found = rank_environment(Topology(backend="mpi", processes_per_node=2), 1)
    assert not [name for name in found if name.startswith("AZ_BATCHAI_PYTORCH")]
    assert found["WORLD_SIZE"] == "2"


@pytest.mark.parametrize(("address", "url"), [("fd00::2", "tcp://[fd00::2]:6105"), ("node-0", "tcp://node-0:6105")])
def test_the_rendezvous_is_a_url(address: str, url: str) -> None:
    assert Topology(backend="gloo", master_address=address).init_method == url


def test_a_lone_process_is_not_told_that_it_is_one_of_many() -> None:
    assert rank_environment(Topology(), 0) == {}
