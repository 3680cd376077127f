"""How bad an advisory is: a word from its database, else from its CVSS vector, else unknown, which is no comfort."""

from typing import Literal, get_args

from builder.advisories.record import Advisory

Severity = Literal["none", "low", "medium", "high", "critical", "unknown"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The worst last: what nobody has rated may be as bad as any."""
WORDS: dict[str, Severity] = {one: one for one in SEVERITIES} | {"moderate": "medium"}
LEAST: tuple[tuple[float, Severity], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
"""https://www.first.org/cvss/v3.1/specification-document, table 14."""


def severity(found: Advisory) -> Severity:
    """The word for it."""
    if found.rating in WORDS:
        return WORDS[found.rating]
    scores = [score for vector in found.vectors if (score := base_score(vector)) is not None]
    return rated(max(scores)) if scores else "unknown"


def rated(score: float) -> Severity:
    return next((word for least, word in LEAST if score >= least), "none")


def base_score(vector: str) -> float | None:
    """The base score of a CVSS vector of version 2, 3 or 4; None for text that is none."""
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    kind = CVSS4 if vector.startswith("CVSS:4") else CVSS3 if vector.startswith("CVSS:3") else CVSS2
    try:
        found = kind(vector)
    except CVSSError:
        return None
    return float(found.base_score)
