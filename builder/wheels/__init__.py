"""Locked wheels as layers of images, on this host: the same bytes for every row, image and day."""

from pathlib import Path
from typing import Literal, get_args

Compression = Literal["zstd", "gzip"]
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
FORMAT = 1
"""Counted up when the same wheels become other bytes."""
PROGRAM = Path(__file__).with_name("byte_code.py")
"""What compiles Python files, here and in the rendered Dockerfiles."""
