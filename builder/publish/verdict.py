"""What was found of one item of a published image, for example of its signature."""

from collections.abc import Callable
from dataclasses import dataclass

from builder.errors import InputError, RegistryError, SignatureError, UnavailableError, VerifyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether one item is in order, a sentence about it, and the next step where it is not."""

    item: str
    passed: bool
    text: str
    hint: str | None = None


def judged(item: str, question: Callable[[], str]) -> Verdict:
    """The verdict on a question: it passed with the returned text, or failed with the error that it raised.

    Raises UnavailableError: a registry that does not answer says nothing of the item.
    """
    try:
        return Verdict(item=item, passed=True, text=question())
    except UnavailableError:
        raise
    except (SignatureError, VerifyError, InputError, RegistryError) as error:
        return Verdict(item=item, passed=False, text=error.message, hint=error.hint)
