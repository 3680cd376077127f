"""Wheels in one layer, for tests of what a wheel becomes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from builder.derive.assemble import Parts, assert_nothing_moves
from builder.derive.base_files import BaseFiles
from builder.wheels.blob import Blob, Sink, pack
from builder.wheels.interpreter import Interpreter
from builder.wheels.tree import Tree
from builder.wheels.unpack import unpack

INTERPRETER = Interpreter(python="3.11.2", site_packages="/opt/env/lib/python3.11/site-packages", tag="cpython-311")


def one_layer(
    wheels: Mapping[str, Path],
    base: BaseFiles,
    directory: Path,
    *,
    hidden: Iterable[str] = (),
    replaced: frozenset[str] = frozenset(),
) -> Blob:
    """The layer of these wheels, by distribution, on a base; raises InputError for what `derive` refuses."""

    def fill(tars: Sequence[Sink]) -> None:
        tree = Tree(tars=tars, interpreter=INTERPRETER)
        for name, wheel in sorted(wheels.items()):
            unpack(wheel, name, tree)
        for path in sorted(set(hidden) - tree.paths.keys()):
            tree.remove(path)
        assert_nothing_moves(tree, Parts(wheels=wheels, replaced=replaced), base)

    return pack([directory / "layer.tar.zst"], fill)[0]
