"""Makes a request from the arguments of an estimator, or one error with every mistake."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.errors import InputError
from builder.matrix.spec import Device, ImageSpec
from builder.training.request import argument_checks, rows
from builder.training.request.argument_types import ContainerRegistry, Environment, Problems
from builder.training.request.arguments import Given, check_together, is_count
from builder.training.request.distribution import Distributed, Topology
from builder.training.request.entry import entry_of
from builder.training.request.parameters import words
from builder.training.request.run_request import AddedPackages, CustomImage, RunRequest

LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkRows:
    """What the class of an estimator knows: a framework of the matrix, and its rows."""

    title: str
    default_version: str
    rows: tuple[ImageSpec, ...]


def request_of(
    given: Given, framework: FrameworkRows, names: Mapping[str, str] | None = None
) -> tuple[RunRequest, tuple[str, ...]]:
    """The request, and warnings about its arguments. Raises InputError with every mistake.

    `names` are what whoever gave the arguments calls them, where those are not the names of Python.
    """
    problems, warnings = Problems(names), Problems(names)
    given = check_together(given, problems, warnings)
    found = read(given, framework, problems, warnings)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
    return found, tuple(warnings)


def read(given: Given, framework: FrameworkRows, problems: Problems, warnings: Problems) -> RunRequest:
    """The request from single arguments. It is of use only when `problems` stays empty."""
    check_target(given.compute_target, problems)
    here = getattr(given.compute_target, "is_here", True)
    source = argument_checks.directory(given, problems)
    line = words(given.script_params, problems)
    custom, own = image_of(given, problems)
    device: Device = "gpu" if given.use_gpu or (own and own.use_gpu) else "cpu"
    row = row_of(given, framework, device, custom, problems, warnings)
    topology = topology_of(given, row, custom, problems)
    around, prefix = (own, "environment_definition.") if own else (given, "")
    return RunRequest(
        row=row,
        source=source,
        entry=entry_of(given.entry_script, source, problems),
        custom=custom,
        device=device,
        words=line,
        topology=topology,
        packages=packages_of(given, own, source, problems),
        environment=argument_checks.variables(
            f"{prefix}environment_variables", around.environment_variables, problems, distributed=bool(topology.backend)
        ),
        inputs=argument_checks.inputs(given.inputs, line, problems, here=here),
        resume_from=argument_checks.resume(given.resume_from, line, problems, here=here),
        shm=argument_checks.shared_memory(f"{prefix}shm_size", around.shm_size, problems),
        seconds=argument_checks.duration(given.max_run_duration_seconds, problems),
    )


def check_target(value: object, problems: Problems) -> None:
    """Add a problem unless the target is "local" or an object with `submit`."""
    if isinstance(value, str) and value != LOCAL:
        problems.add("compute_target", f'{value!r} is unknown: give "local", or an object such as LocalTarget()')
    elif value is not None and not isinstance(value, str) and not callable(getattr(value, "submit", None)):
        problems.add("compute_target", f"{type(value).__name__} takes no runs, because it has no submit()")


def image_of(given: Given, problems: Problems) -> tuple[CustomImage | None, Environment | None]:
    """The custom image, from either argument that may name one, and the environment definition."""
    own = given.environment_definition
    if own is not None and not isinstance(own, Environment):
        problems.add("environment_definition", f"{type(own).__name__} is not an Environment")
        own = None
    name = "environment_definition.image" if own else "custom_docker_image"
    reference = own.image if own else given.custom_docker_image
    registry = own.image_registry_details if own else given.image_registry_details
    if registry is not None and not isinstance(registry, ContainerRegistry):
        problems.add("image_registry_details", f"{type(registry).__name__} is not a ContainerRegistry")
        registry = None
    if reference is None:
        return None, own
    if not isinstance(reference, str) or not argument_checks.REFERENCE.fullmatch(reference):
        problems.add(name, f"{reference!r} is not the name of an image")
        return None, own
    return CustomImage(reference=reference, registry=registry), own


def row_of(
    given: Given,
    framework: FrameworkRows,
    device: Device,
    custom: CustomImage | None,
    problems: Problems,
    warnings: Problems,
) -> ImageSpec:
    """The row of the version. Without a version it is the documented default, and a warning says so."""
    version = given.framework_version
    if version is not None and not isinstance(version, str):
        problems.add("framework_version", f"{version!r} is not text: quote it, because the number 1.10 is 1.1")
        return framework.rows[0]
    if custom:
        if version:
            called = warnings.called("framework_version")
            warnings.append(f"{called} {version} has no effect: the image is {custom.reference}")
        return framework.rows[0]
    if version is None:
        called = warnings.called("framework_version")
        warnings.append(f"{called} is not given: {framework.title} {framework.default_version} is used")
    return rows.row(framework.rows, version or framework.default_version, device, problems)


def topology_of(given: Given, row: ImageSpec, custom: CustomImage | None, problems: Problems) -> Topology:
    """How many processes there are, and what starts them. The row's image must have that."""
    wanted = given.distributed_training
    if not isinstance(wanted, Distributed):
        return Topology()
    backend = wanted.backend
    able = rows.backends(row)
    if not custom and backend not in able:
        needed = f"needs a GPU row: {problems.called('use_gpu=True')}"
        what = needed if backend == "nccl" and "gloo" in able else "is not in its image"
        called = problems.called(f"distributed_training={backend}", "distributed_training")
        problems.append(f"{called}: {row.title} {row.version} on {row.device}: {backend} {what}")
    count = wanted.process_count_per_node or given.process_count_per_node
    if is_count(given.node_count) and is_count(count):
        return Topology(backend=backend, nodes=given.node_count, processes_per_node=count)
    return Topology()


def packages_of(given: Given, own: Environment | None, source: Path, problems: Problems) -> AddedPackages:
    if own:
        return AddedPackages(
            pip=argument_checks.texts("environment_definition.pip_packages", own.pip_packages, problems)
        )
    return argument_checks.packages(given, source, problems)
