"""Advisories in OSV's form."""

from typing import Any


def record(**found: Any) -> dict[str, Any]:
    """A record in OSV's form; `ranges` and `versions` are of the one package."""
    about = {"package": {"ecosystem": "PyPI", "name": "Toy.Net"}}
    about |= {key: found.pop(key) for key in ("ranges", "versions") if key in found}
    return {"id": "X-1", "modified": "2026-01-01T00:00:00Z", "affected": [about], **found}


def ranges(*events: dict[str, str], kind: str = "ECOSYSTEM") -> list[dict[str, Any]]:
    return [{"type": kind, "events": list(events)}]
