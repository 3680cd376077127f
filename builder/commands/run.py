"""`run`: trains in an image, and brings back what the script wrote."""

import sys
import warnings
from pathlib import Path

from builder.commands.following import begun
from builder.flags.training import RunOptions
from builder.options import Options
from builder.training import Gloo, Input, LocalTarget, Mpi, Nccl, estimator_for
from builder.training.estimator import Estimator

BACKENDS: dict[str, type[Mpi | Gloo | Nccl]] = {"mpi": Mpi, "gloo": Gloo, "nccl": Nccl}


def run(options: RunOptions) -> int:
    """Run the script; returns 1 when it fails, is ended by a limit, or is stopped."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        estimator = estimator_of(options)
    for warning in said:
        print(f"note: {warning.message}", file=sys.stderr)
    return begun(estimator.submit(), detach=options.detach)


def estimator_of(options: RunOptions) -> Estimator:
    """The flags as an estimator: what holds there holds here."""
    made = estimator_for(
        options.framework or "pytorch", matrix=matrix(options), site=options.site, platform=options.platform
    )
    return made(
        options.source,
        compute_target=target(options),
        entry_script=options.entry,
        script_params=options.arguments,
        node_count=options.nodes,
        process_count_per_node=options.processes_per_node,
        distributed_training=BACKENDS[options.backend]() if options.backend else None,
        use_gpu=options.use_gpu,
        custom_docker_image=options.image,
        pip_packages=options.pip_packages or None,
        conda_packages=options.conda_packages or None,
        pip_requirements_file=options.pip_requirements_file,
        conda_dependencies_file=options.conda_dependencies_file,
        environment_variables=dict(options.environment),
        inputs=[Input(name=name, path=path) for name, path in options.inputs],
        shm_size=options.shm_size,
        resume_from=options.resume_from,
        max_run_duration_seconds=options.max_duration,
        framework_version=options.version,
    )


def matrix(options: RunOptions) -> Path | None:
    """The matrix that was named; None for the usual one, which need not be in this directory."""
    return None if options.matrix == Options().matrix else options.matrix


def target(options: RunOptions) -> LocalTarget:
    """The engine of this machine, with the limits of the flags."""
    return LocalTarget(
        memory=options.memory,
        cpus=options.cpus,
        secrets=dict(options.secrets),
        repository=options.repository,
        matrix=matrix(options),
        site=options.site,
        runs=options.runs,
    )
