"""`reference`: prints how to name the selected images where they are used, by digest."""

import sys
from pathlib import Path

from builder.build.contexts import existing
from builder.catalogue import forms
from builder.catalogue.forms import Files, Pull
from builder.catalogue.image_info import Info
from builder.commands.common.image_source import infos
from builder.commands.common.inputs import matrix_and_cells, root
from builder.commands.flags.view import ReferenceOptions
from builder.errors import BuilderError, InputError
from builder.host.files import write_whole

BUILD = "azureml-v2-build"


def run(options: ReferenceOptions) -> int:
    """Print each image in the form of `--format`, or write its files; raises BuilderError when one is missing."""
    _, cells = matrix_and_cells(options)
    found = infos(options, cells, layers=False)
    written = {info.name: files_of(options, info) for info in found}
    for info in found:
        files = written[info.name]
        if options.output is None:
            print("---\n" if len(found) > 1 and options.form == "kubernetes" else "", end="")
            print(next(iter(files.values())), end="")
            continue
        directory = options.output / forms.name_of(info) if len(found) > 1 else options.output
        for name, text in files.items():
            write_whole(directory / name, text)
        print(directory / next(iter(files)))
    return 0


def files_of(options: ReferenceOptions, info: Info) -> Files:
    """The files of the wanted form. The first is the one to print. Raises InputError or BuilderError."""
    if options.form.startswith("azureml") and forms.RESERVED.match(info.name):
        raise InputError(f"{info.name}: Azure ML keeps names that begin with AzureML or Microsoft for itself")
    if options.form == BUILD:
        return build_context(options, info)
    return forms.IMAGE_FORMS[options.form](info, pull(options, info))


def build_context(options: ReferenceOptions, info: Info) -> Files:
    """An environment that Azure ML builds from the rendered context; with `--output` also a copy of the context."""
    directory = root(options) / "images" / info.name
    context = existing(directory)
    if "Dockerfile" not in context:
        raise InputError(f"{directory}: no Dockerfile", hint="python -m builder render")
    path = "context" if options.output else Path("images", info.name).as_posix()
    copied = {f"context/{name}": text for name, text in context.items()} if options.output else {}
    print(f"{info.name}: its Dockerfile needs BuildKit where it is built", file=sys.stderr)
    return {"environment.yml": forms.azureml_v2_build(info, path, context), **copied}


def pull(options: ReferenceOptions, info: Info) -> Pull:
    """How the image is pulled. Stderr says when only this engine has it. Raises BuilderError when nobody has it."""
    where = options.image_info or options.registry or "this engine"
    found = forms.pull_of(info, by_tag=options.by_tag)
    if found is None:
        selection = f"--framework {info.framework} --version {info.version} --{info.device} --platform {info.platform}"
        hint = f"python -m builder build {selection}"
        raise BuilderError(f"{info.name}: {where} has no verified image of it", hint=hint)
    if options.by_tag and found.tag is None:
        raise BuilderError(f"{info.name}: {where} has it without its immutable tag", hint="leave --by-tag out")
    if found.host is None:
        print(f"{info.name}: on this engine only, others cannot pull it: push it, then --registry", file=sys.stderr)
    elif info.image and not info.image.is_current:
        print(f"{info.name}: the matrix has changed since this image was built", file=sys.stderr)
    return found
