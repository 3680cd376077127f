"""The arguments of an estimator as they were given, and which of them go together."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import TypeGuard

from builder.training.request.argument_types import Problems
from builder.training.request.distribution import BACKENDS, Distributed

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
STARTERS = "distributed_training: Mpi(), Gloo() or Nccl()"
WITHOUT_EFFECT = {
    "vm_priority": "there is no VM to give a priority to",
    "source_directory_data_store": "the snapshot of the source reaches every node without a store",
    "_show_lint_warnings": "the script is not linted",
    "_show_package_warnings": "imports are not compared with packages",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Every documented argument, unchecked: of any type, and perhaps of a wrong one."""

    source_directory: object
    compute_target: object = None
    vm_size: object = None
    vm_priority: object = None
    entry_script: object = None
    script_params: object = None
    node_count: object = 1
    process_count_per_node: object = 1
    distributed_backend: object = None
    distributed_training: object = None
    use_gpu: object = False
    use_docker: object = True
    custom_docker_base_image: object = None
    custom_docker_image: object = None
    image_registry_details: object = None
    user_managed: object = False
    conda_packages: object = None
    pip_packages: object = None
    conda_dependencies_file_path: object = None
    pip_requirements_file_path: object = None
    conda_dependencies_file: object = None
    pip_requirements_file: object = None
    environment_variables: object = None
    environment_definition: object = None
    inputs: object = None
    source_directory_data_store: object = None
    shm_size: object = None
    resume_from: object = None
    max_run_duration_seconds: object = None
    framework_version: object = None
    _enable_optimized_mode: object = False
    _disable_validation: object = True
    _show_lint_warnings: object = False
    _show_package_warnings: object = False


NAMES = tuple(field.name for field in fields(Given))


def check_together(given: Given, problems: Problems, warnings: Problems) -> Given:
    """The arguments under their present names. Problems tell which arguments do not go together."""
    given = without_aliases(given, problems, warnings)
    check_combinations(given, problems)
    check_cloud_arguments(given, problems, warnings)
    return given


def without_aliases(given: Given, problems: Problems, warnings: Problems) -> Given:
    """The arguments under their present names. Each deprecated name is a warning; two names of one image a problem."""
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
    return with_backend_object(found, problems, warnings)


def with_backend_object(given: Given, problems: Problems, warnings: Problems) -> Given:
    """The arguments with the backend as an object, where it was given as a deprecated word like `mpi`."""
    if given.distributed_backend is None:
        return given
    wanted = BACKENDS.get(str(given.distributed_backend).lower())
    if wanted is None:
        known = ", ".join(BACKENDS)
        problems.add("distributed_backend", f"{given.distributed_backend!r} is not a backend: there are {known}")
        return given
    warnings.append(f"distributed_backend is deprecated: use distributed_training={wanted.__name__}(...)")
    if given.distributed_training is None:
        return replace(given, distributed_training=wanted())
    if type(given.distributed_training) is not wanted:
        problems.append("distributed_backend and distributed_training say different things: give distributed_training")
    return given


def check_combinations(given: Given, problems: Problems) -> None:
    """Add a problem for every two arguments that contradict each other."""
    if given.environment_definition is not None:
        why = f"beside {problems.called('environment_definition')}, which holds the whole environment"
        refuse(given, REPLACED_BY_ENVIRONMENT, why, problems)
    if given.image_registry_details is not None and not given.custom_docker_image:
        problems.append("image_registry_details goes with custom_docker_image: the images of the matrix need none")
    check_packages(given, problems)
    check_processes(given, problems)


def check_packages(given: Given, problems: Problems) -> None:
    """Add a problem for packages that are given twice, or for an image into which nothing is installed."""
    if given.conda_dependencies_file:
        others = ("pip_packages", "conda_packages", "pip_requirements_file")
        file = problems.called("conda_dependencies_file")
        refuse(given, others, f"beside {file}, which lists all packages", problems)
    if given.user_managed:
        refuse(given, PACKAGES, "with user_managed: nothing is installed into such an image", problems)


def refuse(given: Given, names: Iterable[str], why: str, problems: Problems) -> None:
    """Add a problem for each of these arguments that is given."""
    problems += [f"{problems.called(name)} cannot be given {why}" for name in names if getattr(given, name)]


def check_processes(given: Given, problems: Problems) -> None:
    """Add a problem for a wrong count of processes, and for several without a backend that starts them."""
    wanted = given.distributed_training
    for name in ("node_count", "process_count_per_node"):
        count = getattr(given, name)
        if not is_count(count):
            problems.add(name, f"{count!r} is not a whole number from 1")
        elif count > 1 and wanted is None and given.distributed_backend is None:
            problems.append(f"{problems.called(name)} {count} needs {problems.called(STARTERS)}")
    if wanted is None:
        return
    if not isinstance(wanted, Distributed):
        problems.add("distributed_training", f"{type(wanted).__name__} is not Mpi, Gloo or Nccl")
        return
    count = wanted.process_count_per_node
    if count is not None and not is_count(count):
        problems.add("distributed_training", f"process_count_per_node {count!r} is not a whole number from 1")
    elif count is not None and given.process_count_per_node not in (1, count):
        problems.append(
            f"process_count_per_node is {given.process_count_per_node}, and {count} in distributed_training"
        )


def check_cloud_arguments(given: Given, problems: Problems, warnings: Problems) -> None:
    """Warn of harmless arguments that only mean something in a cloud; refuse misleading ones."""
    if given.vm_size is not None:
        problems.append(f"vm_size {given.vm_size!r}: no machine is made here; compute_target says where the run goes")
    elif given.compute_target is None:
        problems.append('compute_target is missing: "local" runs on this machine\'s engine')
    if not given.use_docker:
        problems.append("use_docker=False: every run is in a container, which is what makes it repeatable")
    for name, reason in WITHOUT_EFFECT.items():
        if getattr(given, name):
            warnings.append(f"{name} has no effect: {reason}")


def is_count(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number from 1. True is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
