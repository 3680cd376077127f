"""Transfers side by side: never more than a few, and none goes on when one cannot."""

import signal
import threading
import time
from functools import partial

import pytest

from builder.errors import RegistryError, UnavailableError
from builder.publish import parallel
from builder.publish.parallel import AT_ONCE, run


def test_all_run_and_never_too_many_at_once() -> None:
    lock, active, most, done = threading.Lock(), [0], [0], list[int]()
    together = threading.Barrier(AT_ONCE)

    def job(number: int) -> parallel.Job:
        def work(_: threading.Event) -> None:
            with lock:
                active[0] += 1
                most[0] = max(most[0], active[0])
            together.wait(5)
            with lock:
                active[0] -= 1
                done.append(number)

        return work

    run([job(number) for number in range(3 * AT_ONCE)])
    assert sorted(done) == list(range(3 * AT_ONCE))
    assert most[0] == AT_ONCE
    run([])


def test_the_first_error_stops_the_others_and_begins_no_more() -> None:
    begun = threading.Barrier(AT_ONCE)
    ended = list[str]()

    def waits(stop: threading.Event) -> None:
        begun.wait(5)
        assert stop.wait(5)
        ended.append("stopped")

    def fails(_: threading.Event) -> None:
        begun.wait(5)
        raise RegistryError("no")

    with pytest.raises(RegistryError, match="no"):
        run([fails, *[waits] * (AT_ONCE - 1), lambda _: ended.append("begun")])
    assert ended == ["stopped"] * (AT_ONCE - 1)


def test_an_error_that_may_pass_lets_those_that_run_end() -> None:
    begun, failing, ended = threading.Barrier(AT_ONCE), list[threading.Thread](), list[bool]()

    def goes_on(stop: threading.Event) -> None:
        begun.wait(5)
        failing[0].join(5)
        ended.append(stop.is_set())

    def fails(_: threading.Event) -> None:
        failing.append(threading.current_thread())
        begun.wait(5)
        raise UnavailableError("not now")

    with pytest.raises(UnavailableError, match="not now"):
        run([fails, *[goes_on] * (AT_ONCE - 1), lambda _: ended.append(True)])
    assert ended == [False] * (AT_ONCE - 1)


def test_an_error_that_stays_is_the_one_to_tell() -> None:
    failed = threading.Event()

    def passes(_: threading.Event) -> None:
        failed.set()
        raise UnavailableError("not now")

    def stays(_: threading.Event) -> None:
        failed.wait(5)
        raise RegistryError("never")

    with pytest.raises(RegistryError, match="never"):
        run([stays, passes])


def test_ctrl_c_stops_them_and_waits_for_no_answer(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(parallel, "GRACE_SECONDS", 0.2)
    ended, answer, main = list[str](), threading.Event(), threading.main_thread().ident

    def waits(stop: threading.Event) -> None:
        assert stop.wait(5)
        ended.append("stopped")

    def interrupts(_: threading.Event) -> None:
        assert main
        signal.pthread_kill(main, signal.SIGINT)

    # A shell that starts the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(partial(signal.signal, signal.SIGINT, before))
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run([waits, lambda _: answer.wait(30), interrupts])
    assert time.monotonic() - began < 5
    assert ended == ["stopped"]
    answer.set()
