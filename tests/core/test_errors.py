"""Errors are also those of Python, and still are told from them inside the package."""

import pickle

import pytest

from calibeval.core.errors import (
    CalibevalError,
    FileProblem,
    InputError,
    UnknownMetric,
    UsageError,
    nearest,
)
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


@pytest.mark.parametrize("quote", ['"', "'"])
def test_what_a_message_quotes_is_cut(quote):
    name = "a" * 10**6
    message = str(InputError(f"x.npz: key {quote}{name}{quote} is unknown; there are {quote}b{quote}"))
    shown = "a" * 52 + "..." + "a" * 25
    assert message == f"x.npz: key {quote}{shown}{quote} is unknown; there are {quote}b{quote}"


@pytest.mark.parametrize("kind", [InputError, UsageError, FileProblem, UnknownMetric])
@pytest.mark.parametrize("text", ["word " * 10**6, "9" * 10**6, '"' * 10**6, "a\n" * 10**6, "x" * 481])
def test_no_message_is_long(kind, text):
    assert len(str(kind(text))) <= 480
    assert len(str(kind(f"{kind(text)} {text}"))) <= 480


def test_a_long_message_keeps_its_beginning_and_its_end():
    text = f"a.csv: there is no column; there are {', '.join(f'column{i}' for i in range(1000))}; say --labels-key"
    message = str(InputError(text))
    assert message.startswith("a.csv: there is no column; there are column0, column1,")
    assert message.endswith("; say --labels-key")
    assert len(message) == 480


def test_short_messages_stay_as_they_are():
    text = 'a "b" c' * 10 + "x" * 300
    assert str(InputError(text)) == text


def test_hints_are_found_among_very_many_names():
    assert nearest("eec" * 10**5, ["ece"] * 10**5) == ""
    assert nearest("ece", ("x" * 10**6, "eec")) == ' (did you mean "eec"?)'
