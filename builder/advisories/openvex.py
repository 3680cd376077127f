"""What is accepted as an OpenVEX document: https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from builder.advisories.findings import Finding

CONTEXT = "https://openvex.dev/ns/v0.2.0"


def document(found: Iterable[Finding], *, day: str) -> dict[str, Any]:
    """One statement for each accepted finding. The day is the only time in it: equal findings give equal bytes."""
    accepted = [one for one in found if one.accepted]
    statements = [statement(one) for one in sorted(accepted, key=lambda one: (one.cell, one.name, one.ids))]
    digest = hashlib.sha256(json.dumps(statements, sort_keys=True).encode()).hexdigest()
    return {
        "@context": CONTEXT,
        "@id": f"urn:sha256:{digest}",
        "author": ", ".join(sorted({one.accepted.owner for one in accepted if one.accepted})) or "nobody",
        "timestamp": f"{day}T00:00:00Z",
        "version": 1,
        "statements": statements,
    }


def statement(one: Finding) -> dict[str, Any]:
    """That the cell's distribution is not affected, for a reason of OpenVEX's, or is and somebody answers for it."""
    accepted = one.accepted
    if accepted is None:
        raise ValueError(one.name)
    product = {
        "@id": f"pkg:generic/{one.cell.replace('/', '%2F')}",
        "subcomponents": [{"@id": f"pkg:pypi/{one.name}@{one.version}"}],
    }
    told = f"{accepted.owner}, until {accepted.until}: {accepted.reason}"
    judged = (
        {"status": "not_affected", "justification": accepted.justification, "impact_statement": told}
        if accepted.justification
        else {"status": "affected", "action_statement": f"accepted by {told}"}
    )
    return {"vulnerability": {"name": one.ids[0], "aliases": list(one.ids[1:])}, "products": [product], **judged}
