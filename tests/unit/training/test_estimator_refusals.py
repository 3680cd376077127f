"""What an estimator refuses: every mistake in one error, and each combination that cannot be meant."""

from pathlib import Path
from typing import Any

import pytest

from builder.training import ContainerRegistry, Environment, Gloo, Input, Mpi, Nccl
from tests.support.estimators import mistakes


def test_every_mistake_is_reported_at_once(source: Path) -> None:
    found = mistakes(
        source,
        compute_target="my-cluster",
        vm_size="Standard_NC6",
        entry_script="other.py",
        node_count=0,
        process_count_per_node=True,
        use_docker=False,
        shm_size="lots",
        max_run_duration_seconds="60",
        framework_version="1.7",
        environment_variables={"A=B": "1", "C": 2},
        inputs=["data"],
        resume_from=3,
        pip_packages="six",
    )
    text = "\n".join(found)
    for word in (
        *("my-cluster", "vm_size", "other.py", "node_count", "process_count_per_node: True", "use_docker", "lots"),
        *("'60'", "'1.7'", "'A=B'", "value of C", "inputs: 'data'", "resume_from: int", "pip_packages: 'six'"),
    ):
        assert word in text, word
    assert len(found) == 14


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"environment_definition": Environment(image="i"), "pip_packages": ["six"]}, "pip_packages cannot be given"),
        ({"environment_definition": Environment(image="i"), "use_gpu": True}, "use_gpu cannot be given"),
        ({"environment_definition": Environment(image="i"), "shm_size": "1g"}, "shm_size cannot be given"),
        ({"environment_definition": object()}, "is not an Environment"),
        ({"conda_dependencies_file": "conda.yml", "pip_packages": ["six"]}, "beside conda_dependencies_file"),
        ({"user_managed": True, "conda_packages": ["six"]}, "with user_managed"),
        ({"user_managed": True, "pip_requirements_file": "requirements.txt"}, "with user_managed"),
        ({"custom_docker_image": "a", "custom_docker_base_image": "b"}, "two names of one image"),
        ({"image_registry_details": ContainerRegistry(address="r")}, "goes with custom_docker_image"),
        ({"custom_docker_image": "NOT an image"}, "is not the name of an image"),
        ({"node_count": 2}, "node_count 2 needs distributed_training"),
        ({"process_count_per_node": 2}, "process_count_per_node 2 needs distributed_training"),
        ({"process_count_per_node": 2, "distributed_training": Mpi(process_count_per_node=3)}, "and 3 in"),
        ({"distributed_training": Mpi(process_count_per_node=0)}, "process_count_per_node 0"),
        ({"distributed_training": object()}, "object is not Mpi, Gloo or Nccl"),
        ({"distributed_training": Nccl()}, "needs a GPU row"),
        ({"distributed_backend": "ps"}, "there are mpi, gloo, nccl"),
        ({"distributed_backend": "mpi", "distributed_training": Gloo()}, "say different things"),
        ({"compute_target": None}, "compute_target is missing"),
        ({"compute_target": 3}, "int takes no runs"),
        ({"vm_size": "Standard_NC6"}, "no machine is made here"),
        ({"framework_version": "1.7"}, "there are 1.0, 1.1"),
        ({"framework_version": 1.4}, "quote it"),
        ({"framework_version": "2.12"}, "for gpu only"),
        ({"entry_script": None}, "entry_script is missing"),
        ({"entry_script": "../train.py"}, "is not inside"),
        ({"entry_script": "/etc/passwd"}, "is not inside"),
        ({"entry_script": "train.ipynb"}, "is a notebook; try: jupyter nbconvert"),
        ({"pip_requirements_file": "none.txt"}, "none.txt is not a file"),
        ({"conda_dependencies_file": "../conda.yml"}, "is not a file inside"),
        ({"shm_size": "-1g"}, "is not a size"),
        ({"shm_size": "0"}, "is not a size"),
        ({"shm_size": 2}, "is not a size"),
        ({"max_run_duration_seconds": -5}, "-5 is not a whole number"),
        ({"max_run_duration_seconds": True}, "True is not a whole number"),
        ({"environment_variables": ["A=1"]}, "is not a dictionary"),
        ({"environment_variables": {"RANK": "1"}, "distributed_training": Gloo()}, "RANK is set for each rank"),
        ({"inputs": [Input(name="../x", path="/")]}, "is not a name"),
        ({"inputs": [Input(name="x", path="/nowhere")]}, "does not exist"),
        ({"inputs": [Input(name="x", path="/etc"), Input(name="x", path="/usr")]}, "x means /etc and /usr"),
        ({"resume_from": "/nowhere"}, "does not exist"),
        ({"resume_from": "/etc", "script_params": {"--resume-from": "x"}}, "only one can be meant"),
        ({"script_params": {"--a": {"b": 1}}}, "give a list"),
        ({"script_params": {"--a": {1, 2}}}, "give a list"),
        ({"script_params": {"--a": "x\0y"}}, "cannot be an argument"),
        ({"script_params": {"": 1}}, "is not text"),
    ],
)
def test_what_cannot_be_meant_is_refused(source: Path, values: dict[str, Any], words: str) -> None:
    found = mistakes(source, **values)
    assert len(found) == 1, found
    assert words in found[0]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'none'} is not a directory that can be read" in mistakes(tmp_path / "none")[0]
    assert "~nobody-of-that-name/x is not a directory that can be read" in mistakes(Path("~nobody-of-that-name/x"))[0]
