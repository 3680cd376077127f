"""`run`: trains in an image, and keeps what the script wrote."""

import sys
import warnings
from itertools import chain
from pathlib import Path

from builder.commands.common.follow_run import at_prompt, begun
from builder.commands.flags.train import ARGUMENTS, RunOptions
from builder.commands.options import Options, taken
from builder.errors import InputError
from builder.training import Input, KubernetesTarget, LocalTarget, Module, estimator_for
from builder.training.azureml.target import AzureMLTarget
from builder.training.estimator import Estimator, RunTarget
from builder.training.request.argument_types import Prompt
from builder.training.request.distribution import BACKENDS

OF_A_CLUSTER = ("namespace", "context", "pull_secret", "outputs_claim", "source_claim")


def run(options: RunOptions) -> int:
    """Run the script. Returns its exit code, or one that says what ended it."""
    place = target(options)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        estimator = estimator_of(options, place)
    for warning in said:
        print(f"note: {warning.message}", file=sys.stderr)
    if isinstance(place, KubernetesTarget | AzureMLTarget) and (options.dry_run or options.export):
        print(place.document(estimator.request), end="")
        return 0
    if options.shell and isinstance(place, LocalTarget):
        return at_prompt(place.prompt(estimator.request))
    return begun(estimator.submit(), detach=options.detach)


def entry(options: RunOptions) -> Module | Prompt | str | None:
    """What the run begins with."""
    if options.shell:
        return Prompt(options.shell)
    return Module(options.module) if options.module is not None else options.entry


def estimator_of(options: RunOptions, place: RunTarget) -> Estimator:
    """The estimator that the flags describe. Raises InputError with every mistake."""
    made = estimator_for(
        options.framework or "pytorch",
        matrix=matrix(options),
        site=options.site,
        platform=options.platform,
        names=ARGUMENTS,
    )
    return made(
        options.source,
        compute_target=place,
        entry_script=entry(options),
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
        environment_variables=dict(chain(*options.env_files, options.environment)),
        inputs=[Input(name=name, path=path) for name, path in options.inputs],
        shm_size=options.shm_size,
        resume_from=options.resume_from,
        max_run_duration_seconds=options.max_duration,
        framework_version=options.version,
    )


def matrix(options: RunOptions) -> Path | None:
    """The matrix of `--matrix`; None for the default one, which need not be in this directory."""
    return None if options.matrix == Options().matrix else options.matrix


def target(options: RunOptions) -> RunTarget:
    """Where the run goes, with the limits of the flags. Raises InputError for flags of another target."""
    misplaced(options)
    if options.export:
        return taken(AzureMLTarget, options, compute=options.compute or "", matrix=matrix(options))
    shared = {"matrix": matrix(options), "secrets": dict(options.secrets)}
    if options.target == "kubernetes":
        return taken(KubernetesTarget, options, namespace=options.namespace or "default", **shared)
    return taken(LocalTarget, options, **shared)


def misplaced(options: RunOptions) -> None:
    """Raise InputError with every flag that means nothing for this target."""
    problems = []
    if options.target == "local":
        flags: dict[str, object] = {"--dry-run": options.dry_run}
        if not options.export:
            flags |= {"--registry": options.registry, "--insecure-registry": options.insecure_registries}
        flags |= {f"--{name.replace('_', '-')}": getattr(options, name) for name in OF_A_CLUSTER}
        problems += [f"{flag} goes with --target kubernetes" for flag, value in flags.items() if value]
    elif options.export:
        problems.append("--export writes the run down, but --target kubernetes runs it: give one of them")
    if options.shell:
        problems += without_script(options)
    if bool(options.export) != bool(options.compute):
        problems.append("--export azureml and --compute NAME go together")
    if options.export:
        unknown = {"--secret": options.secrets, "--memory": options.memory, "--cpus": options.cpus}
        problems += [f"{flag} means nothing in a job of Azure ML" for flag, value in unknown.items() if value]
    if problems:
        raise InputError(problems, hint="python -m builder run --help")


def without_script(options: RunOptions) -> list[str]:
    """What is wrong with flags beside --shell, where a person is in place of one script on this machine."""
    flags = {
        "--target kubernetes": options.target != "local",
        "--export": options.export,
        "--detach": options.detach,
        "--nodes": options.nodes > 1,
        "--processes-per-node": options.processes_per_node > 1,
        f"--{options.backend}": options.backend,
        "--max-duration": options.max_duration,
        "an argument of a script": options.arguments,
        "--resume-from": options.resume_from,
    }
    return [f"{flag} means nothing beside --shell" for flag, value in flags.items() if value]
