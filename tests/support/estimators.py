"""Estimators, and what becomes of their arguments."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from builder.errors import InputError
from builder.training import Estimator, PyTorch
from builder.training.request.plan import RunImage, RunPlan, Snapshot
from builder.training.request.run_request import RunRequest, plan_of

DIGEST = "sha256:" + "0" * 64


def made(source: Path, **values: Any) -> Estimator:
    given = {"compute_target": "local", "entry_script": "train.py", "framework_version": "1.4", **values}
    return PyTorch(source, **given)


def request_of(source: Path, **values: Any) -> RunRequest:
    return made(source, **values).request


def planned(source: Path, **values: Any) -> RunPlan:
    snapshot = Snapshot(sha256="0" * 64, files=1, size=0, path="/snapshot")
    return plan_of(request_of(source, **values), image=RunImage(reference="image", digest=DIGEST), snapshot=snapshot)


def mistakes(source: Path, **values: Any) -> tuple[str, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError) as caught:
            made(source, **values)
    return caught.value.problems
