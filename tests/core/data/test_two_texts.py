"""Two texts as labels: which is the positive class, and what is said where that cannot work."""

import numpy as np
import pytest

from calibeval.core.data.two_texts import example, names_by_positive
from calibeval.core.errors import UsageError

LABELS = np.array(["stayed", "churned", "stayed", "stayed"])


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        LABELS.astype(object),
        LABELS.astype("S"),
        LABELS[:, None],
        np.array([" stayed", "churned ", "stayed", "stayed"]),
    ],
)
def test_the_other_text_is_the_negative_class(labels):
    assert names_by_positive(labels, "churned") == ("stayed", "churned")
    assert names_by_positive(labels, "stayed") == ("churned", "stayed")


@pytest.mark.parametrize(
    "labels", [np.array([0, 1]), np.array([True, False]), np.array([]), np.array(["a", 1], object)]
)
def test_labels_that_are_no_texts_name_nothing(labels):
    assert names_by_positive(labels, "a") is None
    assert example(labels) is None


def test_without_a_positive_class_nothing_is_named():
    assert names_by_positive(LABELS, None) is None


def test_the_ignored_label_is_no_class():
    labels = np.array(["a", "b", "-1"])
    assert names_by_positive(labels, "b", -1) == ("a", "b")
    with pytest.raises(UsageError, match=r"but the labels are 3 texts"):
        names_by_positive(labels, "b")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["stayed", "churned"],
            '--positive is "chured", but the labels are "churned", "stayed" (did you mean "churned"?)',
        ),
        (
            ["stayed"],
            '--positive is "chured", but all labels are "stayed": give both class names with --class-names FILE',
        ),
        (
            list("abcdef"),
            (
                '--positive is "chured", but the labels are 6 texts, "a", "b", "c", "d", "e", ...; --positive is for '
                "two classes"
            ),
        ),
    ],
)
def test_other_names_are_refused_with_the_texts(labels, message):
    with pytest.raises(UsageError) as error:
        names_by_positive(np.array(labels), "chured")
    assert str(error.value) == message
    with pytest.raises(UsageError) as error:
        names_by_positive(np.array(labels), "chured", file="d.csv")
    assert str(error.value) == f"d.csv: {message}"


def test_long_texts_do_not_make_long_messages():
    with pytest.raises(UsageError) as error:
        names_by_positive(np.array([str(i) * 5000 for i in range(9)]), "p" * 5000)
    assert len(str(error.value)) < 500


def test_the_example_is_the_rarer_text_and_of_equals_the_last():
    assert example(LABELS) == "churned"
    assert example(np.array(["ham", "spam"])) == "spam"
    assert example(np.array(["spam", "ham"])) == "spam"
    assert example(np.array(["a", "b", "c"])) is None
