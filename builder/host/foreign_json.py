"""Reads JSON that others wrote."""

import json
from typing import Any

from builder.host.limits import JSON_DEPTH


def foreign_json(text: str | bytes) -> Any:  # noqa: ANN401 (as json.loads)
    """The value; raises ValueError for no JSON, and for one so deep that a walk through it might not end well."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level, depth = [found], 0
    while level:
        if depth > JSON_DEPTH:
            raise ValueError(f"it is nested deeper than {JSON_DEPTH} levels")
        below = (list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list)))
        level, depth = [value for values in below for value in values], depth + 1
    return found
