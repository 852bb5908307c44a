"""`.txt`: what np.savetxt writes, one label in each line, and tables with a header."""

import gzip

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError

RNG = np.random.default_rng(4)
SCORES = RNG.normal(size=(40, 3))
LABELS = RNG.integers(0, 3, 40)


@pytest.mark.parametrize("separator", [" ", ",", ";", "\t"])
def test_what_savetxt_writes(separator, tmp_path):
    np.savetxt(tmp_path / "logits.txt", SCORES, delimiter=separator)
    np.savetxt(tmp_path / "labels.txt", LABELS, fmt="%d")
    dump = calibeval.read(tmp_path / "logits.txt", kind="logits", labels=tmp_path / "labels.txt")
    assert dump.labels.tolist() == LABELS.tolist()
    assert np.array_equal(dump.scores[0:40], SCORES)
    assert "numbers without a header" in dump.recognised


def test_labels_as_savetxt_writes_them_by_default(tmp_path):
    np.savetxt(tmp_path / "labels.txt", LABELS)
    np.save(tmp_path / "logits.npy", SCORES)
    dump = calibeval.read(tmp_path / "logits.npy", kind="logits", labels=tmp_path / "labels.txt")
    assert dump.labels.tolist() == LABELS.tolist()


def test_one_column_is_the_score_of_class_1(tmp_path):
    margin = SCORES[:, 0]
    np.savetxt(tmp_path / "margin.txt", margin)
    (tmp_path / "y.txt").write_text("\n".join(map(str, (LABELS == 1).astype(int))))
    report = calibeval.evaluate(tmp_path / "margin.txt", kind="logits", labels=tmp_path / "y.txt")
    assert report["accuracy"].value == np.mean((margin > 0) == (LABELS == 1))


def test_labels_that_are_names(tmp_path):
    names = np.array(["cat", "dog", "a bird"])
    (tmp_path / "y.txt").write_text("\n".join(names[LABELS]) + "\n\n", encoding="utf-8-sig")
    np.save(tmp_path / "p.npy", SCORES)
    dump = calibeval.read(tmp_path / "p.npy", kind="logits", labels=tmp_path / "y.txt", class_names=names.tolist())
    assert dump.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("header", ["label", '"label"', "y_true"])
def test_a_usual_name_is_a_header(header, tmp_path):
    (tmp_path / "y.txt").write_text(f"{header}\n" + "\n".join(map(str, LABELS)))
    np.save(tmp_path / "p.npy", SCORES)
    assert calibeval.read(tmp_path / "p.npy", kind="logits", labels=tmp_path / "y.txt").labels.tolist() == [*LABELS]


def test_a_table_with_a_header(tmp_path):
    (tmp_path / "d.txt").write_text("prob_0;prob_1;label\n0,25;0,75;1\n0,5;0,5;0\n")
    assert calibeval.read(tmp_path / "d.txt", decimal=",").scores[0:1].tolist() == [[0.25, 0.75]]


def test_numbers_without_a_header_in_another_suffix(tmp_path):
    with gzip.open(tmp_path / "d.csv.gz", "wt") as file:
        np.savetxt(file, SCORES, delimiter=",")
    assert np.array_equal(calibeval.read(tmp_path / "d.csv.gz", kind="logits", read_as="txt").scores[0:40], SCORES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the file is empty"),
        ("1 2\n3\n", "line 2: there are 1 numbers, but 2 in the first line"),
        ("1 2\n\n3 4\n", "line 2: there are 0 numbers, but 2 in the first line"),
        ("1 2\n3 x\n", 'line 2: "x" is not a number, but the first line holds numbers'),
        ("1 2\n3 -1e500\n", "line 2: the number is too large for float64"),
        ("1 2\n3 1_0\n", 'line 2: "1_0" is not a number, but the first line holds numbers'),
        ("cat\n\ndog\n", "line 2: the line is blank"),
    ],
)
def test_what_is_refused(text, why, tmp_path):
    (tmp_path / "d.txt").write_text(text)
    with pytest.raises(InputError) as error:
        calibeval.read(tmp_path / "d.txt", kind="logits")
    assert why in str(error.value)


def test_minus_infinity_is_a_masked_class(tmp_path):
    (tmp_path / "d.txt").write_text("1 -inf\n0 2\n")
    assert calibeval.read(tmp_path / "d.txt", kind="logits").scores[0:1].tolist() == [[1, -np.inf]]
