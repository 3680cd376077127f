"""Judges what is attached to an image in a registry: each item is in order, or its verdict says what is wrong.

Only what the trusted signer signed counts: a statement that somebody else attached is as good as none.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from builder.build.fingerprint import fingerprint_in, parse
from builder.errors import SignatureError, VerifyError
from builder.matrix.names import LABEL_INPUTS
from builder.matrix.promise import Promise, promise_in
from builder.matrix.reference import Reference
from builder.publish.signing import cosign
from builder.publish.signing.cosign import Trust
from builder.publish.signing.statements import BUILD_TYPE, CYCLONEDX, PROVENANCE, VERIFICATION
from builder.verify import sbom

ATTEST = "python -m builder attest, with the key that signs"
Labels = Mapping[str, str]
Predicate = Mapping[str, Any]


def signature(reference: Reference, trust: Trust) -> str:
    """Who signed the image; raises SignatureError when the trusted signer did not."""
    if not cosign.verify(reference, trust):
        raise SignatureError("nobody has signed it", hint=ATTEST)
    return f"signed by {cosign.signer_named(trust)}"


def stated(reference: Reference, kind: str, name: str, trust: Trust) -> Predicate:
    """The trusted signer's newest statement of that type; raises SignatureError when there is none."""
    found = cosign.attested(reference, kind, trust)
    if not found:
        raise SignatureError(f"no {name} is attached", hint=ATTEST)
    return found[-1]


def provenance(reference: Reference, labels: Labels, trust: Trust) -> str:
    """A summary of the provenance; raises SignatureError, and VerifyError when the image's labels say otherwise."""
    said = stated(reference, PROVENANCE, "provenance", trust)
    definition = part(said, "buildDefinition")
    if definition.get("buildType") != BUILD_TYPE:
        raise VerifyError(f"its provenance is of another kind of build: {definition.get('buildType')}")
    agree("cell", part(definition, "externalParameters").get("cell"), promised_in(labels).cell)
    agree("fingerprint", part(definition, "internalParameters").get("fingerprint"), fingerprint_in(labels))
    used = {str(one.get("name")): one for one in definition.get("resolvedDependencies") or () if isinstance(one, dict)}
    agree("base", "sha256:" + str(part(used.get("base"), "digest").get("sha256")), base_in(labels))
    source = used.get("source", {})
    commit = str(part(source, "digest").get("gitCommit") or "no commit")[:12] if source else "no commit"
    dirty = " with changes" if source and part(source, "annotations").get("dirty") else ""
    builder = part(part(said, "runDetails"), "builder").get("id")
    return f"{promised_in(labels).cell} from {commit}{dirty}, base {base_in(labels)[:19]}, by {builder}"


def part(document: object, name: str) -> Predicate:
    """A mapping inside a document; raises VerifyError when it is none."""
    found = document.get(name) if isinstance(document, Mapping) else None
    if not isinstance(found, Mapping):
        raise VerifyError(f"a signed statement has no {name}")
    return found


def agree(what: str, said: object, labelled: object) -> None:
    if said != labelled:
        raise VerifyError(f"its provenance names the {what} {said}, its label {labelled}")


def promised_in(labels: Labels) -> Promise:
    """What the label promises; raises InputError when the image was not built here."""
    return promise_in(labels, "it", "audit what `build` made")


def base_in(labels: Labels) -> str:
    try:
        return parse(labels[LABEL_INPUTS]).base
    except (KeyError, ValueError) as error:
        raise VerifyError(f"its label {LABEL_INPUTS} does not say what it was made from: {error}") from None


def bill(reference: Reference, trust: Trust, fresh: Predicate | None) -> str:
    """The size of the SBOM; raises VerifyError when it is not valid, or lists other components than the `fresh` one."""
    said = dict(stated(reference, CYCLONEDX, "SBOM", trust))
    sbom.validate(said)
    if wrong := sbom.difference(said, fresh) if fresh else []:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""  # noqa: PLR2004 (enough to see what happened)
        raise VerifyError(f"the SBOM is not what the image holds: {'; '.join(wrong[:3])}{more}", hint=ATTEST)
    how = "as in the image" if fresh else "valid"
    return f"{len(said.get('components') or ())} components, {how}"


def verification(reference: Reference, trust: Trust, checks: str | None) -> str:
    """A summary of the checks' report; raises VerifyError when it is of another image or of other `checks`."""
    said = report(reference, trust)
    if said.get("result") != "PASSED" or said.get("digest") != reference.digest:
        raise VerifyError(f"its report says {said.get('result')} of {said.get('digest')}")
    version = str(part(said, "checks").get("version"))
    if checks and version != checks:
        raise VerifyError(
            f"verified on {said.get('finishedOn')} by the checks {version[:12]}; those of today are {checks[:12]}",
            hint=ATTEST,
        )
    unchecked = said.get("notChecked") or ()
    return f"{len(said.get('passed') or ())} passed, {len(unchecked)} not checked, {said.get('finishedOn')}"


def finished(reference: Reference, trust: Trust) -> datetime:
    """When the verification of the image ended; raises SignatureError, VerifyError when the report has no such time."""
    return ended(report(reference, trust))


def report(reference: Reference, trust: Trust) -> Predicate:
    """The report of the checks that the trusted signer attached; raises SignatureError."""
    return stated(reference, VERIFICATION, "verification report", trust)


def ended(said: Predicate) -> datetime:
    """When the verification of a report ended; raises VerifyError when the report has no such time."""
    try:
        when = datetime.fromisoformat(str(said.get("finishedOn")))
    except ValueError:
        when = datetime.min  # noqa: DTZ901 (refused in the next line)
    if when.tzinfo is None:
        raise VerifyError(f"its report ended on {said.get('finishedOn')!r}, which is no time")
    return when


def row(labels: Labels, wanted: Mapping[str, Promise]) -> str:
    """A summary of the row; raises VerifyError when the matrix no longer wants what the label promises."""
    promised = promised_in(labels)
    name = promised.cell
    if name not in wanted:
        raise VerifyError(f"the matrix has no {name} any more")
    if drift := differences(promised, wanted[name]):
        raise VerifyError(f"the matrix wants today: {'; '.join(drift)}", hint="python -m builder build")
    return f"{name}: {len(promised.pins)} pins as the matrix wants them"


def differences(promised: Promise, wanted: Promise) -> list[str]:
    """The pins that differ between two rows, for example `torchvision 0.6.0 → 0.7.0`."""
    old, new = promised.values(), wanted.values()
    changed = [
        f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}"
        for name in sorted(old | new)
        if old.get(name) != new.get(name)
    ]
    return changed or ([] if promised == wanted else ["another row, with the same versions"])
