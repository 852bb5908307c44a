"""Text tables that say something else than they seem to: a wrong sign for decimals, no header, percentages."""

from __future__ import annotations

import re

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 3, 40)
LOGITS = np.round(RNG.normal(size=(40, 3)) + 2 * np.eye(3)[LABELS], 3)


def table(path, cells, header="logit_0;logit_1;logit_2;label", separator=";"):
    rows = (separator.join([*row, str(y)]) for row, y in zip(cells, LABELS.tolist(), strict=True))
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def refused(path, message, **options):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        calibeval.read(path, **options)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(("said", "there"), [(",", "."), (".", ",")])
def test_three_decimals_are_no_thousands(tmp_path, said, there):
    cells = [[f"{value:.3f}".replace(".", there) for value in row] for row in LOGITS.tolist()]
    path = table(tmp_path / "d.csv", cells)
    refused(path, "only separates thousands", decimal=said)
    assert np.allclose(calibeval.read(path, decimal=there).scores[0:40], LOGITS)


def test_a_header_that_begins_with_a_number_sign(tmp_path):
    path = tmp_path / "d.csv"
    header = "logit_0,logit_1,logit_2,label"
    np.savetxt(path, np.column_stack([LOGITS, LABELS]), delimiter=",", header=header)
    assert path.read_text().startswith("# logit_0,")
    predictions = calibeval.read(path)
    assert np.array_equal(predictions.scores[0:40], LOGITS.astype(predictions.scores.dtype))
    assert predictions.k == 3


def test_numbers_in_place_of_a_header(tmp_path):
    np.savetxt(tmp_path / "d.csv", LOGITS)
    refused(tmp_path / "d.csv", "d.csv line 1: the line holds numbers", kind="logits")


def test_percentages_as_text(tmp_path):
    path = table(tmp_path / "d.csv", [["20%", "30.5%", "49.5%"]] * 40, "prob_0;prob_1;prob_2;label")
    refused(path, 'column "prob_0": "20%" is not a number: leave out the % signs, and divide by 100')
    (tmp_path / "e.csv").write_text("prob,label\n" + "12.5 %,1\n" * 3)
    refused(tmp_path / "e.csv", '"12.5 %" is not a number: leave out the % signs, and divide by 100')


def test_an_array_in_place_of_lines(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text('[{"probs": [0.5, 0.5], "label": 1}]')
    refused(path, 'every line must be a JSON object; say read_as="json" if the file is one array')
    assert calibeval.read(path, read_as="json").n == 1
