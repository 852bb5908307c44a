"""A risk-coverage curve that cannot be is refused where a report is read, not where it is drawn."""

import copy
import json

import numpy as np
import pytest

from calibeval import InputError, evaluate
from calibeval.core.report.report import Report

DOCUMENT = json.loads(
    evaluate(
        confidence=np.linspace(0.99, 0.5, 200),
        correct=np.arange(200) < 100,
        metrics="aurc,coverage@5%,mce,ecce,phi_brier",
    ).to_json()
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
        ("coverage@error=0.05", "possible", 1.01, "possible is 1.01, but a number from 0 to 1 is needed"),
        ("coverage@error=0.05", "possible", -0.01, "possible is -0.01, but a number from 0 to 1 is needed"),
        ("coverage@error=0.05", "errors", 150, "errors is 150, but rows is 101"),
        ("coverage@error=0.05", "rows", 201, "rows is 201, but a count of at most 200, the number of rows, is needed"),
        ("coverage@error=0.05", "delta", 0.0, "delta is 0.0, but a number inside (0, 0.5) is needed"),
        ("coverage@error=0.05", "delta", 0.5, "delta is 0.5, but a number inside (0, 0.5) is needed"),
        ("coverage@error=0.05", "rows_needed", 0, "rows_needed is 0, but a number at least 1 is needed"),
        ("mce", "count", 201, "count is 201, but a count of at most 200, the number of rows, is needed"),
        ("ecce", "p", 1.5, "p is 1.5, but a number from 0 to 1 is needed"),
        ("ecce", "p", -0.5, "p is -0.5, but a number from 0 to 1 is needed"),
        ("phi_brier", "refinement", -0.5, "refinement is -0.5, but a number at least 0 is needed"),
        (
            "phi_brier",
            "map",
            "foo",
            'map is "foo", but one of "none", "isotonic", "temperature", "top-isotonic" is needed',
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


@pytest.mark.parametrize(
    ("metric", "field", "value"),
    [
        ("coverage@error=0.05", "possible", 1),
        ("coverage@error=0.05", "errors", 101),
        ("coverage@error=0.05", "rows", 200),
        ("coverage@error=0.05", "delta", 0.499),
        ("ecce", "p", 1),
        ("ecce", "p", 0),
        ("phi_brier", "refinement", 0),
        *(("phi_brier", "map", name) for name in ("none", "isotonic", "temperature", "top-isotonic")),
    ],
)
def test_numbers_at_their_bounds_are_read(metric, field, value):
    document = copy.deepcopy(DOCUMENT)
    document["dumps"][0]["metrics"][metric][field] = value
    assert getattr(Report.from_json(json.dumps(document))[metric], field) == value
