"""`sbom`: what an image holds, as a CycloneDX document on stdout."""

from collections.abc import Mapping
from typing import Any

from builder.commands.common.output import say
from builder.commands.common.publishing import checkout_of
from builder.commands.flags.attest import AttestOptions
from builder.errors import BuilderError
from builder.host import engine
from builder.matrix.spec import Distribution
from builder.publish.signing.documents import locked
from builder.verify import sbom as bills
from builder.verify.container import promise
from builder.verify.inventory import inventory
from builder.verify.sbom import BillSubject


def run(options: AttestOptions) -> int:
    """Print the document of one image, once its schema has accepted it."""
    with engine.connected() as client:
        image = engine.described(client, options.image)
        digest = str(image["Id"])
        subject = BillSubject(
            digest=digest,
            promise=promise(image),
            created=str(image.get("Created")),
            locked=locked_here(options, digest, image),
        )
        document = bills.sbom(inventory(client, digest), subject)
    bills.validate(document)
    print(bills.text(document), end="")
    return 0


def locked_here(options: AttestOptions, digest: str, image: Mapping[str, Any]) -> tuple[Distribution, ...]:
    """The distributions of the image's lock; none, and a word of it, where this checkout made other files."""
    try:
        return locked(checkout_of(options), digest, engine.labels_in(image))
    except BuilderError as error:
        say(f"without the hashes of its wheels: {error.message}")
        return ()
