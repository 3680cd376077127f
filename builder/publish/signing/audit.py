"""Judges what is attached to an image in a registry: each item is in order, or its verdict says what is wrong.

Only what the trusted signer signed counts: a statement that somebody else attached is as good as none.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from builder.build.fingerprint import fingerprint_in, parse
from builder.errors import SignatureError, VerifyError
from builder.matrix import rehearsal
from builder.matrix.names import LABEL_INPUTS
from builder.matrix.promise import Promise, promise_in
from builder.matrix.reference import Reference
from builder.publish.signing import cosign
from builder.publish.signing.cosign import Trust
from builder.publish.signing.statements import CYCLONEDX, PROVENANCE, VERIFICATION, is_build_type
from builder.verify import sbom
from builder.verify.report import is_past

ATTEST = "python -m builder attest IMAGE --sign-key KEY, with the key that signs"
Labels = Mapping[str, str]
Predicate = Mapping[str, Any]


def signature(reference: Reference, trust: Trust) -> str:
    """Who signed the image; raises SignatureError when the trusted signer did not."""
    if not cosign.verify(reference, trust):
        raise SignatureError("nobody has signed it", hint=ATTEST)
    return f"signed by {cosign.signer_named(trust)}"


def stated(reference: Reference, kind: str, name: str, trust: Trust) -> list[Predicate]:
    """The trusted signer's statements of that type, the last attached last; raises SignatureError for none."""
    found = cosign.attested(reference, kind, trust)
    if not found:
        raise SignatureError(f"no {name} is attached", hint=ATTEST)
    return list(found)


def provenance(reference: Reference, labels: Labels, trust: Trust) -> str:
    """A summary of the provenance; raises SignatureError, and VerifyError when the image's labels say otherwise."""
    said = stated(reference, PROVENANCE, "provenance", trust)[-1]
    definition = part(said, "buildDefinition")
    if not is_build_type(definition.get("buildType")):
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
    said = dict(stated(reference, CYCLONEDX, "SBOM", trust)[-1])
    sbom.validate(said)
    if wrong := sbom.difference(said, fresh) if fresh else []:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""  # noqa: PLR2004 (enough to see what happened)
        raise VerifyError(f"the SBOM is not what the image holds: {'; '.join(wrong[:3])}{more}", hint=ATTEST)
    how = "as in the image" if fresh else "valid"
    return f"{len(said.get('components') or ())} components, {how}"


def verification(reference: Reference, said: Predicate) -> str:
    """A summary of the checks' report; raises VerifyError when it is of another image, or of no known checks."""
    checks_in(said)
    if said.get("result") != "PASSED" or said.get("digest") != reference.digest:
        raise VerifyError(f"its report says {said.get('result')} of {said.get('digest')}")
    unchecked = said.get("notChecked") or ()
    return f"{len(said.get('passed') or ())} passed, {len(unchecked)} not checked, {said.get('finishedOn')}"


def assert_current(said: Predicate, checks: str) -> None:
    """Raise VerifyError unless the report is of these checks."""
    if (version := checks_in(said)) != checks:
        raise VerifyError(
            f"verified on {said.get('finishedOn')} by the checks {version[:12]}; those of today are {checks[:12]}",
            hint=ATTEST,
        )


def checks_in(said: Predicate) -> str:
    """The version of the checks that a report is of; raises VerifyError when it names none."""
    return str(part(said, "checks").get("version"))


def report(reference: Reference, trust: Trust) -> Predicate:
    """The newest report of the checks that the trusted signer attached; one of the future counts for nothing.

    Raises SignatureError when there is none, VerifyError when none ended at a time that has passed.
    """
    found = stated(reference, VERIFICATION, "verification report", trust)
    past = [one for one in found if has_ended(one)]
    return max(past or found[-1:], key=ended)  # where none is past, `ended` says what is wrong with the last


def has_ended(said: Predicate) -> bool:
    """Whether the report ended at a time that has passed."""
    try:
        ended(said)
    except VerifyError:
        return False
    return True


def ended(said: Predicate) -> datetime:
    """When the verification of a report ended; raises VerifyError for no time, and for one that has not come."""
    try:
        when = datetime.fromisoformat(str(said.get("finishedOn")))
    except ValueError:
        when = datetime.min  # noqa: DTZ901 (refused in the next line)
    if when.tzinfo is None:
        raise VerifyError(f"its report ended on {said.get('finishedOn')!r}, which is no time")
    if not is_past(when):
        raise VerifyError(f"its report ended on {said.get('finishedOn')}, which is in the future", hint=ATTEST)
    return when


def row(labels: Labels, wanted: Mapping[str, Promise]) -> str:
    """A summary of the row; raises VerifyError when the matrix no longer wants what the label promises."""
    rehearsal.refuse(labels, "it")
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
