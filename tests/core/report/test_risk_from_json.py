"""A risk-coverage curve that cannot be is refused where a report is read, not where it is drawn."""

import copy
import json

import numpy as np
import pytest

from calibeval import InputError, evaluate
from calibeval.core.report.report import Report

DOCUMENT = json.loads(
    evaluate(confidence=np.linspace(0.99, 0.5, 200), correct=np.arange(200) < 100, metrics="aurc,coverage@5%").to_json()
)


@pytest.mark.parametrize(
    ("metric", "field", "value", "problem"),
    [
        ("aurc", "coverage", 1e308, "curve[0].coverage is 1e+308, but a number from 0 to 1 is needed"),
        ("aurc", "risk", -1, "curve[0].risk is -1, but a number from 0 to 1 is needed"),
        ("aurc", "threshold", 2, "curve[0].threshold is 2, but a number from 0 to 1 is needed"),
        (
            "coverage@error=0.05",
            "threshold",
            1e308,
            "threshold is 1e+308, but a number from -0.0625 to 1.0625 is needed",
        ),
        ("coverage@error=0.05", "bound", 2, "bound is 2, but a number from -0.0625 to 1.0625 is needed"),
        (
            "coverage@error=0.05",
            "cross_fitted",
            -1,
            "cross_fitted is -1, but a number from -0.0625 to 1.0625 is needed",
        ),
    ],
)
def test_numbers_that_cannot_be_are_refused(metric, field, value, problem):
    document = copy.deepcopy(DOCUMENT)
    found = document["dumps"][0]["metrics"][metric]
    (found["curve"][0] if metric == "aurc" else found)[field] = value
    with pytest.raises(InputError) as error:
        Report.from_json(json.dumps(document))
    assert str(error.value).endswith(f"dumps[0].metrics.{metric}.{problem}")


def test_the_document_itself_is_read():
    assert json.loads(Report.from_json(json.dumps(DOCUMENT)).to_json()) == DOCUMENT
