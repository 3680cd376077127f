"""A source of builds: what it is called, who needs it, what a site can set instead, and the questions to it."""

import ssl
import urllib.error
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Literal

from builder.dependencies.package_index import UnansweredError
from builder.errors import BuilderError, RegistryError, UnavailableError
from builder.host.in_time import answers
from builder.host.retry import RetryPolicy

Kind = Literal["base image", "archive", "repository", "packages", "key", "download", "conda packages", "package index"]
State = Literal["gone", "answers otherwise", "not reachable", "answers"]
STATES: tuple[State, ...] = ("gone", "answers otherwise", "not reachable", "answers")
"""The worst first."""
SECONDS = 120.0
"""For all sources together."""
QUICK = RetryPolicy(pauses=(0.5,), deadline=20.0)
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
CA_BUNDLE = "ca-bundle"
Question = Callable[[], "Iterable[Answer]"]
"""Gives an answer for each thing that it is about; raises OSError, ValueError or BuilderError for all of them."""


class GoneError(BuilderError):
    """The server answers, and has it no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of one thing now; without cells it is of those of its source."""

    subject: str
    state: State = "answers"
    said: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source, and what is asked of it. Where the first question reaches nobody, the others are not asked."""

    kind: Kind
    name: str
    cells: tuple[str, ...]
    questions: tuple[Question, ...]
    instead: str
    """The keys of the site file that name another place."""
    replaced: str = ""
    """What the site has set already, so that its builds do not need the source; else empty."""


Answered = tuple[Source, tuple[Answer, ...]]


def ask(sources: Sequence[Source], seconds: float = SECONDS) -> list[Answered]:
    """The answers of every source, in that order, within so many seconds."""
    limit = monotonic() + seconds
    first = asked([(one, one.questions[0]) for one in sources], seconds)
    more = [
        (one, question)
        for one, (_, found) in zip(sources, first, strict=True)
        if all(answer.state != "not reachable" for answer in found)
        for question in one.questions[1:]
    ]
    rest = asked(more, max(0.0, limit - monotonic()))
    return [
        (one, (*found, *(answer for other, group in rest if other is one for answer in group)))
        for one, (_, found) in zip(sources, first, strict=True)
    ]


def asked(questions: Sequence[tuple[Source, Question]], seconds: float) -> list[Answered]:
    """The answers to these questions, in their order."""
    found = answers([partial(answered, source, question) for source, question in questions], seconds)
    silent = f"no answer in the {SECONDS:.0f} s that all sources have together"
    return [
        (source, (Answer(subject=source.name, state="not reachable", said=silent),) if one is None else one)
        for (source, _), one in zip(questions, found, strict=True)
    ]


def answered(source: Source, question: Question) -> tuple[Answer, ...]:
    """The answers to one question; an error is one answer, of the source as a whole."""
    try:
        return tuple(question())
    except (OSError, ValueError, BuilderError) as error:
        return (failed(source.name, error),)


def failed(subject: str, error: Exception) -> Answer:
    """What an error says of the thing that was asked for."""
    cause = error.error if isinstance(error, UnansweredError) else error
    reason = None if isinstance(cause, urllib.error.HTTPError) else getattr(cause, "reason", None)
    said = cause.message.splitlines()[0] if isinstance(cause, BuilderError) else str(reason or cause)
    return Answer(subject=subject, state=state_of(cause, reason), said=said)


def state_of(cause: Exception, reason: object) -> State:
    """The state that an error means: a server that is reached and not trusted, or refuses, answers otherwise."""
    if isinstance(cause, GoneError) or (isinstance(cause, urllib.error.HTTPError) and cause.code in GONE):
        return "gone"
    if isinstance(cause, urllib.error.HTTPError):
        return "answers otherwise"
    if isinstance(cause, RegistryError):
        return "not reachable" if isinstance(cause, UnavailableError) and not cause.status else "answers otherwise"
    is_silent = isinstance(cause, OSError) and not isinstance(reason or cause, ssl.SSLError)
    return "not reachable" if is_silent else "answers otherwise"


def instead(source: Source, answer: Answer) -> str:
    """What a site can set where this is the answer."""
    return CA_BUNDLE if "certificate" in answer.said.lower() else source.instead


def arranged(answered: Iterable[Answered]) -> list[tuple[Source, Answer]]:
    """Every answer with its source, the worst first."""
    found = [(source, answer) for source, group in answered for answer in group]
    return sorted(found, key=lambda one: STATES.index(one[1].state))


def problems(answered: Iterable[Answered]) -> list[tuple[Source, Answer]]:
    """Whatever does not answer as a build needs it, the worst first."""
    return [one for one in arranged(answered) if one[1].state != "answers"]
