"""Text tables as Excel, R and others write them: separators, decimal commas, thousands, blanks around cells."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest

import calibeval
from calibeval.cli.main import main
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.describe import inspect_dump
from calibeval.readers.features.features import read_features
from calibeval.readers.formats import text as text_module
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_input, read
from calibeval.readers.stored.limits import Limits
from tests.readers.dumps import LABELS, LOGITS, refused

SCORES = LOGITS.astype(float) * 1000
HEAD = ["logit_0", "logit_1", "logit_2", "label", "site"]
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def written(folder, content, name="d.csv"):
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


def number(value, decimal, *, thousands=False):
    text = f"{value:,.4f}" if thousands else f"{value:.4f}"
    return text.translate({ord("."): ",", ord(","): "."}) if decimal == "," else text


def table(separator, decimal=".", *, thousands=False, first=""):
    """The dump in one dialect; cells are quoted if they hold the separator."""
    lines = [HEAD]
    for row, label in zip(SCORES.tolist(), LABELS.tolist(), strict=True):
        lines.append([*(number(x, decimal, thousands=thousands) for x in row), str(label), f"s{label}"])
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in line] for line in lines]
    return first + "\n".join(separator.join(line) for line in quoted) + "\n"


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(text_module, "READ_BYTES", 7)


def check(path, **options):
    predictions = read(path, **options)
    assert predictions.scores[0:20] == pytest.approx(np.round(SCORES, 4), abs=1e-9)
    assert predictions.labels.tolist() == LABELS.tolist()
    assert predictions.columns["site"].tolist() == [f"s{label}" for label in LABELS]
    return predictions.recognised


@pytest.mark.parametrize("name", ["d.csv", "d.tsv", "d.csv.gz"])
@pytest.mark.parametrize("separator", NAMES)
def test_the_header_says_what_separates(separator, name, tmp_path):
    told = check(written(tmp_path, table(separator), name))
    usual = "\t" if name == "d.tsv" else ","
    assert told[0].startswith("logits from" if separator == usual else f"columns separated by {NAMES[separator]}")


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n"])
def test_a_line_for_excel(first, tmp_path, small_blocks):
    check(written(tmp_path, table(";", first=first)))
    check(written(tmp_path, table(";", ",", first=first)), decimal=",")
    bad = table(";", first=first).replace(";0;", ";x;", 1).replace("logit_2", "logit_9")
    refused(written(tmp_path, bad), "d.csv: there are 3 columns of logits, but number 2 is missing")
    bad = table(";", first=first).replace("\n", ";\n", 4).replace(";\n", "\n", 3)
    with pytest.raises(InputError, match=r"^d\.csv line [45]: the row has 6 cells, but the header has 5"):
        read(written(tmp_path, bad))


def test_a_line_for_excel_names_any_separator(tmp_path):
    check(written(tmp_path, table(",", first="sep=,\n")))
    check(written(tmp_path, table("\t", first="sep=\t\n")))
    refused(
        written(tmp_path, table("#", first="sep=#\n")),
        "d.csv line 1: 'sep=#' does not name one of the separators , ; | and tab",
    )
    refused(written(tmp_path, "sep=;\n"), "d.csv: the file has no header after line 1")


@pytest.mark.parametrize("thousands", [False, True])
@pytest.mark.parametrize(
    ("separator", "decimal", "name"),
    [(";", ",", "d.csv"), (",", ",", "d.csv"), ("\t", ",", "d.tsv"), (",", ".", "d.csv"), (";", ".", "d.csv")],
)
def test_decimals_and_thousands(separator, decimal, name, thousands, tmp_path, small_blocks):
    path = written(tmp_path, table(separator, decimal, thousands=thousands), name)
    told = check(path, decimal=decimal)
    assert ("decimal commas" in told) == (decimal == ",")
    source = io.BytesIO(path.read_bytes())
    if name == "d.csv":
        opened = open_input(calibeval.readers.open.STDIN, Limits(), source, decimal=decimal)
        assert opened.contents.arrays["logits"].array() == pytest.approx(np.round(SCORES, 4))
    if decimal == "," or thousands:
        row = 0 if decimal == "," else int(np.argmax(np.abs(SCORES[:, 0]) > 1000))
        cell = number(SCORES[row, 0], decimal, thousands=thousands)
        with pytest.raises(InputError) as error:
            read(path)
        place = f'{name} line {row + 2}, column "logit_0"'
        assert str(error.value).startswith(f'{place}: "{cell}" is not a number; if its comma ')
        assert f"--decimal {decimal}" in str(error.value)


def test_every_command_takes_decimals(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, table(";", ",", thousands=True))
    assert main(["report", "d.csv", "--decimal", ",", "--json", "--no-intervals"]) == 0
    right = np.mean(np.round(SCORES, 4).argmax(axis=1) == LABELS)
    assert calibeval.evaluate("d.csv", decimal=",")["accuracy"].value == pytest.approx(right)
    assert calibeval.inspect("d.csv", decimal=",").readings[0].n == 20
    assert main(["fit", "d.csv", "--decimal", ",", "-o", "map.json"]) == 0
    assert main(["apply", "map.json", "d.csv", "--decimal", ",", "-o", "out.csv"]) == 0
    assert read("out.csv").n == 20
    written(tmp_path, "id;label\n" + "".join(f"r{i};{y},0\n" for i, y in enumerate(LABELS)), "labels.csv")
    assert calibeval.read("d.csv", decimal=",", labels="labels.csv").labels.tolist() == LABELS.tolist()
    capsys.readouterr()
    assert main(["report", "d.csv"]) == 3
    assert capsys.readouterr().err.rstrip().endswith("if its comma begins the decimals, say --decimal ,")
    assert main(["report", "d.csv", "--decimal", ";"]) == 2
    assert '--decimal must be "," or ".", but it is ";"' in capsys.readouterr().err
    with pytest.raises(UsageError, match=r'decimal must be "," or "[.]", but it is "comma"'):
        calibeval.evaluate("d.csv", decimal="comma")
    with pytest.raises(InputError, match='if its comma begins the decimals, say decimal=","'):
        calibeval.evaluate("d.csv")


def test_what_is_no_number_stays_as_it_is(tmp_path):
    text = "id;prob;label;code;date;mass\n" + "".join(
        f"1.00{i};0,{i}5;{i % 2};{i}.000;0{i}.02.2024;1.00{i},5\n" for i in range(1, 9)
    )
    path = written(tmp_path, text)
    predictions = read(path, decimal=",")
    assert predictions.ids.tolist()[0] == "1.001"
    assert predictions.columns["code"].tolist()[:2] == ["1.000", "2.000"]
    assert predictions.columns["date"].tolist()[0] == "01.02.2024"
    assert predictions.columns["mass"].tolist()[:2] == [1001.5, 1002.5]
    text = "prob_0;prob_1;label\n0.5;0,5;1\n"
    said = '"0.5" is not a number: with --decimal ,, a point only separates thousands'
    refused(written(tmp_path, text), f'd.csv line 2, column "prob_0": {said}', decimal=",")


def test_columns_that_are_named_later(tmp_path):
    text = table(";", ",").replace("logit_", "s")
    path = written(tmp_path, text)
    assert read(path, decimal=",", score_columns=["s0..s2"], kind="logits").k == 3
    about = "if its comma begins the decimals, say --decimal ,"
    with pytest.raises(InputError, match=f'column "s0" holds .*, not numbers; {about}'):
        read(path, score_columns=["s0..s2"], kind="logits")
    path = written(tmp_path, "p_true;label\n0,25;1\n0,75;0\n")
    refused(path, f'd.csv: row 0, column "p_true": "0,25" is not a number; {about}', probs_key="p_true")
    assert read(path, probs_key="p_true", decimal=",").scores[0:1].tolist() == [[0.75, 0.25]]


def test_features_with_decimal_commas(tmp_path):
    text = "x_0;x_1;label\n" + "".join(f"{i},5;1.000,{i};{i % 2}\n" for i in range(9))
    features = read_features(written(tmp_path, text), decimal=",")
    assert features.matrix()[3].tolist() == pytest.approx([3.5, 1000.3])


def test_blanks_around_cells(tmp_path, small_blocks):
    text = (
        ' "id" , prob_cat ,prob_dog, label,"note" ,correct\r\n'
        "007 ,  0.75, 0.25 , dog, a note ,True \r\n"
        ' 08, 0.5 , 0.5,  "cat" , "x, y", False\r\n'
        "9, 0.25,\t0.75 ,cat ,, True\r\n"
    )
    predictions = read(written(tmp_path, b"\xef\xbb\xbf" + text.encode()))
    assert predictions.labels.tolist() == [1, 0, 0]
    assert predictions.ids.tolist() == ["007", "08", "9"]
    assert predictions.columns["note"].tolist() == ["a note", "x, y", ""]
    assert predictions.columns["correct"].tolist() == [True, False, True]
    assert predictions.scores[0:3].tolist() == [[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]


def test_blanks_around_predictions_labels_and_ids(tmp_path):
    left = "id,confidence,prediction,label\n" + "".join(f"r{i} ,0.{i}5, {'ab'[i % 2]},a \n" for i in range(9))
    path = written(tmp_path, left)
    assert read(path).labels.tolist() == [1 - i % 2 for i in range(9)]
    other = written(tmp_path, left.replace(" ", ""), "e.csv")
    assert read(other).ids.tolist() == read(path).ids.tolist() == [f"r{i}" for i in range(9)]


def test_scores_that_nobody_uses_stop_no_file(tmp_path):
    text = "prob_0,prob_1,logits,p,y,x\n" + '.5,oops,"[1, 2]",0.25,1,1 2\n' + '.5,.5,"[1, 2, 3]",0.75,0,3\n'
    path = written(tmp_path, text)
    assert read(path, probs_key="p").labels.tolist() == [1, 0]
    roles = {note.key: note.role for note in inspect_dump(str(path), ReadOptions()).arrays}
    assert [roles[key] for key in ("probs", "logits", "x")] == ["not used: mixed values"] * 3
    refused(path, 'd.csv line 2, column "prob_1": "oops" is not a number', probs_key="probs")
    with pytest.raises(InputError, match=r"^d\.csv line 3, column \"logits\": the list has 3 numbers"):
        read(path)


def test_empty_columns_on_the_right(tmp_path):
    text = "prob_0,prob_1,label,,,\n.5,.5,1,,,\n.25,.75,0,,,\n"
    assert read(written(tmp_path, text)).labels.tolist() == [1, 0]
