"""Errors are also those of Python, and still are told from them inside the package."""

import pickle

import pytest

from calibeval.core.errors import CalibevalError, FileProblem, InputError, UnknownMetric, UsageError
from calibeval.writers.atomic import replacing


@pytest.mark.parametrize(
    ("kind", "base"),
    [(InputError, ValueError), (UsageError, ValueError), (UnknownMetric, KeyError), (FileProblem, OSError)],
)
def test_each_is_caught_as_the_error_of_python_that_it_is(kind, base):
    with pytest.raises(base) as caught:
        raise kind('no "x" here')
    assert isinstance(caught.value, CalibevalError)
    assert str(caught.value) == 'no "x" here'
    assert str(pickle.loads(pickle.dumps(caught.value))) == 'no "x" here'  # noqa: S301 - our own bytes


def test_a_problem_with_an_input_is_not_blamed_on_the_output(tmp_path):
    problem = FileProblem("in.npz: cannot be read")
    with pytest.raises(FileProblem) as caught, replacing(tmp_path / "out.npz"):
        raise problem
    assert caught.value is problem
    assert list(tmp_path.iterdir()) == []
