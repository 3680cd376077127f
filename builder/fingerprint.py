"""What an image is made of, as one hash: its context, its base, and the stages a site replaced."""

import hashlib
import json
from collections.abc import Mapping


def fingerprint(*, files: Mapping[str, str], base_digest: str, components: Mapping[str, str], checks: str) -> str:
    """A sha256 in hexadecimal over the rendered files, the base, the replaced stages and the checks' own version."""
    content = {
        "files": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()},
        "base": base_digest,
        "components": dict(components),
        "checks": checks,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
