"""The error of a registry's refusal: its own words, made harmless, and the next step."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.errors import RegistryError, UnavailableError
from builder.host.cache import SHAPE
from builder.host.foreign_json import foreign_json
from builder.host.retry import later, retry_after

if TYPE_CHECKING:
    import requests

PASSING = (408, 429, 500, 502, 503, 504)
WORDS = 300


def brief(error: Exception) -> str:
    """The innermost reason of an error of requests, in one line."""
    text = str(error.args[0] if error.args else error)
    found = re.search(r"\[Errno -?\d+\] ([^)\"']+)", text)
    return clean(found[1] if found else text)


def clean(text: str) -> str:
    """Foreign text on one line: without control characters and query strings, which may hold a token, and cut."""
    shown = "".join(one if one.isprintable() else " " for one in text)
    return re.sub(r"\?\S*", "", " ".join(shown.split())).strip()[:WORDS]


def refusal(host: str, method: str, url: str, answer: "requests.Response") -> RegistryError:
    """The error of an answer that was not expected."""
    status, path = answer.status_code, urlsplit(url).path
    said = words(answer)
    message = f"{host}: {method} {path}: {status}{f' {said}' if said else ''}"
    if status in PASSING:
        wait = retry_after(answer.headers.get("Retry-After"))
        return UnavailableError(message, hint=later(wait) or "repeat the command: it resumes", status=status, wait=wait)
    return RegistryError(message, hint=advice(host, status), status=status)


def advice(host: str, status: int) -> str | None:
    """The next step after a refusal."""
    return {
        403: f"ask who runs {host} for the right to push there, or: docker login {host}",
        404: "is the name right? Some registries have a repository made by hand first",
        405: f"{host} does not do this: is it read-only, or a mirror?",
        413: f"{host}, or a proxy before it, limits the size of an upload",
    }.get(status)


def words(answer: "requests.Response") -> str:
    """The registry's own words on an error, or nothing; reads at most 16 KB."""
    try:
        text = next(answer.iter_content(1 << 14), b"").decode("utf-8", errors="replace")
        found = foreign_json(text)["errors"]
        text = "; ".join(f"{one.get('code', '')}: {one.get('message', '')}" for one in found)
    except SHAPE:
        text = ""
    except OSError:  # requests' own errors are OSErrors
        return ""
    finally:
        answer.close()
    return clean(text)
