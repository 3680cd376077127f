"""A layer on a base moves nothing there: what it would overwrite or hide is named with both owners."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.derive import locked
from builder.derive.lockfile import Answer, CondaPackage, added
from builder.derive.request import Asked, Contents, Held, ParsedRequest
from builder.errors import InputError
from builder.matrix.spec import Distribution
from tests.support.base_files import BASE, SITE_PACKAGES
from tests.support.corpus import cases
from tests.support.one_layer import one_layer
from tests.support.promises import promised
from tests.support.wheels import write_toy

IMAGE = Contents(
    digest=f"sha256:{'1' * 64}",
    promise=promised(),
    python="3.11.2",
    glibc="2.36",
    distributions={"six": Held(version="1.17.0"), "torch": Held(version="2.13.0", requires=("six",))},
    site_packages=SITE_PACKAGES,
)
DISTUTILS = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim(); "
)
NAMESPACE = (
    "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals['sitedir'], "
    "*('toy',));importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');"
    "m = has_mfs and sys.modules.setdefault('toy', importlib.util.module_from_spec(importlib.machinery.PathFinder."
    "find_spec('toy', [os.path.dirname(p)])));m = m or sys.modules.setdefault('toy', types.ModuleType('toy'));"
    "mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n"
)


@pytest.mark.parametrize("case", cases("moves"))
def test_it_is_refused_with_both_owners(case: Any, tmp_path: Path) -> None:
    wheel = write_toy(case, tmp_path / "toy-1.0-py3-none-any.whl")
    base = BASE
    if "imported" in case:
        base = replace(BASE, imported=((case["imported"], frozenset()), *BASE.imported))
    with pytest.raises(InputError) as caught:
        one_layer({"toy": wheel}, base, tmp_path)
    assert all(text in caught.value.message for text in case["says"])


@pytest.mark.parametrize(
    "files",
    [
        {"shared/__init__.py": "", "shared/mine.py": "x"},
        {"nvidia/toy/__init__.py": "x", "torch/toy.py": "x"},
        {"json/__init__.py": "x", "toy-1.0.data/scripts/toy": "x", "toy-1.0.data/data/share/toy": "x"},
        {"toy-1.0.data/scripts/mpirun": "x"},
        {"toy.pth": DISTUTILS, "toy-1.0-nspkg.pth": NAMESPACE},
        {"toy-1.0.data/scripts/toy": "", "nvidia/__init__.py": ""},
        {"toy/inner.pth": "import toy", "toy/sitecustomize.py": "x"},
    ],
)
def test_what_moves_nothing_is_taken(files: dict[str, str], tmp_path: Path) -> None:
    wheel = write_toy({"files": files}, tmp_path / "toy-1.0-py3-none-any.whl")
    assert one_layer({"toy": wheel}, BASE, tmp_path).size


def test_what_is_overridden_may_be_overwritten(tmp_path: Path) -> None:
    files = {"torch/version.py": "x", "torch/_C.cpython-311-x86_64-linux-gnu.so": "x"}
    wheel = write_toy({"files": files}, tmp_path / "toy-1.0-py3-none-any.whl")
    assert one_layer({"toy": wheel}, BASE, tmp_path, replaced=frozenset({"torch"})).size


def asked(case: Any) -> ParsedRequest:
    hashes = frozenset(one.ljust(64, one[0]) for one in case.get("hashes", ()))
    return ParsedRequest(
        requirements=tuple(Asked(text=one, place="x", sha256=hashes) for one in case.get("wanted", ["toy>=1"])),
        constraints=tuple(Asked(text=one, place="x") for one in case.get("limits", ())),
    )


def answer(case: Any) -> Answer:
    wheels = tuple(
        Distribution(name=name, version=str(version), file="x.whl", sha256="a" * 64, url=case.get("url", ""))
        for name, version in case["distributions"].items()
    )
    conda = (CondaPackage(name=one, version="1.0", build="0", url="", sha256="") for one in case.get("conda", ()))
    return Answer(distributions=wheels, conda=tuple(conda))


@pytest.mark.parametrize("case", cases("locks"))
def test_an_edited_lock_is_judged_as_a_request_is(case: Any) -> None:
    found = locked.problems(answer(case), asked(case), IMAGE)
    assert any(case["says"] in one for one in found), found


def test_what_the_request_admits_is_taken() -> None:
    assert locked.problems(answer({"distributions": {"toy": "1.0", "dep": "1"}}), asked({}), IMAGE) == []
    assert locked.problems(Answer(), asked({"wanted": ["six", "numpy; python_version < '3'"]}), IMAGE) == []
    overrides = replace(asked({"wanted": ["six==99.0"]}), overrides=frozenset({"six"}))
    assert locked.problems(answer({"distributions": {"six": "99.0", "torch": "3.0"}}), overrides, IMAGE) == []


def test_a_version_that_is_none_is_no_lock() -> None:
    with pytest.raises(ValueError, match="banana"):
        added("toy", f"banana toy-1.0-py3-none-any.whl sha256:{'a' * 64}")
