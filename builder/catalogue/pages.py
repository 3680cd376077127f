"""The catalogue: one static page for each cell and an index, which need no server. Pure.

The same input gives the same bytes: the only dates are those in image-info.json. The templates escape every value.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from builder.build.records import NOT_PROVED, Record
from builder.catalogue import forms as snippets
from builder.catalogue import layer_chart
from builder.catalogue.changes_over_time import Change, changes_of
from builder.catalogue.form_names import Form
from builder.catalogue.forms import name_of, pull_of
from builder.catalogue.image_info import Info
from builder.dependencies import cuda_wheels

HERE = Path(__file__).parent
GENERATOR = '<meta name="generator" content="framework-images">'
LABELS: Mapping[Form, str] = {
    "reference": "Image by digest",
    "docker-run": "Docker",
    "custom_docker_image": "Estimator (custom_docker_image)",
    "azureml-v2-image": "Azure ML environment, v2",
    "azureml-v1": "Azure ML environment, v1",
    "kubernetes": "Kubernetes pod",
    "devcontainer": "Dev container",
}
STATES = {
    "verified": "Verified",
    "rehearsed": "Rehearsed",
    "rendered": "Rendered, linted, locked only",
}
Files = dict[str, str]
NOTHING: Mapping[str, str] = MappingProxyType({})


def pages(infos: Sequence[Info], past: Sequence[Sequence[Info]] = (), cuda: Mapping[str, str] = NOTHING) -> Files:
    """The texts of the catalogue's files by path.

    `past` are older states of the same cells, the oldest first; `cuda` is what the torch wheels of CPU cells hold.
    """
    jinja = environment()
    jinja.globals |= {"cuda": cuda, "torch_with_cuda": cuda_wheels.MEANING}
    older = [{info.name: info for info in infos} for infos in past]
    files = {name: (HERE / name).read_text("utf-8") for name in ("catalogue.css", "catalogue.js")}
    files["index.html"] = jinja.get_template("index.html.j2").render(
        groups=groups(infos), infos=infos, platforms=sorted({info.platform for info in infos})
    )
    for info in infos:
        states = [before[info.name] for before in older if info.name in before]
        files[page(info)] = image_page(jinja, info, changes_of([*states, info]))
    return files


def environment() -> Environment:
    """The templates' environment: every value is escaped, and an undefined name is an error."""
    jinja = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    jinja.filters.update(
        bytes=layer_chart.human, day=day, note=note, page=page, state=state, said=said, verdict=verdict
    )
    jinja.globals |= {"states": STATES, "rehearsed": f"Rehearsed: {NOT_PROVED}"}
    return jinja


def image_page(jinja: Environment, info: Info, changes: Sequence[Change]) -> str:
    return jinja.get_template("image.html.j2").render(
        info=info,
        image=info.image,
        pull=pull_of(info),
        forms=forms(info),
        parts=layer_chart.parts(info),
        lists=lists(info),
        changes=changes,
    )


def groups(infos: Sequence[Info]) -> Mapping[str, list[Info]]:
    """The cells by framework, in the order of the matrix, the newest release of each framework first."""
    found: dict[str, list[Info]] = {}
    for info in infos:
        found.setdefault(info.title, []).insert(0, info)
    return found


def forms(info: Info) -> list[tuple[str, str]]:
    """The heading and text of each form that names the image; empty without an image."""
    pull = pull_of(info)
    if pull is None:
        return []
    return [(label, next(iter(snippets.IMAGE_FORMS[form](info, pull).values()))) for form, label in LABELS.items()]


def lists(info: Info) -> list[tuple[str, list[tuple[str, str]]]]:
    """The packages asked for, by list: each name with its version, which is empty when it was left open."""
    inputs = info.image.inputs if info.image else None
    return [(name, sorted(found.items())) for name, found in sorted((inputs.lists if inputs else {}).items()) if found]


def page(info: Info) -> str:
    """The path of a cell's page, relative to the catalogue."""
    return f"images/{name_of(info)}.html"


def state(info: Info) -> str:
    """Whether this cell was verified, rehearsed, or only rendered: a key of STATES."""
    if info.image and info.image.verification:
        return "verified"
    return info.recorded.record.status if info.recorded else "rendered"


def day(info: Info) -> str | None:
    """The day of the last known verification: that of the image when one was found, else that of the record."""
    if info.image and info.image.verification:
        return info.image.verification.when[:10]
    return info.recorded.record.day if info.recorded else None


def note(info: Info) -> str:
    """How the record differs from today's matrix and checks; empty where an image tells more."""
    is_known = info.image and info.image.verification
    return info.recorded.note if info.recorded and not is_known else ""


def said(info: Info) -> str:
    """A line about the last verification; empty when none is known."""
    if info.image and info.image.verification:
        return info.image.verification.summary
    return summary(info.recorded.record) if info.recorded else ""


def summary(one: Record) -> str:
    host = f"{one.architecture}, {'no GPU' if one.gpu == 'none' else 'with a GPU'}, Docker Engine {one.engine}"
    return f"{one.pins} pins asserted; {one.passed} passed, {one.not_checked} not checked; {host}"


def verdict(info: Info) -> str:
    text = f"{STATES[state(info)]} {day(info) or ''}".strip()
    return f"{text}, {note(info)}" if note(info) else text
