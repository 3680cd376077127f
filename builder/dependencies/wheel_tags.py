"""The wheel tags that an image accepts: PEP 425, PEP 600."""

from collections.abc import Iterator

from packaging.tags import Tag, compatible_tags, cpython_tags

from builder.matrix.version import order

OLDEST_MANYLINUX = 5
ABI_FLAG_UNTIL = (3, 8)
LEGACY = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}


def tags(python: str, glibc: str) -> Iterator[Tag]:
    """The wheel tags that CPython of this version accepts on this glibc, best first."""
    version = order(python).release[:2]
    interpreter = "cp" + "".join(map(str, version))
    abi = interpreter + ("m" if version < ABI_FLAG_UNTIL else "")
    platforms = list(manylinux(glibc))
    yield from cpython_tags(version, [abi], platforms)
    yield from compatible_tags(version, interpreter, platforms)


def manylinux(glibc: str) -> Iterator[str]:
    for minor in range(order(glibc).release[1], OLDEST_MANYLINUX - 1, -1):
        yield f"manylinux_2_{minor}_x86_64"
        if minor in LEGACY:
            yield LEGACY[minor]
    yield "linux_x86_64"
