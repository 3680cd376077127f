"""Foreign text is printed through one function, wherever it comes from."""

import base64
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.build.progress import Display, Watch
from builder.errors import BuilderError, InputError, harmless, told
from tests.support.corpus import cases

EVIL = "\x1b]0;x\x07\u202e  ::error file=x::y\x9b31m ##[error]z\x85"


@pytest.mark.parametrize("case", cases("texts"))
def test_it_is_printed_so(case: Any) -> None:
    assert harmless(case["text"]) == case["shown"]


@given(st.text() | st.text("\x1b[]#:\r\n\x9b\x9c\u200b0;m "))
def test_nothing_is_obeyed(text: str) -> None:
    shown = harmless(text)
    assert not re.search(r"(?m)^[^\S\n]*::|##\[", shown)
    assert all(one.isprintable() or one in "\n\t" for one in shown)
    assert harmless(shown) == shown
    shown.encode()


def test_errors_repeat_it_harmlessly() -> None:
    for error in (BuilderError(EVIL, hint=EVIL), InputError([EVIL, EVIL], hint=EVIL)):
        assert harmless(told(error)) == told(error)
        assert harmless(str(error)) == str(error)


def test_a_build_log_and_the_display_repeat_it_harmlessly() -> None:
    log, echo, terminal = io.StringIO(), io.StringIO(), io.StringIO()
    watch = Watch(name="toy", log=log, echo=echo)
    data = base64.b64encode(f"a\r{EVIL}\n{EVIL}\r\n".encode()).decode()
    watch.feed({"vertexes": [{"digest": "1", "name": f"RUN {EVIL}", "started": "x"}]})
    watch.feed({"vertexes": [{"digest": "1", "name": f"RUN {EVIL}", "error": EVIL}]})
    watch.feed({"logs": [{"vertex": "1", "data": data}]})
    watch.feed(EVIL)
    with Display(terminal, live=False) as display:
        display.step(watch)
        display.say(EVIL)
    for text in (log.getvalue(), echo.getvalue(), terminal.getvalue(), "\n".join(watch.tail), watch.failed_step):
        assert harmless(text) == text
    assert len(watch.tail) == 3
