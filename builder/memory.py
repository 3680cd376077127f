"""Small files of what this host remembers: each whole or absent, and one that cannot be read is as good as absent."""

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = 1


def recall(file: Path) -> dict[str, Any] | None:
    """What the file holds, or None when it is absent; raises ValueError when it is damaged or of another schema."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"it is not of schema {SCHEMA}")
    return content


def remember(file: Path, content: Mapping[str, Any]) -> None:
    """Write the file so that others read the old content or the new, never a part; raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        scratch.write_text(json.dumps({"schema": SCHEMA, **content}, sort_keys=True, indent=1) + "\n", "utf-8")
        scratch.replace(file)
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()
