"""scikit-learn fits, scores, and runs two processes."""

import pytest

from builder.verify.checks.plugin import Python

SCRIPT = """
from joblib import Parallel, delayed
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

features, labels = make_classification(n_samples=200, n_features=5, class_sep=3.0, random_state=0)
score = LogisticRegression().fit(features[:150], labels[:150]).score(features[150:], labels[150:])
print("score %.2f" % score)
print("processes %s" % Parallel(n_jobs=2)(delayed(pow)(number, 2) for number in range(4)))
"""


LEAST_SCORE = 0.9


@pytest.fixture(scope="module")
def printed(python: Python) -> str:
    return python(SCRIPT)


def test_score_of_a_fitted_model(printed: str) -> None:
    score = float(printed.split()[1])
    assert score > LEAST_SCORE, f"a separable problem is scored {score}, not above {LEAST_SCORE}"


def test_two_processes_of_joblib(printed: str) -> None:
    assert "processes [0, 1, 4, 9]" in printed, f"joblib gives {printed}"
