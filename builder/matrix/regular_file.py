"""Reads files that people name: only regular ones, and only so much."""

import errno
import os
import stat
from pathlib import Path


def read_bytes(file: Path, limit: int) -> bytes:
    """The content of a regular file; raises OSError, also when it is none or has more than `limit` bytes.

    What else there is may never end: a device, or a pipe that waits for a writer.
    """
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "a directory" if stat.S_ISDIR(mode) else "not a regular file", str(file))
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit:,} bytes", str(file))
    return content
