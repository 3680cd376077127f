"""What is signed, to the byte: statements in DSSE envelopes, and the payload that an image's signature covers.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md and, for how cosign keeps both as layers,
https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md. All pure.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.matrix.reference import Reference

IN_TOTO = "application/vnd.in-toto+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
LOG_ENTRY = "dev.sigstore.cosign/bundle"
PREDICATE_TYPE = "predicateType"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature in base64; the certificate in PEM and the entry of the transparency log, where there are any."""

    value: str
    certificate: str = ""
    log_entry: str = ""

    @property
    def annotations(self) -> dict[str, str]:
        """What proves the signer, besides the signature, as cosign annotates a layer."""
        found = {CERTIFICATE: self.certificate, LOG_ENTRY: self.log_entry}
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLayer:
    """A signature or a signed statement, as a layer of what cosign attaches to an image."""

    media_type: str
    content: bytes = field(repr=False)
    annotations: Mapping[str, str]


def payload_of(statement: Mapping[str, Any]) -> bytes:
    """The statement's one form, on one line: what is printed before signing, and what is signed."""
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()


def pre_authentication(payload: bytes) -> bytes:
    """The bytes that the signature of an envelope covers."""
    kind = IN_TOTO.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope(payload: bytes, signature: str) -> bytes:
    """The payload with its signature, as cosign stores and prints it."""
    document = {
        "payloadType": IN_TOTO,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": signature}],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def image_payload(reference: Reference) -> bytes:
    """What the signature of an image covers: its name and its digest."""
    critical = {
        "identity": {"docker-reference": reference.name},
        "image": {"docker-manifest-digest": str(reference.digest)},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def image_layer(payload: bytes, signature: Signature) -> SignedLayer:
    annotations = {SIGNATURE: signature.value, **signature.annotations}
    return SignedLayer(media_type=SIMPLE_SIGNING, content=payload, annotations=annotations)


def statement_layer(content: bytes, predicate_type: str, signature: Signature) -> SignedLayer:
    """The layer of an envelope, which holds its signature."""
    annotations = {SIGNATURE: "", PREDICATE_TYPE: predicate_type, **signature.annotations}
    return SignedLayer(media_type=DSSE, content=content, annotations=annotations)
