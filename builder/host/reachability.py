"""Which sources answer from here: all are asked at the same time, once and briefly."""

import re
import ssl
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import urlsplit

from builder.errors import BuilderError
from builder.host import apt_sources, process
from builder.host.command import Command
from builder.host.site import USERINFO, Site, redact, rewrite
from builder.matrix.spec import CONDA, ImageSpec, Platform

SECONDS = 4.0
CONDA_PACKAGES = "packages conda"
Answers = dict[str, str]
"""The reason why a source does not answer, by its name; empty when it answers."""


def ask(site: Site, cells: tuple[ImageSpec, ...]) -> Answers:
    """Whether the package index, the mirrors, the base images and the downloads of these cells answer."""
    platforms = {spec.platform.name: spec.platform for spec in cells}
    urls = {f"download {source.name}": source.url for spec in cells for source in spec.sources}
    urls |= {f"packages {repository.name}": repository.url for spec in cells for repository in spec.repositories}
    if any(spec.pin("miniconda") for spec in cells):
        urls[CONDA_PACKAGES] = CONDA
    with ThreadPoolExecutor(16) as pool:
        asked = {"package index": pool.submit(index, site)}
        for name, platform in platforms.items():
            asked[f"base image {name}"] = pool.submit(registry, platform)
            if platform.bootstrap:
                asked[mirror(platform)] = pool.submit(archive, platform, site)
        asked |= {name: pool.submit(answers, rewrite(url, site), site) for name, url in urls.items()}
        return {name: future.result() for name, future in asked.items()}


def is_there(url: str, site: Site) -> bool:
    """Whether a server does not say that it lacks the file; raises OSError when it is silent, ValueError for no URL."""
    context = ssl.create_default_context(cafile=str(site.ca_bundle) if site.ca_bundle else None)
    # The matrix and the site admit http and https only.
    request = urllib.request.Request(USERINFO.sub("//", url), method="HEAD")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS, context=context):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        return error.code != HTTPStatus.NOT_FOUND


def answers(url: str, site: Site) -> str:
    """Why a server does not answer; empty for any answer, even that it wants a password."""
    try:
        is_there(url, site)
    except (OSError, ValueError) as error:
        return f"{urlsplit(url).hostname}: {getattr(error, 'reason', None) or error}"
    return ""


def index(site: Site) -> str:
    """Ask the package index: the site's, else the one that pip names as its default."""
    usage = Command(argv=(sys.executable, "-m", "pip", "download", "--help"))
    url = site.pip_index_url or said(usage, r"default\s+(http[^)\s]+)")
    return answers(f"{url}/pip/", site) if url else "pip names no index"


def said(command: Command, pattern: str, seconds: float = SECONDS) -> str:
    """The part of a command's output that matches the pattern's group; empty without a match."""
    try:
        found = re.search(pattern, process.run(command, timeout=seconds).stdout)
    except BuilderError:
        return ""
    return found[1] if found else ""


def registry(platform: Platform) -> str:
    """Ask the registry for the base image, with Docker's own login and mirrors."""
    image = f"{platform.base_image}@{platform.base_digest}"
    try:
        result = process.run(Command(argv=("docker", "buildx", "imagetools", "inspect", image)), timeout=SECONDS)
    except BuilderError as error:
        return error.message
    return "" if result.exit_code == 0 else redact(": ".join(" ".join(result.stderr.split()).split(": ")[-2:]))


def mirror(platform: Platform) -> str:
    """What the mirror of the platform's packages is called, for example `Debian mirror debian12`."""
    return f"{platform.os_id.capitalize()} mirror {platform.name}"


def archive(platform: Platform, site: Site) -> str:
    """Ask the mirror of the platform's suite."""
    if platform.bootstrap is None:
        return "it has no bootstrap"
    try:
        apt_sources.state(
            apt_sources.archives(platform.bootstrap.suite, site), platform.bootstrap.suite, site.ca_bundle
        )
    except BuilderError as error:
        return error.message
    return ""
