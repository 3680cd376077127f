"""The host's own indexes, wheel directories and certificates, as pip is configured.

https://pip.pypa.io/en/stable/topics/configuration/
"""

from collections.abc import Iterator, Mapping
from configparser import Error as ConfigError
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from builder.host.files import expanded, unreadable

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SECTIONS = ("global", "install")
"""The later section wins, as in pip."""
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """The host's settings that a build can use, and a sentence for each that it cannot."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[Path, ...] = ()
    ca_bundle: Path | None = None
    skipped: tuple[str, ...] = ()


def settings(texts: Mapping[str, str], environ: Mapping[str, str]) -> HostSettings:
    """The settings in pip's files, given as text by name, and in the variables of pip and of CA bundles."""
    skipped: list[str] = []
    options = parse(texts, environ, skipped)
    indexes = list(visible(options.get("index-url", ""), "index", skipped))
    extra = tuple(visible(options.get("extra-index-url", ""), "index", skipped))
    links = tuple(directories(options.get("find-links", ""), skipped))
    bundle = ca_bundle(options, environ, skipped)
    return HostSettings(
        index_url=indexes[0] if indexes else None,
        extra_index_urls=extra,
        find_links=links,
        ca_bundle=bundle,
        skipped=tuple(skipped),
    )


def parse(texts: Mapping[str, str], environ: Mapping[str, str], skipped: list[str]) -> dict[str, str]:
    """The options by name: a later file wins, `[install]` over `[global]`, and a variable over both."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for name, text in texts.items():
        file = RawConfigParser()
        try:
            file.read_string(text, name)
        except ConfigError as error:
            skipped.append(f"pip's configuration {name} cannot be read: {str(error).splitlines()[0]}")
            continue
        for section in filter(file.has_section, SECTIONS):
            found[section] |= dict(file.items(section))
    variables = {key.removeprefix("PIP_"): value for key, value in environ.items() if key.startswith("PIP_")}
    merged = (*found.values(), variables)
    return {normal(key): value for options in merged for key, value in options.items() if value}


def normal(option: str) -> str:
    """An option's name as on pip's command line."""
    return option.lower().replace("_", "-").removeprefix("--")


def visible(value: str, what: str, skipped: list[str]) -> Iterator[str]:
    """The URLs that a build can reach; each other one adds a sentence to `skipped`."""
    for url in value.split():
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            skipped.append(f"pip's {what} {bare(url)} is local, which a build cannot see: use find-links")
        elif parts.hostname in LOCAL_HOSTS:
            skipped.append(f"pip's {what} {bare(url)} is this machine's own: a build has another localhost")
        else:
            yield url


def directories(value: str, skipped: list[str]) -> Iterator[Path]:
    """The readable directories of find-links; each other link adds a sentence to `skipped`."""
    for link in value.split():
        parts = urlsplit(link)
        path = expanded(unquote(parts.path) if parts.scheme == "file" else link)
        if parts.scheme in ("http", "https"):
            skipped.append(f"pip's find-links {bare(link)} is a page: only directories enter a build")
        elif why := unreadable(path, "directory"):
            skipped.append(f"pip's find-links {path} is no directory to read: {why}")
        else:
            yield path.absolute()


def ca_bundle(options: Mapping[str, str], environ: Mapping[str, str], skipped: list[str]) -> Path | None:
    """The first readable bundle: pip's, then OpenSSL's, then that of requests."""
    named = (options.get("cert"), *map(environ.get, CA_VARIABLES))
    for name in dict.fromkeys(filter(None, named)):
        if not (why := unreadable(Path(name), "file")):
            return Path(name)
        skipped.append(f"the CA bundle {name} is no file to read: {why}")
    return None


def bare(url: str) -> str:
    """The URL without its user, password and query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
