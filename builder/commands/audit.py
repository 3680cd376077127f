"""`audit`: compares what is attached to images with the images, the matrix and today's checks."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builder.build import layout_cache
from builder.commands.common.output import document, say, workflow_command
from builder.commands.common.trust import checks_now, promises_now, resolved, trust
from builder.commands.flags.attest import AttestOptions
from builder.errors import harmless, with_hint
from builder.host import engine
from builder.matrix import reference as references
from builder.matrix.reference import Reference
from builder.publish.signing import audit as audits
from builder.publish.signing.cosign import Trust
from builder.publish.verdict import Verdict, judged
from builder.verify import sbom
from builder.verify.inventory import inventory
from builder.verify.sbom import BillSubject

if TYPE_CHECKING:
    import docker


def run(options: AttestOptions) -> int:
    """Audit each image; returns 1 unless every item of every image is in order."""
    believed = trust(options)
    named = [resolved(references.parse(image), options) for image in options.images]
    with engine.connected() as client:
        found = {str(reference): audited(client, options, reference, believed) for reference in named}
    if options.format == "table":
        for name, verdicts in found.items():
            print(harmless("\n".join([name, *map(line, verdicts), conclusion(verdicts)])))
    elif options.format == "github":
        print("".join(f"{one}\n" for name, verdicts in found.items() for one in annotations(name, verdicts)), end="")
    else:
        print(document([entry(name, verdicts) for name, verdicts in found.items()], "images", options.format))
    return 0 if all(map(is_good, found.values())) else 1


def audited(
    client: "docker.DockerClient", options: AttestOptions, reference: Reference, believed: Trust
) -> list[Verdict]:
    """A verdict on each item of one image."""
    here = layout_cache.bring(client, reference, say)
    image = engine.described(client, here)
    labels = engine.labels_in(image)
    say(f"auditing {reference}")

    def contents() -> str:
        subject = BillSubject(
            digest=str(reference.digest), promise=audits.promised_in(labels), created=str(image.get("Created"))
        )
        return audits.bill(reference, believed, sbom.sbom(inventory(client, here), subject))

    def checks() -> str:
        said = audits.report(reference, believed)
        audits.assert_current(said, checks_now(options, audits.promised_in(labels).framework))
        return audits.verification(reference, said)

    questions: dict[str, Callable[[], str]] = {
        "signature": lambda: audits.signature(reference, believed),
        "row": lambda: audits.row(labels, promises_now(options)),
        "provenance": lambda: audits.provenance(reference, labels, believed),
        "verification": checks,
        "sbom": contents,
    }
    return [judged(item, question) for item, question in questions.items()]


def is_good(verdicts: list[Verdict]) -> bool:
    return all(verdict.passed for verdict in verdicts)


def line(verdict: Verdict) -> str:
    word = "ok" if verdict.passed else "WRONG"
    return with_hint(f"  {verdict.item:13} {word:6} {verdict.text}", verdict.hint, indent=23)


def conclusion(verdicts: list[Verdict]) -> str:
    wrong = [verdict.item for verdict in verdicts if not verdict.passed]
    return f"not in order: {', '.join(wrong)}" if wrong else "in order"


def annotations(name: str, verdicts: list[Verdict]) -> Iterator[str]:
    """The items that are not in order, as a workflow of GitHub shows them."""
    return (workflow_command("error", one.text, title=f"{name}: {one.item}") for one in verdicts if not one.passed)


def entry(name: str, verdicts: list[Verdict]) -> dict[str, Any]:
    return {"name": name, "passed": is_good(verdicts), "items": [asdict(verdict) for verdict in verdicts]}
