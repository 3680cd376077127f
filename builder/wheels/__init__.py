"""Locked wheels as layers of images, on this host: the same bytes for every row, image and day."""

from pathlib import Path

PROGRAM = Path(__file__).with_name("byte_code.py")
"""What compiles Python files, here and in the rendered Dockerfiles."""
