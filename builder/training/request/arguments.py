"""The arguments of an estimator as they were given, and which of them may stand together."""

from dataclasses import dataclass, fields, replace
from typing import Any

from builder.training.request.argument_types import Problems
from builder.training.request.distribution import BACKENDS, Gloo, Mpi, Nccl

OBJECTS = {"mpi": Mpi, "gloo": Gloo, "nccl": Nccl}
ALIASES = {
    "custom_docker_base_image": "custom_docker_image",
    "conda_dependencies_file_path": "conda_dependencies_file",
    "pip_requirements_file_path": "pip_requirements_file",
}
PACKAGES = ("pip_packages", "pip_requirements_file", "conda_packages", "conda_dependencies_file")
REPLACED_BY_ENVIRONMENT = (
    *PACKAGES,
    *("custom_docker_image", "image_registry_details", "use_gpu", "user_managed", "shm_size", "environment_variables"),
)
WITHOUT_EFFECT = {
    "vm_priority": "there is no VM to give a priority to",
    "source_directory_data_store": "the snapshot of the source reaches every node without a store",
    "_show_lint_warnings": "the script is not linted",
    "_show_package_warnings": "imports are not compared with packages",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Every documented argument, before anything is believed."""

    source_directory: Any
    compute_target: Any = None
    vm_size: Any = None
    vm_priority: Any = None
    entry_script: Any = None
    script_params: Any = None
    node_count: Any = 1
    process_count_per_node: Any = 1
    distributed_backend: Any = None
    distributed_training: Any = None
    use_gpu: Any = False
    use_docker: Any = True
    custom_docker_base_image: Any = None
    custom_docker_image: Any = None
    image_registry_details: Any = None
    user_managed: Any = False
    conda_packages: Any = None
    pip_packages: Any = None
    conda_dependencies_file_path: Any = None
    pip_requirements_file_path: Any = None
    conda_dependencies_file: Any = None
    pip_requirements_file: Any = None
    environment_variables: Any = None
    environment_definition: Any = None
    inputs: Any = None
    source_directory_data_store: Any = None
    shm_size: Any = None
    resume_from: Any = None
    max_run_duration_seconds: Any = None
    framework_version: Any = None
    _enable_optimized_mode: Any = False
    _disable_validation: Any = True
    _show_lint_warnings: Any = False
    _show_package_warnings: Any = False


NAMES = tuple(field.name for field in fields(Given))


def settled(given: Given, problems: Problems, warnings: Problems) -> Given:
    """The arguments with deprecated names in their new places; both names with different values are a problem."""
    found = given
    for old, new in ALIASES.items():
        value = getattr(given, old)
        if value is None:
            continue
        warnings.append(f"{old} is deprecated: use {new}")
        if getattr(given, new) is None:
            found = replace(found, **{old: None, new: value})
        elif old == "custom_docker_base_image":
            problems.append(f"{old} and {new} are two names of one image: give {new} only")
        else:
            warnings.append(f"{old} is ignored, because {new} is given too")
    return backend_settled(found, problems, warnings)


def backend_settled(given: Given, problems: Problems, warnings: Problems) -> Given:
    """The backend as an object, whether it was given as one or as a deprecated word."""
    if given.distributed_backend is None:
        return given
    wanted = OBJECTS.get(str(given.distributed_backend).lower())
    if wanted is None:
        problems.append(f"distributed_backend: {given.distributed_backend!r} is none: there are {', '.join(OBJECTS)}")
        return given
    warnings.append(f"distributed_backend is deprecated: use distributed_training={wanted.__name__}(...)")
    if given.distributed_training is None:
        return replace(given, distributed_training=wanted())
    if type(given.distributed_training) is not wanted:
        problems.append("distributed_backend and distributed_training say different things: give distributed_training")
    return given


def combined(given: Given, problems: Problems) -> None:
    """The combinations that contradict themselves."""
    if given.environment_definition is not None:
        for name in REPLACED_BY_ENVIRONMENT:
            if getattr(given, name):
                problems.append(
                    f"{name} cannot be given beside environment_definition, which holds the whole environment"
                )
    if given.image_registry_details is not None and not given.custom_docker_image:
        problems.append("image_registry_details goes with custom_docker_image: the images of the matrix need none")
    installed(given, problems)
    spread(given, problems)


def installed(given: Given, problems: Problems) -> None:
    """Who decides what is installed: a file that lists everything, a user who manages it, or neither."""
    if given.conda_dependencies_file:
        for name in ("pip_packages", "conda_packages", "pip_requirements_file"):
            if getattr(given, name):
                problems.append(f"{name} cannot be given beside conda_dependencies_file, which lists all packages")
    if given.user_managed:
        for name in PACKAGES:
            if getattr(given, name):
                problems.append(f"{name} cannot be given with user_managed: nothing is installed into such an image")


def spread(given: Given, problems: Problems) -> None:
    """Several processes need something that starts them and lets them meet."""
    for name in ("node_count", "process_count_per_node"):
        if not is_count(getattr(given, name)):
            problems.append(f"{name}: {getattr(given, name)!r} is not a whole number from 1")
        elif getattr(given, name) > 1 and given.distributed_training is None and given.distributed_backend is None:
            problems.append(f"{name} {getattr(given, name)} needs distributed_training: Mpi(), Gloo() or Nccl()")
    wanted = given.distributed_training
    if wanted is None:
        return
    if type(wanted) not in BACKENDS:
        problems.append(f"distributed_training: {type(wanted).__name__} is not Mpi, Gloo or Nccl")
        return
    count = wanted.process_count_per_node
    if count is not None and not is_count(count):
        problems.append(f"distributed_training: process_count_per_node {count!r} is not a whole number from 1")
    elif count is not None and given.process_count_per_node not in (1, count):
        problems.append(
            f"process_count_per_node is {given.process_count_per_node}, and {count} in distributed_training"
        )


def cloudless(given: Given, problems: Problems, warnings: Problems) -> None:
    """What only exists in a cloud: harmless arguments are said to do nothing, misleading ones are refused."""
    if given.vm_size is not None:
        problems.append(f"vm_size {given.vm_size!r}: no machine is made here; compute_target says where the run goes")
    elif given.compute_target is None:
        problems.append('compute_target is missing: "local" runs on this machine\'s engine')
    if not given.use_docker:
        problems.append("use_docker=False: every run is in a container, which is what makes it repeatable")
    for name, reason in WITHOUT_EFFECT.items():
        if getattr(given, name):
            warnings.append(f"{name} has no effect: {reason}")


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 1; True is no number."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
