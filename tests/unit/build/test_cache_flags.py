"""The places of a build cache: what people write, and what buildx gets for each image."""

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.build.cache_flags import Direction, flag, parse

CELL = "pytorch/1.6.0-gpu-debian12"
OWN = "pytorch-1.6.0-gpu-debian12"


@pytest.mark.parametrize(
    ("direction", "text", "expected"),
    [
        ("to", "/var/cache/x", f"type=local,dest=/var/cache/x/{OWN},mode=max"),
        ("from", "./x", f"type=local,src=x/{OWN}"),
        ("to", "/a,b", f'type=local,"dest=/a,b/{OWN}",mode=max'),
        ("to", "host:5000/cache", f"type=registry,ref=host:5000/cache:{OWN},mode=max"),
        ("from", "host/team/cache:main", f"type=registry,ref=host/team/cache:main-{OWN}"),
        ("to", "type=local,dest=x,mode=min", f"type=local,dest=x/{OWN},mode=min"),
        ("from", "type=registry,ref=host/c@sha256:00", "type=registry,ref=host/c@sha256:00"),
        ("to", "type=gha", f"type=gha,scope={OWN}"),
        ("to", "type=gha,scope=main,mode=max", f"type=gha,scope=main-{OWN},mode=max"),
        ("to", "type=inline", "type=inline"),
    ],
)
def test_each_image_has_a_place_of_its_own(direction: Direction, text: str, expected: str) -> None:
    assert flag(parse(text, direction), CELL) == f"--cache-{direction}={expected}"


@pytest.mark.parametrize(
    ("direction", "text", "words"),
    [
        ("to", "cache", "'cache' is no directory (./cache)"),
        ("to", "", "'' is no directory"),
        ("to", "type=lokal,dest=x", "'lokal' is no type of cache: there are azblob"),
        ("to", "type=local,src=x", "lacks dest="),
        ("from", "type=local,dest=x", "lacks src="),
        ("from", "type=registry", "lacks ref="),
        ("to", "type=local,x", "'x' in 'type=local,x' is not NAME=VALUE"),
        ("to", "type=s3,bucket=b,secret_access_key=abc", "secret_access_key= would show"),
        ("to", "--output=type", "is no directory"),
    ],
)
def test_what_is_wrong_is_said(direction: Direction, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(text, direction)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30))
def test_a_path_can_add_no_field(name: str) -> None:
    written = flag(parse(f"./{name}", "from"), CELL).removeprefix("--cache-from=") if "type=" not in name else None
    if written is not None:
        assert len(next(csv.reader([written]))) == 2
