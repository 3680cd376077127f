"""The document that a program prints in an image, on the image's own Python."""

from typing import TYPE_CHECKING, Any

from builder.errors import EngineError, InputError
from builder.host.cache import SHAPE
from builder.host.foreign_json import foreign_json
from builder.matrix.probes import PYTHON
from builder.verify.container import answer

if TYPE_CHECKING:
    import docker

HINT = "python -m builder list, for the images of the matrix"
LAST = 200
"""Characters of an error output that are shown."""


def printed(client: "docker.DockerClient", digest: str, program: str) -> Any:  # noqa: ANN401 (as json.loads)
    """The document that a program prints last, run by the image's Python in a container without a network.

    Raises InputError for no document, VerifyError when it prints or lasts too long, and EngineError.
    """
    done = answer(client, digest, f"{PYTHON} -c %s", program)
    if done.rc:
        raise EngineError(
            f"{digest}: its Python ended with exit code {done.rc}: {done.stderr.strip()[-LAST:]}", hint=HINT
        )
    try:
        return foreign_json(done.stdout.splitlines()[-1])
    except SHAPE as error:
        raise InputError(f"{digest}: its Python gives no document: {error!a:.200}", hint=HINT) from None
