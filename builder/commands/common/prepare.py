"""Prepares jobs: each cell with its rendered files, base, stages, checks and fingerprint."""

from collections.abc import Callable, Sequence
from functools import cache

from builder.build import render as rendering
from builder.build import site_inputs
from builder.build.bases import Base, cached_base
from builder.build.contexts import Files, row_of
from builder.build.fingerprint import Inputs, fingerprint, inputs_of
from builder.build.job import Job
from builder.build.plan import Wanted
from builder.build.render import Rendered
from builder.build.toolchain import with_toolchain
from builder.commands.common.inputs import pinned, root
from builder.commands.options import Options
from builder.errors import InputError
from builder.host.architecture import architecture
from builder.host.cache import cache_directory
from builder.host.site import Site
from builder.host.tree_hash import tree_hash
from builder.matrix.names import cell, context
from builder.matrix.spec import ImageSpec, Platform
from builder.matrix.tags import repository_of, tags_of
from builder.verify.run_checks import checks_version, extra_checks_of
from builder.wheels import FORMAT, Compression

BaseOf = Callable[[Platform], Base]


def current(options: Options, cells: Sequence[ImageSpec]) -> list[Rendered]:
    """Each cell with its rendered files; raises StaleError when images/ or builder.lock is stale."""
    return rendering.current(root(options), pinned(options, tuple(cells)))


def prepare(options: Options, rendered: Sequence[Rendered], site: Site, base_of: BaseOf) -> list[Job]:
    """A job for each cell. Its fingerprint is empty while its base is not made. Each base and stage is read once."""
    templates = root(options) / "templates"
    base_once, tree_once, checks_once = cache(base_of), cache(tree_hash), cache(checks_version)
    jobs = []
    for one in rendered:
        spec = one.pinned.spec
        base, stages = base_once(spec.platform), site_inputs.replaced_stages(spec, site, tree_once)
        extra = extra_checks_of(templates, spec.framework)
        repository = repository_of(spec.framework, options.repository)
        jobs.append(
            Job(
                pinned=one.pinned,
                context=root(options) / context(spec),
                base=base,
                stages=stages,
                extra_checks=extra,
                wanted=wanted_of(
                    spec,
                    inputs(spec, one.files, base, stages, options.compression),
                    checks_once(extra),
                    repository,
                ),
                compression=options.compression,
            )
        )
    refuse_shared(jobs)
    return jobs


def refuse_shared(jobs: Sequence[Job]) -> None:
    """Raise InputError when two cells would have one tag, as those of two frameworks have in one repository."""
    first = dict[str, str]()
    owned = ((cell(job.spec), reference) for job in jobs for reference in job.wanted.tags.references)
    shared = [
        f"{reference}: {first[reference]} and {name} would have this tag"
        for name, reference in owned
        if first.setdefault(reference, name) != name
    ]
    if shared:
        raise InputError(shared, hint="--repository NAME-{framework}: a repository for each framework")


def inputs(spec: ImageSpec, files: Files, base: Base, stages: site_inputs.Stages, compression: Compression) -> Inputs:
    """Everything that decides the bytes of the cell's image."""
    return inputs_of(
        files=files,
        row=row_of(spec),
        pins={pin.name: pin.value for pin in spec.pins},
        platform=f"{spec.platform.name}/{architecture()}",
        base=base.digest,
        toolchain=(base.toolchain or base).digest,
        stages=stages.hashes,
        layers=f"{FORMAT}-{compression}",
    )


def wanted_of(spec: ImageSpec, made_from: Inputs, checks: str, repository: str) -> Wanted:
    """The cell as the plan compares it."""
    mark = fingerprint(made_from)
    return Wanted(
        name=cell(spec),
        fingerprint=mark,
        inputs=made_from,
        checks=checks,
        tags=tags_of(spec, repository, mark),
        platform=spec.platform.name,
    )


def known_base(site: Site, say: Callable[[str], None], *, refresh: bool = False) -> BaseOf:
    """A function that gives the base of a platform as it is known now: it asks no mirror and makes nothing.

    With `refresh` the base is its own toolchain base, as after `build --refresh-toolchain`.
    """

    def find(platform: Platform) -> Base:
        base = cached_base(platform, site, cache_directory())
        if base is None:
            say(f"base {platform.name}: not made yet")
            return Base(kind="bootstrapped", digest="")
        if base.kind == "bootstrapped":
            say(f"base {platform.name}: the newest cached one, {base.digest[:19]}; its mirror was not asked")
        return with_toolchain(platform, base, cache_directory(), refresh=refresh)

    return find
