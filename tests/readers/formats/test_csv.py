"""`.csv`: the numbers that the text means, columns by name, and cells that are named when they are wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibeval import Predictions, evaluate
from calibeval.core.errors import InputError
from calibeval.readers.open import read
from tests.readers.dumps import LABELS, LOGITS, PROBS, refused


def csv(folder, text, name="d.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def table(scores, labels, prefix="logit_"):
    header = [f"{prefix}{i}" for i in range(scores.shape[1])]
    rows = [",".join([*map(repr, row), str(label)]) for row, label in zip(scores.tolist(), labels, strict=True)]
    return "\n".join([",".join([*header, "label"]), *rows]) + "\n"


@pytest.mark.parametrize(
    ("prefix", "kind"), [("logit_", "logits"), ("prob_", "probs"), ("proba_", "probs"), ("log_prob_", "log_probs")]
)
def test_numbered_columns(prefix, kind, tmp_path):
    scores = {"logits": LOGITS.astype(float), "probs": PROBS, "log_probs": np.log(PROBS)}[kind]
    predictions = read(csv(tmp_path, table(scores, LABELS, prefix)))
    assert (predictions.kind, predictions.n, predictions.k) == (kind, 20, 3)
    assert (predictions.scores[0:20] == scores).all()
    assert predictions.labels.tolist() == LABELS.tolist()


def test_the_same_numbers_from_every_format(tmp_path):
    np.savez(tmp_path / "d.npz", logits=LOGITS.astype(float), labels=LABELS)
    np.save(tmp_path / "d.npy", LOGITS.astype(float))
    np.save(tmp_path / "y.npy", LABELS)
    torch.save(
        {"logits": torch.from_numpy(LOGITS.astype(float)), "labels": torch.from_numpy(LABELS)}, tmp_path / "d.pt"
    )
    csv(tmp_path, table(LOGITS.astype(float), LABELS))
    csv(tmp_path, table(LOGITS.astype(float), LABELS).replace("label", "y"), "other.csv")
    memory = evaluate(Predictions(logits=LOGITS, labels=LABELS)).dumps[0]
    dumps = [read(tmp_path / name) for name in ("d.npz", "d.pt", "d.csv", "other.csv")]
    dumps.append(read(tmp_path / "d.npy", labels=tmp_path / "y.npy", kind="logits"))
    for dump in dumps:
        found = evaluate(dump).dumps[0]
        assert found.metrics == memory.metrics
        assert (found.equal_width, found.equal_mass, found.per_class) == (
            memory.equal_width,
            memory.equal_mass,
            memory.per_class,
        )


def test_text_is_read_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(500, 2)) * 10.0 ** rng.integers(-300, 300, (500, 2))
    predictions = read(csv(tmp_path, table(values, [0] * 500)))
    assert (predictions.scores[0:500] == values).all()


def test_a_written_edge_is_on_its_edge(tmp_path):
    # Five times 0.2: the confidence is 0.2, the upper edge of the first of five bins.
    path = csv(tmp_path, "prob_0,prob_1,prob_2,prob_3,prob_4,label\n0.2,0.2,0.2,0.2,0.2,0\n")
    for dump in (read(path), *(Predictions(probs=np.full((1, 5), 0.2, t), labels=[0]) for t in ("f4", "f8"))):
        assert [b.count for b in evaluate(dump, bins=5).dumps[0].equal_width] == [1, 0, 0, 0, 0]


def test_columns_in_any_order(tmp_path):
    path = csv(
        tmp_path,
        "logit_1,label,logit_10,logit_2,logit_0,logit_3,logit_4,logit_5,logit_6,logit_7,logit_8,logit_9\n"
        "1,0,10,2,0,3,4,5,6,7,8,9\n",
    )
    assert read(path).scores[0:1].tolist() == [list(range(11))]


def test_columns_named_by_class(tmp_path):
    path = csv(tmp_path, "logit_dog,logit_cat,label\n1,2,cat\n3,2.5,dog\n")
    predictions = read(path)
    assert predictions.class_names == ("dog", "cat")
    assert predictions.labels.tolist() == [1, 0]


def test_score_columns(tmp_path):
    path = csv(tmp_path, "id,dog,cat,site,truth\na,0.25,0.75,x,cat\nb,0.5,0.5,y,dog\n")
    predictions = read(path, score_columns=["cat", "dog"], kind="probs", labels_key="truth")
    assert predictions.class_names == ("cat", "dog")
    assert predictions.scores[0:2].tolist() == [[0.75, 0.25], [0.5, 0.5]]
    assert predictions.labels.tolist() == [0, 1]
    assert predictions.ids.tolist() == ["a", "b"]
    assert predictions.columns["site"].tolist() == ["x", "y"]


def test_score_columns_that_cannot_be(tmp_path):
    path = csv(tmp_path, "dog,cat,site,label\n0.25,0.75,x,1\n")
    message = 'd.csv: --score-columns: there is no column "cta" (did you mean "cat"?)'
    refused(path, message, score_columns=["dog", "cta"], kind="probs")
    with pytest.raises(InputError, match=r'^d\.csv: --score-columns: column "site" holds .*, not numbers$'):
        read(path, score_columns=["dog", "site"], kind="probs")
    with pytest.raises(InputError, match=r"^d\.csv: the scores could be logits or probabilities: say --kind logits "):
        read(path, score_columns=["dog", "cat"])


def test_one_column_for_two_classes(tmp_path):
    predictions = read(csv(tmp_path, "prob,label\n0.25,0\n0.75,1\n"))
    assert (predictions.kind, predictions.k) == ("probs", 2)
    assert predictions.scores[0:2].tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_slices_and_quoted_text(tmp_path):
    path = csv(tmp_path, 'logit_0,logit_1,label,site,hour\n1,2,0,"a, ""b""",3\n2,1,1,é,\n')
    predictions = read(path)
    assert predictions.columns["site"].tolist() == ['a, "b"', "é"]
    assert list(predictions.columns) == ["site", "hour"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks(bom, ending, tmp_path):
    (tmp_path / "d.csv").write_bytes((bom + ending.join(["logit_0,logit_1,label", "1,2,0", "2,1,1"])).encode())
    assert read(tmp_path / "d.csv").scores[0:2].tolist() == [[1, 2], [2, 1]]


def test_masked_classes_are_minus_infinity(tmp_path):
    predictions = read(csv(tmp_path, "logit_0,logit_1,label\n-inf,0,1\ninf,0,0\n"))
    assert predictions.scores[0:1].tolist() == [[-np.inf, 0]]
    with pytest.raises(InputError, match=r"^d\.csv: row 1 holds inf in column 0, but logits must be finite or -inf\.$"):
        evaluate(predictions)


@pytest.mark.parametrize("cell", ["1e400", "-1e500", "-" + "9" * 400, "9" * 400, "9" * 5000, '" -1e999"'])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_numbers_beyond_float64_are_no_masked_classes(cell, suffix, tmp_path):
    path = tmp_path / f"d.{suffix}"
    if suffix == "jsonl":
        cell = cell.strip('" ')
        path.write_text(f'{{"logits":[0.5,0],"label":1}}\n{{"logits":[{cell},0],"label":0}}\n')
        place = r"d\.jsonl( line 2)?: "
    else:
        separator = "\t" if suffix == "tsv" else ","
        rows = [["logit_0", "logit_1", "label"], ["0.5", "0", "1"], [cell, "0", "0"]]
        path.write_text("".join(separator.join(row) + "\n" for row in rows))
        place = rf'd\.{suffix} line 3, column "logit_0": '
    with pytest.raises(InputError, match=f"^{place}") as error:
        evaluate(read(path))
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("text", ["", "\n", "logit_0,logit_1,label\n"])
def test_files_without_rows(text, tmp_path):
    with pytest.raises(InputError, match=r"^d\.csv: (the file is empty|there is a header, but there are no rows)$"):
        read(csv(tmp_path, text))


@pytest.mark.parametrize("cell", ["x", "--", "1.5.2"])
def test_cells_that_are_no_numbers(cell, tmp_path):
    with pytest.raises(InputError, match=rf'^d\.csv line 3, column "logit_1": "{cell}" is not a number$'):
        read(csv(tmp_path, f"logit_0,logit_1,label\n1,2,0\n3,{cell},1\n"))


def test_empty_cells(tmp_path):
    with pytest.raises(InputError, match=r'^d\.csv line 3, column "logit_1": the cell is empty$'):
        read(csv(tmp_path, "logit_0,logit_1,label\n1,2,0\n3,,1\n"))


def test_labels_that_are_missing(tmp_path):
    with pytest.raises(InputError, match=r"^d\.csv: row 1: label "):
        read(csv(tmp_path, "logit_0,logit_1,label\n1,2,0\n3,2,\n"))


@pytest.mark.parametrize("rows", ["1,2,0\n1,2,1,7\n", "1,2,0,9\n1,2,1,7\n"])
def test_rows_with_more_cells_than_the_header(rows, tmp_path):
    with pytest.raises(InputError, match=r"^d\.csv\b"):
        read(csv(tmp_path, "logit_0,logit_1,label\n" + rows))


def test_a_column_that_comes_twice(tmp_path):
    with pytest.raises(InputError, match=r'^d\.csv: .*"logit_0"'):
        read(csv(tmp_path, "logit_0,logit_1,logit_0,label\n1,2,3,0\n"))


def test_two_columns_of_one_class(tmp_path):
    with pytest.raises(InputError, match=r'^d\.csv: .*"prob_0".*"proba_0"'):
        read(csv(tmp_path, "prob_0,prob_1,proba_0,proba_1,label\n.1,.9,.2,.8,0\n"))


def test_a_number_that_is_left_out(tmp_path):
    refused(
        csv(tmp_path, "logit_0,logit_2,label\n1,2,0\n"), "d.csv: there are 2 columns of logits, but number 1 is missing"
    )


def test_another_separator(tmp_path):
    predictions = read(csv(tmp_path, "logit_0;logit_1;label\n1;2;0\n"))
    assert (predictions.scores[0:1].tolist(), predictions.recognised[0]) == (
        [[1, 2]],
        "columns separated by semicolons",
    )


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"logit_0,logit_1,label\n1,2,\xff\xfe\n", b"PK\x03\x04"])
def test_bytes_that_are_no_text(content, tmp_path):
    (tmp_path / "d.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"^d\.csv"):
        read(tmp_path / "d.csv")


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        (["007", "12"], ["007", "12"]),
        (["12", "007"], ["12", "007"]),
        (["1e5", "12"], ["1e5", "12"]),
        (["1.50", "2"], ["1.50", "2"]),
        (['"7"', "8"], ["7", "8"]),
        (["0", "10"], [0, 10]),
        (["-1", "10"], [-1, 10]),
    ],
)
@pytest.mark.parametrize(
    "header", ["id,logit_0,logit_1,label", "logit_0,label,Sample_ID,logit_1", "logit_0,logit_1,label,ids"]
)
def test_ids_stay_what_is_written(header, cells, ids, tmp_path):
    names = header.split(",")
    rows = [[cell if "id" in name.lower() else "1" for name in names] for cell in cells]
    text = "\n".join([header, *map(",".join, rows)]) + "\n"
    assert read(csv(tmp_path, text)).ids.tolist() == ids
    assert read(csv(tmp_path, text.replace(",", "\t"), "d.tsv")).ids.tolist() == ids


