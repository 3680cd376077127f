"""The constructor: documented names and defaults, precedence, and every mistake in one error."""

import copy
import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest

from builder.errors import InputError
from builder.matrix.load import load
from builder.training import ContainerRegistry, Environment, Gloo, Input, LocalTarget, Mpi, Nccl, PyTorch, estimator_for
from builder.training.request.arguments import Given
from tests.support.estimators import made, planned, request_of

ROOT = Path(__file__).parents[3]


def test_the_signature_is_the_documented_one() -> None:
    parameters = inspect.signature(PyTorch).parameters
    documented = [
        "source_directory",
        "compute_target",
        "vm_size",
        "vm_priority",
        "entry_script",
        "script_params",
        "node_count",
        "process_count_per_node",
        "distributed_backend",
        "distributed_training",
        "use_gpu",
        "use_docker",
        "custom_docker_base_image",
        "custom_docker_image",
        "image_registry_details",
        "user_managed",
        "conda_packages",
        "pip_packages",
        "conda_dependencies_file_path",
        "pip_requirements_file_path",
        "conda_dependencies_file",
        "pip_requirements_file",
        "environment_variables",
        "environment_definition",
        "inputs",
        "source_directory_data_store",
        "shm_size",
        "resume_from",
        "max_run_duration_seconds",
        "framework_version",
        "_enable_optimized_mode",
        "_disable_validation",
        "_show_lint_warnings",
        "_show_package_warnings",
    ]
    assert list(parameters) == documented == list(Given.__dataclass_fields__)
    assert {one.kind for one in list(parameters.values())[1:]} == {inspect.Parameter.KEYWORD_ONLY}
    defaults = {name: one.default for name, one in parameters.items() if one.default not in (None, one.empty, False)}
    assert defaults == {
        "node_count": 1,
        "process_count_per_node": 1,
        "use_docker": True,
        "_disable_validation": True,
    }


def test_the_class_says_what_the_matrix_says() -> None:
    matrix = load(ROOT / "matrix.yaml")
    assert PyTorch.FRAMEWORK_NAME == "PyTorch"
    assert PyTorch.DEFAULT_VERSION == matrix.default_versions["pytorch"] == "1.4"
    versions = PyTorch.get_supported_versions()
    assert versions[:7] == ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6"]
    assert versions == sorted(versions, key=lambda text: [int(part) for part in text.split(".")])


def test_another_framework_needs_no_code(source: Path) -> None:
    found = estimator_for("scikit-learn")
    assert (found.__name__, found.FRAMEWORK_NAME, found.DEFAULT_VERSION) == ("ScikitLearn", "scikit-learn", "1.9")
    request = found(source, compute_target="local", entry_script="train.py", framework_version="1.9").request
    assert request.row.framework == "scikit-learn"
    with pytest.raises(InputError, match="gloo is not in its image"):
        found(
            source,
            compute_target="local",
            entry_script="train.py",
            framework_version="1.9",
            distributed_training=Gloo(),
        )
    assert issubclass(estimator_for("pytorch"), PyTorch)
    with pytest.raises(InputError, match="did you mean"):
        estimator_for("scikit-lern")


