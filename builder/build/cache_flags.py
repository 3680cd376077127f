"""`--cache-to` and `--cache-from`: checks what a person writes, and gives each image a cache of its own.

The specifications: https://docs.docker.com/build/cache/backends/. Images share no entry, as one build's export
replaces another's.
"""

import csv
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Direction = Literal["to", "from"]
NEEDED = {"local": {"to": "dest", "from": "src"}, "registry": {"to": "ref", "from": "ref"}}
KINDS = ("azblob", "gha", "inline", "local", "registry", "s3")
NAMED = {"azblob": "name", "gha": "scope", "s3": "name"}
"""The field that keeps images apart in caches without a path or a reference, for example `name` for `s3`."""
SECRET = {"access_key_id", "secret_access_key", "session_token", "token"}
REFERENCE = re.compile(
    r"[a-z0-9]+([._:-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,60})?"
)
EVERY_STAGE = ("mode", "max")
"""The final stage alone would save no compilation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A cache to export to or to import from, for all images of a run."""

    direction: Direction
    text: str
    """What the person wrote."""
    kind: str
    fields: tuple[tuple[str, str], ...]


def parse(text: str, direction: Direction) -> Cache:
    """A directory, a registry's reference, or a whole specification; raises ValueError with what is wrong."""
    if "type=" in text:
        return specification(text, direction)
    mode = (EVERY_STAGE,) if direction == "to" else ()
    if text.startswith(("/", ".", "~")):
        path = os.path.expanduser(text)  # noqa: PTH111 (Path's own refuses a ~name that is no user)
        return Cache(
            direction=direction, text=text, kind="local", fields=((NEEDED["local"][direction], str(Path(path))), *mode)
        )
    if REFERENCE.fullmatch(text):
        return Cache(direction=direction, text=text, kind="registry", fields=(("ref", text), *mode))
    raise ValueError(f"{text!r} is no directory (./cache), reference (host/name) or specification (type=...)")


def specification(text: str, direction: Direction) -> Cache:
    """What buildx takes: fields with commas between them."""
    words = next(csv.reader([text]), [])
    if bare := [word for word in words if "=" not in word]:
        raise ValueError(f"{bare[0]!r} in {text!r} is not NAME=VALUE")
    fields = {name.strip().lower(): value for name, _, value in (word.partition("=") for word in words)}
    if secret := SECRET & fields.keys():
        raise ValueError(f"{min(secret)}= would show in every list of processes: buildx reads it from the environment")
    kind = fields.pop("type", "")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no type of cache: there are {', '.join(KINDS)}")
    needed = NEEDED.get(kind, {}).get(direction)
    if needed and not fields.get(needed):
        raise ValueError(f"{text!r} lacks {needed}=")
    return Cache(direction=direction, text=text, kind=kind, fields=tuple(fields.items()))


def flag(cache: Cache, cell: str) -> str:
    """The flag for buildx, with the cell's own path, reference or name."""
    own = cell.replace("/", "-")
    fields = {"type": cache.kind, **dict(cache.fields)}
    if cache.kind == "local":
        where = NEEDED["local"][cache.direction]
        fields[where] = str(Path(fields[where]) / own)
    elif cache.kind == "registry" and "@" not in fields["ref"]:
        fields["ref"] = tagged(fields["ref"], own)
    elif cache.kind in NAMED:
        named = NAMED[cache.kind]
        fields[named] = "-".join(filter(None, (fields.get(named), own)))
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([f"{name}={value}" for name, value in fields.items()])
    return f"--cache-{cache.direction}={written.getvalue()}"


def tagged(reference: str, own: str) -> str:
    """The reference with a tag of its own: `host:5000/cache` becomes `host:5000/cache:CELL`."""
    head, slash, last = reference.rpartition("/")
    name, colon, tag = last.partition(":")
    return f"{head}{slash}{name}:{tag}{'-' if colon else ''}{own}"
