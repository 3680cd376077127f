"""`sbom`: what an image holds, as a CycloneDX document on stdout."""

from builder.commands.flags.attest import AttestOptions
from builder.host import engine
from builder.verify import sbom as bills
from builder.verify.container import found, promise
from builder.verify.inventory import inventory


def run(options: AttestOptions) -> int:
    """Print the document of one image, once its schema has accepted it."""
    with engine.connected() as client:
        digest, image = found(client, options.image)
        document = bills.sbom(inventory(client, digest), digest=digest, promise=promise(image))
    bills.validate(document)
    print(bills.text(document), end="")
    return 0
