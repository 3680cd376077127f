"""Writes files that people asked for: each whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path

from builder.errors import BuilderError


def write_whole(file: Path, text: str) -> None:
    """Replace the file's content at once, so that nobody reads a part of it; raises BuilderError."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.write_text(text, "utf-8")
            scratch.replace(file)
        finally:
            with contextlib.suppress(OSError):
                scratch.unlink()
    except OSError as error:
        raise BuilderError(
            f"{file}: cannot be written: {error.strerror}", hint=f"ls -ld {file.parent}; df -h"
        ) from None
