"""The software bill of materials of an image, as CycloneDX 1.6: the same bytes for the same image.

https://cyclonedx.org/docs/1.6/json/ and, for the identifiers, https://github.com/package-url/purl-spec.
No clock and no random serial: the date is the image's own, the serial number a UUID of the digest.
"""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from builder import __version__
from builder.errors import VerifyError
from builder.matrix.promise import Promise
from builder.matrix.spec import Distribution
from builder.verify.inventory import Inventory, Package
from builder.verify.licences import entries

SPEC_VERSION = "1.6"
LISTED = ("python-distribution", "dpkg", "conda", "os-release")
"""The probes whose pins stand in the list of packages anyway."""
ON_ITS_OWN = re.compile(r"/(site|dist)-packages/[^/]+/[^/]+$")
"""Where the metadata of a distribution is that is not inside another."""
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSubject:
    """The image that a document is about."""

    digest: str
    promise: Promise
    created: str
    """The date in its configuration, which is the same for the same bytes."""
    locked: tuple[Distribution, ...] = ()
    """The Python distributions that its lock has, with the hashes of their files."""


def sbom(inventory: Inventory, image: BillSubject) -> Document:
    """The document of the image, which holds what its checks have asserted of its promise."""
    hashes = {(one.name, one.version): one.sha256 for one in image.locked}
    found = [component(package, inventory, hashes) for package in inventory.packages]
    parts = [operating_system(inventory), *bundled(image.promise, inventory), *found]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, image.digest).urn,
        "version": 1,
        "metadata": metadata(image),
        "components": sorted(parts, key=lambda part: str(part["bom-ref"])),
        "dependencies": dependencies(image.digest, inventory, parts),
    }


def metadata(image: BillSubject) -> Document:
    """What the document is about and what made it, with the image's own date: no clock is read."""
    name = {"type": "container", "bom-ref": image.digest, "name": image.promise.cell, "version": image.digest}
    tool = {"type": "application", "name": "framework-images", "version": __version__}
    try:
        when = datetime.fromisoformat(image.created).astimezone(UTC)
        date = {"timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ")}
    except (ValueError, OverflowError):
        date = {}
    return {**date, "tools": {"components": [tool]}, "component": name}


def component(package: Package, inventory: Inventory, hashes: Mapping[tuple[str, str], str]) -> Document:
    """One package. Its hash is that of the wheel that the lock has, where it stands on its own in the environment."""
    purl = identifier(package, inventory)
    properties = {"framework-images:path": package.path, "framework-images:source-package": package.source}
    is_locked = package.ecosystem == "pypi" and ON_ITS_OWN.search(package.path)
    sha256 = hashes.get((package.name, package.version)) if is_locked else None
    return {
        "type": "library",
        "bom-ref": reference(package, inventory),
        "name": package.name,
        "version": package.version,
        **({"purl": purl} if purl else {}),
        **({"hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else {}),
        **({"licenses": licences} if (licences := entries(package.licences)) else {}),
        **listed("properties", properties),
    }


def reference(package: Package, inventory: Inventory) -> str:
    """What identifies a component; what several metadata files name the same differs by their path."""
    name = identifier(replace(package, source=""), inventory) or f"{package.ecosystem}:{package.name}@{package.version}"
    return f"{name}#{package.path}" if package.path else name


def identifier(package: Package, inventory: Inventory) -> str:
    """The package URL; empty for a name that cannot be one, such as a blank."""
    from packageurl import PackageURL

    namespace, qualifiers = None, dict(package.qualifiers)
    if package.ecosystem == "deb":
        namespace = inventory.os_id
        qualifiers["distro"] = f"{inventory.os_id}-{inventory.os_version}"
        qualifiers["upstream"] = package.source  # one without a value is left out
    try:
        return PackageURL(package.ecosystem, namespace, package.name, package.version, qualifiers).to_string()
    except (ValueError, TypeError):
        return ""


def dependencies(digest: str, inventory: Inventory, parts: Iterable[Document]) -> list[Document]:
    """What needs what. The image needs what no other component does."""
    there, edges = named(inventory), {str(part["bom-ref"]): set[str]() for part in parts}
    for package in inventory.packages:
        name = reference(package, inventory)
        for group in package.depends:
            first = next((there[key] for one in group if (key := (package.ecosystem, one)) in there), set[str]())
            edges[name] |= first - {name}
    needed = {name for names in edges.values() for name in names}
    edges[digest] = edges.keys() - needed
    return [{"ref": name, "dependsOn": sorted(edges[name])} for name in sorted(edges)]


def named(inventory: Inventory) -> dict[tuple[str, str], set[str]]:
    """The components by ecosystem and name, or by what they provide; vendored ones serve nobody else."""
    found: dict[tuple[str, str], set[str]] = {}
    for package in inventory.packages:
        if package.ecosystem != "pypi" or ON_ITS_OWN.search(package.path):
            for name in (package.name, *package.provides):
                found.setdefault((package.ecosystem, name), set()).add(reference(package, inventory))
    return found


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


def bundled(promise: Promise, inventory: Inventory) -> Iterator[Document]:
    """What no package manager knows: CUDA, cuDNN and NCCL inside torch's wheels, or a Python or Open MPI from source.

    Their versions are the pins of the row; the checks read each from the libraries themselves.
    """
    from packageurl import PackageURL

    for name, pin in promise.pins.items():
        if pin.probe.partition(":")[0] not in LISTED and not is_packaged(name, pin.value, inventory):
            purl = PackageURL("generic", None, name, pin.value).to_string()
            part = {"type": "library", "bom-ref": purl, "name": name, "version": pin.value, "purl": purl}
            yield {**part, **listed("properties", {"framework-images:asserted-by": pin.probe})}


def is_packaged(name: str, version: str, inventory: Inventory) -> bool:
    """Whether a package manager lists the same thing: `python3.11` and `openmpi-bin` are python and openmpi."""
    same = re.compile(rf"{re.escape(name)}(-bin|[0-9.]*)")
    upstream = re.compile(rf"(?:[0-9]+:)?{re.escape(version)}(?![0-9])")
    return any(
        one.ecosystem != "pypi" and same.fullmatch(one.name) and upstream.match(one.version)
        for one in inventory.packages
    )


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
