"""Signs an image and the statements about it with cosign, which gets the very bytes that are written here.

A key signs all of them in one process. Where a transparency log is written to, each has an entry and a process of its
own. The entry of a statement has another form, which only `attest-blob --statement` makes.
"""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.errors import InputError, SignatureError
from builder.host.cache import SHAPE
from builder.host.foreign_json import foreign_json
from builder.host.temporary import scratch
from builder.matrix.reference import Reference
from builder.publish.signing import cosign, envelopes
from builder.publish.signing.cosign import Signer
from builder.publish.signing.envelopes import Signature, SignedLayer

LARGEST_BUNDLE = 1 << 26
Payloads = Mapping[str, bytes]
"""The statements as they are signed, by the type of their predicate."""


def check(signer: Signer) -> None:
    """Raise InputError when the cosign here cannot sign as the flags say."""
    if is_logged(signer) and "--statement" not in cosign.flags("attest-blob"):
        raise InputError(
            "this cosign logs no statement of in-toto v1: --keyless and --transparency-log need 2.6 or newer",
            hint="cosign version; or --sign-key FILE without --transparency-log",
        )


def is_logged(signer: Signer) -> bool:
    return signer.key is None or signer.transparency_log


def signed(reference: Reference, said: Payloads, signer: Signer, *, image: bool) -> list[SignedLayer]:
    """The statements with their signatures and, with `image`, the signature of the image; raises SignatureError."""
    check(signer)
    with scratch() as directory:
        made = logged if is_logged(signer) else by_key
        return list(made(reference, said, signer, directory, image=image))


def by_key(
    reference: Reference, said: Payloads, signer: Signer, directory: Path, *, image: bool
) -> Iterator[SignedLayer]:
    """All layers, by one process."""
    covered = envelopes.image_payload(reference)
    blobs = [*([covered] if image else []), *map(envelopes.pre_authentication, said.values())]
    files = [written(directory / str(number), blob) for number, blob in enumerate(blobs)]
    found = cosign.answer(("sign-blob", "--yes", *cosign.signing(signer), *map(str, files))).split()
    if len(found) != len(blobs):
        raise SignatureError(f"cosign made {len(found)} signatures of {len(blobs)}")
    if image:
        yield envelopes.image_layer(covered, Signature(value=found.pop(0)))
    for (kind, payload), value in zip(said.items(), found, strict=True):
        content = envelopes.envelope(payload, value)
        yield envelopes.statement_layer(content, kind, Signature(value=value))


def logged(
    reference: Reference, said: Payloads, signer: Signer, directory: Path, *, image: bool
) -> Iterator[SignedLayer]:
    """All layers, each by a process that also writes to the transparency log."""
    words, bundle = cosign.signing(signer), directory / "bundle"
    to_bundle = f"--bundle={bundle}"
    if image:
        covered = envelopes.image_payload(reference)
        cosign.answer(("sign-blob", "--yes", *words, to_bundle, str(written(directory / "image", covered))))
        yield envelopes.image_layer(covered, signature_in(bundle))
    for kind, payload in said.items():
        file = written(directory / "statement", payload)
        cosign.answer(("attest-blob", "--yes", *words, to_bundle, f"--statement={file}"))
        found = signature_in(bundle)
        yield envelopes.statement_layer(base64.b64decode(found.value), kind, found)


def written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def signature_in(bundle: Path) -> Signature:
    """What cosign wrote beside a blob: signature, certificate and log entry. Raises SignatureError."""
    try:
        with bundle.open("rb") as stream:
            found: Mapping[str, Any] = foreign_json(stream.read(LARGEST_BUNDLE))
        certificate = base64.b64decode(found.get("cert") or "").decode()
        base64.b64decode(found["base64Signature"], validate=True)
        return Signature(
            value=found["base64Signature"],
            # With a key, its public half stands there.
            certificate=certificate if "BEGIN CERTIFICATE" in certificate else "",
            log_entry=envelopes.payload_of(found["rekorBundle"]).decode() if found.get("rekorBundle") else "",
        )
    except (OSError, *SHAPE):
        raise SignatureError("cosign wrote no bundle that can be read") from None