def test_numbers_without_a_0_are_class_names(tmp_path):
    path = csv(tmp_path, "prob_1,prob_3,prob_2,label\n0.5,0.25,0.25,3\n0.5,0.25,0.25,1\n")
    assert (read(path).class_names, read(path).labels.tolist()) == (("1", "3", "2"), [1, 0])
    path = csv(tmp_path, "prob_1,prob_2,prob_3,label\n0.5,0.25,0.25,2\n0.5,0.25,0.25,0\n")
    assert read(path).labels.tolist() == [2, 0]
    path = csv(tmp_path, "prob_01,prob_1,label\n0.5,0.5,1\n0.5,0.5,01\n")
    assert read(path).labels.tolist() == [1, 0]
    refused(
        csv(tmp_path, "prob_0,prob_2,label\n0.5,0.5,0\n"),
        "d.csv: there are 2 columns of probs, but number 1 is missing",
    )
    ambiguous = csv(tmp_path, "prob_1,prob_2,label\n0.5,0.5,1\n")
    refused(
        ambiguous,
        (
            "d.csv: label 1 could be the class called 1, or class number 1, counted from 0: "
            "say --labels-are names, or --labels-are positions"
        ),
    )
    assert read(ambiguous, labels_are="names").labels.tolist() == [0]
    assert read(ambiguous, labels_are="positions").labels.tolist() == [1]


def test_a_class_name_may_hold_a_line_break(tmp_path):
    path = csv(tmp_path, '"logit_a\nb",logit_c,label\n1,2,"a\nb"\n3,1,c\n')
    assert (read(path).class_names, read(path).labels.tolist()) == (("a\nb", "c"), [0, 1])
