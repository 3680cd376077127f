"""`sbom`: what an image holds, as a CycloneDX document on stdout."""

from builder import engine
from builder import sbom as bills
from builder.flags.attesting import AttestOptions
from builder.inventory import inventory
from builder.ready import found, promise


def run(options: AttestOptions) -> int:
    """Print the document of one image, once its schema has accepted it."""
    with engine.connected() as client:
        digest, image = found(client, options.image)
        document = bills.sbom(inventory(client, digest), digest=digest, row=promise(image))
    bills.validate(document)
    print(bills.text(document), end="")
    return 0
