"""The software bill of materials of an image, as CycloneDX 1.6: the same bytes for the same image.

https://cyclonedx.org/docs/1.6/json/ and, for the identifiers, https://github.com/package-url/purl-spec.
No clock and no random serial: the serial number is a UUID of the digest.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from builder.errors import VerifyError
from builder.matrix.promise import Promise
from builder.verify.inventory import Inventory, Package

SPEC_VERSION = "1.6"
LISTED = ("python-distribution", "dpkg", "conda", "os-release")
"""The probes whose pins stand in the list of packages anyway."""
Document = dict[str, Any]


def sbom(inventory: Inventory, *, digest: str, promise: Promise) -> Document:
    """The document for the image of that digest, which holds what its checks have asserted of its promise."""
    found = [component(package, inventory) for package in inventory.packages]
    parts = [operating_system(inventory), *bundled(promise), *found]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, digest).urn,
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": digest, "name": promise.cell, "version": digest}},
        "components": sorted(parts, key=lambda part: str(part["bom-ref"])),
    }


def component(package: Package, inventory: Inventory) -> Document:
    """One package; what several metadata files name the same differs by their path."""
    purl = identifier(package, inventory)
    name = purl or f"{package.ecosystem}:{package.name}@{package.version}"
    properties = {"framework-images:path": package.path, "framework-images:source-package": package.source}
    return {
        "type": "library",
        "bom-ref": f"{name}#{package.path}" if package.path else name,
        "name": package.name,
        "version": package.version,
        **({"purl": purl} if purl else {}),
        **({"licenses": [{"license": {"name": package.licence}}]} if package.licence else {}),
        **listed("properties", properties),
    }


def identifier(package: Package, inventory: Inventory) -> str:
    """The package URL; empty for a name that cannot be one, such as a blank."""
    from packageurl import PackageURL

    namespace, qualifiers = None, dict(package.qualifiers)
    if package.ecosystem == "deb":
        namespace = inventory.os_id
        qualifiers["distro"] = f"{inventory.os_id}-{inventory.os_version}"
    try:
        return PackageURL(package.ecosystem, namespace, package.name, package.version, qualifiers).to_string()
    except (ValueError, TypeError):
        return ""


def listed(key: str, properties: Mapping[str, str]) -> Document:
    found = [{"name": name, "value": value} for name, value in properties.items() if value]
    return {key: found} if found else {}


def operating_system(inventory: Inventory) -> Document:
    return {
        "type": "operating-system",
        "bom-ref": f"os:{inventory.os_id}-{inventory.os_version}",
        "name": inventory.os_id,
        "version": inventory.os_version,
    }


def bundled(promise: Promise) -> Iterator[Document]:
    """What no package manager knows: CUDA, cuDNN and NCCL inside torch's wheels, or a Python or Open MPI from source.

    Their versions are the pins of the row; the checks read each from the libraries themselves.
    """
    from packageurl import PackageURL

    for name, pin in promise.pins.items():
        if pin.probe.partition(":")[0] not in LISTED:
            purl = PackageURL("generic", None, name, pin.value).to_string()
            part = {"type": "library", "bom-ref": purl, "name": name, "version": pin.value, "purl": purl}
            yield {**part, **listed("properties", {"framework-images:asserted-by": pin.probe})}


def text(document: Document) -> str:
    """The document's one form as text."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def validate(document: Document) -> None:
    """Raise VerifyError unless CycloneDX's own schema accepts the document."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text(document))
    if error:
        reason = str(error).partition("\n")[0]
        raise VerifyError(f"the SBOM is not valid CycloneDX {SPEC_VERSION}: {reason}")


def difference(stated: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What a stated SBOM has too much or too little of, against the one made anew; empty when they agree."""
    before, after = references(stated.get("components")), references(found.get("components"))
    return [
        *(f"{name} is stated, and not in the image" for name in sorted(before - after)),
        *(f"{name} is in the image, and not stated" for name in sorted(after - before)),
    ]


def references(components: object) -> set[str]:
    """What the components are, by what identifies each; whatever is no component counts as nothing."""
    entries: Iterable[object] = components if isinstance(components, list) else ()
    return {str(entry.get("bom-ref")) for entry in entries if isinstance(entry, dict)}
