"""Which CPU cells hold a torch that was built for CUDA: their locked wheel is the very file of the GPU cell. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from builder.dependencies.lockfile import Lock
from builder.matrix.names import cell, closure
from builder.matrix.spec import ImageSpec
from builder.matrix.version import short

TORCH = "torch"
MEANING = (
    "the CPU image holds the very torch wheel of the GPU image, with CUDA in it, "
    "as the package index has no other of that release."
)


def cuda_of(cells: Iterable[ImageSpec], lock: Lock) -> Mapping[str, str]:
    """The CUDA in the torch wheel of each CPU cell that has one, such as `10.2`, by the cell's name.

    `cells` must hold the GPU cells too, as their pins say what is in the wheel.
    """
    specs = tuple(cells)
    known = {key: cuda for spec in specs if spec.device == "gpu" for key, cuda in wheel_with_cuda(spec, lock)}
    found = {cell(spec): known.get((spec.platform.name, wheel(spec, lock))) for spec in specs if spec.device == "cpu"}
    return {name: cuda for name, cuda in found.items() if cuda}


def wheel_with_cuda(spec: ImageSpec, lock: Lock) -> Iterator[tuple[tuple[str, str], str]]:
    """Platform and wheel of a GPU cell with the CUDA that its pins name; nothing where either is not known."""
    pin, file = spec.pin("torch-cuda") or spec.pin("cuda"), wheel(spec, lock)
    if pin and file:
        yield (spec.platform.name, file), short(pin.value, 2)


def wheel(spec: ImageSpec, lock: Lock) -> str:
    """The sha256 of the cell's locked torch; empty without one."""
    locked = lock.closures.get(closure(spec))
    return next((one.sha256 for one in locked.distributions if one.name == TORCH), "") if locked else ""


def words(cuda: str | None) -> str:
    """What a table says after the state of a cell; empty where its torch has no CUDA that it should not have."""
    return f"; torch with CUDA {cuda}" if cuda else ""