def test_nothing_given_is_changed(source: Path) -> None:
    registry = ContainerRegistry(address="registry.example", username="me", password="secret")
    given: dict[str, Any] = {
        "script_params": {"--a": [1, 2], "--b": None},
        "environment_variables": {"NCCL_TREE_THRESHOLD": "7"},
        "inputs": [Input(name="data", path="/etc")],
        "custom_docker_image": "team/image:1",
        "image_registry_details": registry,
    }
    before = copy.deepcopy(given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = made(source, **given)
        one._overridden({"--a": 3}, None)
        given["script_params"]["--a"].append(3)
    assert given["environment_variables"] == before["environment_variables"]
    assert given["inputs"] == before["inputs"]
    assert given["image_registry_details"] == before["image_registry_details"]
    assert given["script_params"] == {"--a": [1, 2, 3], "--b": None}
    assert one.request.words == ("--a", "1", "2", "--b")
    assert "secret" not in repr(one.request)


def test_deprecated_names_warn_and_work(source: Path) -> None:
    with pytest.warns(DeprecationWarning, match="custom_docker_base_image is deprecated"):
        request = request_of(source, custom_docker_base_image="team/image:1", framework_version=None)
    assert request.custom is not None
    assert request.custom.reference == "team/image:1"
    with pytest.warns(DeprecationWarning, match="use pip_requirements_file"):
        assert request_of(source, pip_requirements_file_path="requirements.txt").packages.pip_file
    with pytest.warns(DeprecationWarning, match="use conda_dependencies_file"):
        assert request_of(source, conda_dependencies_file_path="conda.yml").packages.conda_file
    with pytest.warns(DeprecationWarning, match=r"use distributed_training=Mpi"):
        topology = request_of(source, distributed_backend="MPI", process_count_per_node=3).topology
    assert (topology.backend, topology.processes_per_node) == ("mpi", 3)


def test_of_two_file_names_the_new_one_wins(source: Path) -> None:
    (source / "old.txt").write_text("")
    with pytest.warns(UserWarning, match="is ignored"):
        packages = request_of(
            source, pip_requirements_file="requirements.txt", pip_requirements_file_path="old.txt"
        ).packages
    assert packages.pip_file == source / "requirements.txt"


def test_the_default_version_is_said(source: Path) -> None:
    with pytest.warns(UserWarning, match=r"PyTorch 1\.4 is used"):
        assert request_of(source, framework_version=None).row.version == "1.4.0"


@pytest.mark.parametrize(("version", "found"), [("1.4", "1.4.0"), ("1.4.0", "1.4.0"), ("1.3", "1.3.1")])
def test_a_version_is_its_row(source: Path, version: str, found: str) -> None:
    assert request_of(source, framework_version=version).row.version == found


def test_arguments_without_effect_are_accepted_and_said(source: Path) -> None:
    with pytest.warns(UserWarning, match="no VM"):
        made(source, vm_priority="lowpriority")
    with pytest.warns(UserWarning, match="without a store"):
        made(source, source_directory_data_store=object())


def test_an_environment_definition_is_the_whole_environment(source: Path) -> None:
    definition = Environment(
        image="team/image:1", environment_variables={"A": "1"}, shm_size="512m", pip_packages=["six"], use_gpu=True
    )
    request = request_of(source, environment_definition=definition, framework_version=None)
    assert request.custom is not None
    assert (request.custom.reference, request.shm, request.device) == ("team/image:1", 512 * 1024**2, "gpu")
    assert (request.environment, request.packages.pip) == ((("A", "1"),), ("six",))


def test_processes_per_node_count_with_every_backend(source: Path) -> None:
    assert request_of(source, distributed_training=Gloo(), process_count_per_node=4).topology.world_size == 4
    assert request_of(source, distributed_training=Gloo(), node_count=2).topology.world_size == 2
    assert request_of(source, distributed_training=Mpi(process_count_per_node=2), node_count=3).topology.world_size == 6
    assert request_of(source, use_gpu=True, distributed_training=Nccl()).topology.backend == "nccl"


def test_the_command_keeps_order_and_values(source: Path) -> None:
    params = {
        "--lr": 0.1, "--flag": "", "--none": None, "--zero": 0, "--list": [1, [2, None], "a", ""], "--bool": True,
        "--text": "a 'b' \"c\" $(d) `e` \n f", "--empty": [], "--path": Path("x/y"),
    }  # fmt: skip
    assert planned(source, script_params=params).command == (
        *("python", "train.py", "--lr", "0.1", "--flag", "--none", "--zero", "0", "--list", "1", "2", "a"),
        *("--bool", "True", "--text", "a 'b' \"c\" $(d) `e` \n f", "--empty", "--path", "x/y"),
    )


def test_parameters_are_overridden_in_place(source: Path) -> None:
    one = made(source, script_params={"--flag": "", "--lr": 0.1, "--e": 3})
    assert one._overridden({"--lr": 0.5, "--new": None}, None).words == (
        *("--flag", "--lr", "0.5", "--e", "3", "--new"),
    )
    assert one.request.words == ("--flag", "--lr", "0.1", "--e", "3")


def test_a_command_line_is_taken_as_it_is(source: Path) -> None:
    assert request_of(source, script_params=["--a", "", "--", "b"]).words == ("--a", "", "--", "b")


def test_inputs_are_paths_in_the_container(source: Path) -> None:
    data = Input(name="data", path="/etc")
    plan = planned(
        source,
        script_params={"--data": data, "--old": "$AZUREML_DATAREFERENCE_more", "--other": "$HOME"},
        inputs=[Input(name="more", path="/usr")],
        resume_from="/etc/passwd",
    )
    assert plan.command[2:] == (
        *("--data", "/training/inputs/data", "--old", "/training/inputs/more", "--other", "$HOME"),
        *("--resume-from", "/training/resume/passwd"),
    )
    assert [(one.source, one.target, one.read_only) for one in plan.inputs] == [
        ("/usr", "/training/inputs/more", True),
        ("/etc", "/training/inputs/data", True),
        ("/etc/passwd", "/training/resume/passwd", True),
    ]


def test_what_the_caller_says_of_the_environment_holds(source: Path) -> None:
    plan = planned(source, environment_variables={"NCCL_TREE_THRESHOLD": "7"})
    assert dict(plan.environment_of(0)) == {"NCCL_TREE_THRESHOLD": "7"}


def test_a_target_checks_its_limits(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        LocalTarget(memory="much", cpus=0, secrets={"a b": "/etc/passwd", "KEY": tmp_path / "none"})
    assert len(caught.value.problems) == 4
