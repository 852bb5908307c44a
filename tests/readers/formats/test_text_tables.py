"""Text tables beyond plain `.csv`: tabs, gzip, lists in cells, blocks, spools, and everything that no table is."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.formats import table as columns_module
from calibeval.readers.formats import text as text_module
from calibeval.readers.formats import texts as texts_module
from calibeval.readers.formats.cells import is_list
from calibeval.readers.formats.csv import read_csv
from calibeval.readers.formats.texts import Texts
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.spool import SpooledRows
from calibeval.readers.stored.steady import SteadyFile
from tests.readers.dumps import LABELS, LOGITS, PROBS, refused

HEADER = "logit_0,logit_1,label\n"


def written(folder, content, name="d.csv"):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


def rows(scores=LOGITS, labels=LABELS, separator=","):
    cells = [[*map(repr, row), str(label)] for row, label in zip(scores.tolist(), labels.tolist(), strict=True)]
    header = [*(f"logit_{i}" for i in range(scores.shape[1])), "label"]
    return "\n".join(separator.join(line) for line in [header, *cells]) + "\n"


@pytest.mark.parametrize(
    ("name", "separator"), [("d.csv", ","), ("d.tsv", "\t"), ("d.csv.gz", ","), ("d.tsv.gz", "\t"), ("D.CSV.GZ", ",")]
)
def test_suffixes(name, separator, tmp_path):
    if name.endswith(".GZ"):
        (tmp_path / name).write_bytes(gzip.compress(rows().encode()))
    else:
        written(tmp_path, rows(separator=separator), name)
    predictions = read(tmp_path / name)
    assert (predictions.scores[0:20] == LOGITS).all()
    assert predictions.labels.tolist() == LABELS.tolist()
    assert predictions.source.format == name.lower().removeprefix("d.")


@pytest.mark.parametrize(
    "show",
    [
        lambda row: str(row.tolist()),
        lambda row: np.array2string(row, floatmode="unique", max_line_width=30),
        lambda row: " ".join(map(repr, row.tolist())),
    ],
    ids=["list", "numpy", "blanks"],
)
@pytest.mark.parametrize("key", ["logit", "scores", "Logits"])
def test_a_list_in_a_cell(key, show, tmp_path):
    lines = [f'{i}.jpg,"{show(row)}",{label}' for i, (row, label) in enumerate(zip(LOGITS, LABELS, strict=True))]
    predictions = read(written(tmp_path, f"filename,{key},label\n" + "\n".join(lines)))
    assert np.asarray(predictions.scores[0:20], np.float32).tolist() == LOGITS.tolist()
    assert predictions.ids.tolist()[:2] == ["0.jpg", "1.jpg"]


def test_one_hot_lists_are_labels(tmp_path):
    path = written(tmp_path, "prob_0,prob_1,label\n.25,.75,[0 1]\n.5,.5,[1 0]\n")
    assert read(path).labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (('"[1, 2]"', '"[1, 2, 3]"'), 'd.csv line 3, column "probs": the list has 3 numbers, but the first row has 2'),
        (('"[1, 2]"', ""), 'd.csv line 3, column "probs": the cell is empty, but a list of numbers is needed'),
        (('"[1, x]"', '"[1, 2]"'), 'd.csv line 2, column "probs": "[1, x]" is not a list of numbers ("x")'),
        (('"[1, 1_0]"', '"[1, 2]"'), 'd.csv line 2, column "probs": "[1, 1_0]" is not a list of numbers ("1_0")'),
        (
            ("[1 2 ... 9]", "[1 2 ... 9]"),
            (
                'd.csv line 2, column "probs": numpy shortened the list when it was written (...). '
                "Call np.set_printoptions(threshold=sys.maxsize) before saving, or save .npz"
            ),
        ),
    ],
)
def test_lists_that_cannot_be(cells, message, tmp_path):
    refused(written(tmp_path, f"probs,label\n{cells[0]},0\n{cells[1]},1\n"), message)


def test_lists_elsewhere_stay_text(tmp_path):
    path = written(tmp_path, 'logit_0,logit_1,label,tags\n1,2,0,"[1, 2]"\n1,2,0,[]\n')
    assert read(path).columns["tags"].tolist() == ["[1, 2]", "[]"]


def test_what_looks_like_a_list():
    assert [is_list(cell) for cell in ("", "a b", "1 b", "3", None, " [", "1  2")] == [False] * 5 + [True] * 2


def test_scores_of_the_best_classes_are_no_scores_of_all(tmp_path):
    path = written(tmp_path, "index_0,index_1,prob_0,prob_1,label\n7,1,.5,.25,7\n")
    message = (
        'd.csv: columns index_0 to index_1 say that "prob_0" is the score of the best class, not of class 0. '
        "Write the scores of all classes in class order (timm: --topk 0)."
    )
    refused(path, f"{message} Or measure the predicted class alone: --key confidence=prob_0 --key prediction=index_0")
    path = written(tmp_path, "index,prob,label\n[7 1],[.5 .25],7\n")
    refused(
        path, message.replace("columns index_0 to index_1 say", 'the lists in "index" say').replace("prob_0", "prob")
    )


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(text_module, "READ_BYTES", 64)


def test_blocks_change_nothing(small_blocks, tmp_path):
    text = "logit_0,logit_1,label,site,seen,note\n" + "".join(
        f'{i}.5,{-i},{i % 2},{"s" if i % 3 else ""},{i % 2 == 0},"a\n""{i}"""\n' for i in range(50)
    )
    predictions = read(written(tmp_path, text))
    assert predictions.scores[0:50].tolist() == [[i + 0.5, -i] for i in range(50)]
    assert predictions.columns["site"].tolist() == ["s" if i % 3 else "" for i in range(50)]
    assert predictions.columns["seen"].tolist() == [i % 2 == 0 for i in range(50)]
    assert predictions.columns["note"].tolist() == [f'a\n"{i}"' for i in range(50)]


def test_text_after_numbers_keeps_the_zeros(small_blocks, tmp_path):
    cells = ["007"] * 30 + ["x"] + ["1.50"] * 30
    text = "prob,label,code,flag,big\n" + "".join(
        f"0.5,1,{cell},{'True' if i < 40 else 3},{'18446744073709551615' if i > 40 else 5}\n"
        for i, cell in enumerate(cells)
    )
    columns = read(written(tmp_path, text)).columns
    assert columns["code"].tolist() == cells
    assert (columns["flag"][0], columns["flag"][60]) == ("True", "3")
    assert (columns["big"][0], columns["big"][60]) == ("5", "18446744073709551615")


def test_whole_and_broken_numbers_are_one_column(small_blocks, tmp_path):
    text = "prob,label,hour\n" + "".join(f"0.5,1,{'' if i == 60 else i if i < 50 else i + 0.5}\n" for i in range(70))
    hours = read(written(tmp_path, text)).columns["hour"]
    assert (hours.dtype, hours[3], hours[55]) == (np.dtype("f8"), 3, 55.5)
    assert np.isnan(hours[60])


def test_scores_beyond_memory_are_read_from_a_spool(tmp_path):
    path = written(tmp_path, rows())
    predictions = open_dump(str(path), ReadOptions(limits=Limits(max_memory=100)))
    assert isinstance(predictions.scores, SpooledRows)
    assert (predictions.scores[0:20] == LOGITS).all()


def test_too_much_text(monkeypatch, tmp_path):
    monkeypatch.setattr(texts_module, "ALWAYS_ALLOWED", 0)
    text = "prob,label,note\n" + "".join(f"0.5,1,{'x' * i}\n" for i in range(100))
    arrays = read_csv(SteadyFile.of(written(tmp_path, text)), Limits(max_memory=1000)).arrays
    assert (arrays["label"].shape, arrays["note"].refusal) == ((100,), "too much text")
    with pytest.raises(InputError) as error:
        arrays["note"].load()
    assert str(error.value) == ('d.csv, column "note": it has more than 1000 bytes of text: save the dump without it')


def test_one_long_text_makes_no_others_long(tmp_path):
    text = "prob,label,note\n" + "0.5,1,a\n" * 1000 + f"0.5,1,{'b' * 100_000}\n"
    notes = read(written(tmp_path, text)).columns["note"]
    assert notes.dtype == object
    assert (notes[0], len(notes[1000])) == ("a", 100_000)
    short = Texts(1000)
    short.add(np.array(["a", None, "bc"], object), "")
    assert short.array().tolist() == ["a", "", "bc"]
    assert short.array().dtype.kind == "U"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "1,2,0\n1,2\n", "d.csv line 3: the row has 2 cells, but the header has 3"),
        (HEADER + "1,2,0,4\n", "d.csv line 2: the row has 4 cells, but the header has 3"),
        (HEADER + "1,2,0\n\n1,2,0\n", "d.csv line 3: the row has 1 cells, but the header has 3"),
        ("\n" + HEADER, "d.csv line 1: the line is empty, but the names of the columns are needed"),
        (
            "1,2,0\n3,4,1\n",
            (
                'd.csv line 1: the line holds numbers ("1"), but the names of the columns are needed, such as '
                "prob_0,prob_1,label; if all numbers are scores, say --read-as txt"
            ),
        ),
        (
            "# model: r50\n" + HEADER + "1,2,0\n",
            (
                "d.csv line 2: the row has 3 cells, but the header has 1. "
                "Remove what stands before the header, such as comments"
            ),
        ),
        (HEADER + "1,2,0\n\n\n", None),
        (HEADER + '1,2,"0\n', "d.csv line 2: a quotation mark is opened and never closed"),
        (HEADER + "1,2,0\n3,\0,1\n", "d.csv line 3: found a NUL byte, but text is needed"),
        (
            "logit_0,logit_1,label\r1,2,0\r",
            "d.csv line 1: found a carriage return without a line feed: save the file with LF or CRLF lines",
        ),
        (HEADER + "1,2,0\n1,_,0\n", 'd.csv line 3, column "logit_1": "_" is not a number'),
        (HEADER + "1,True,0\n", 'd.csv line 2, column "logit_1": "True" is not a number'),
        (
            "logits,logit_0,logit_1,label\n1,1,1,0\n",
            ('d.csv: the scores could be the column "logits" or the numbered columns of logits. Rename one of them.'),
        ),
    ],
)
def test_texts_that_are_no_tables(text, message, tmp_path):
    path = written(tmp_path, text)
    if message is None:
        assert read(path).n == 1
    else:
        refused(path, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.encode() + b"1,2,\xe9\n", "d.csv line 2: byte 0xe9 is not UTF-8: save the file as UTF-8"),
        (
            HEADER.encode("utf-16"),
            "d.csv: this is UTF-16 text, but UTF-8 is needed: save it as UTF-8 (in Excel, as CSV UTF-8)",
        ),
        (HEADER.encode() + b'1,2,"a\n\n\xe9"\n', "d.csv line 4: byte 0xe9 is not UTF-8: save the file as UTF-8"),
    ],
)
def test_other_encodings(content, message, tmp_path):
    refused(written(tmp_path, content), message)


def test_a_stray_quotation_mark(tmp_path):
    with pytest.raises(InputError, match=r"^d\.csv from line 2 on: "):
        read(written(tmp_path, HEADER[:-1] + ',note\n1,2,0,5" a\n1,2,0,5" b\n'))


def test_a_header_of_too_many_columns(tmp_path, monkeypatch):
    monkeypatch.setattr(columns_module, "MOST_COLUMNS", 3)
    message = (
        "d.csv: there are 4 columns, but at most 3 are read; write the scores of more classes as one column of lists"
    )
    refused(written(tmp_path, "a,b,c,d\n1,2,3,4\n"), message)


@pytest.mark.parametrize("line", ["x" * 2000, '"' + "x\n" * 1000], ids=["long", "quoted"])
def test_endless_lines(line, small_blocks, monkeypatch, tmp_path):
    monkeypatch.setattr(text_module, "LONGEST_LINE", 1000)
    refused(
        written(tmp_path, HEADER + "1,2,0\n1,2," + line),
        "d.csv line 3: the line is longer than 1000 bytes, or a quotation mark in it is never closed",
    )


def test_gzip_beyond_the_limit_is_left_unread(tmp_path):
    text = HEADER + "1,2,0\n" * 3_000_000
    path = written(tmp_path, text, "d.csv.gz")
    says = "d.csv.gz: expands to {} bytes{}, over the limit of 1000000. If you trust the file, raise --max-bytes."
    refused(path, says.format(len(text), " (unless its end is cut off)"), max_bytes=10**6)
    path.write_bytes(path.read_bytes()[:-4] + bytes(4))  # a size that is a lie
    refused(path, says.format(2**23, ""), max_bytes=10**6)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:20] + bytes(4), "(Compressed file ended before|Error -[35])"),
        (lambda data: data[:-8] + b"\0" * 8, "CRC check failed"),
        (lambda data: b"logit_0" + data, "Not a gzipped file"),
        (lambda data: data[:12] + b"\xff\xff\xff" + data[15:], "Error -3"),
    ],
    ids=["cut", "checksum", "text", "stream"],
)
def test_damaged_gzip(damage, reason, tmp_path):
    path = written(tmp_path, HEADER + "1,2,0\n", "d.csv.gz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"^d\.csv\.gz: not a gzip file, or damaged \({reason}"):
        read(path)


def test_names_with_blanks_around(tmp_path):
    assert read(written(tmp_path, "prob_0, prob_1, label\n.25, .75, 1\n")).labels.tolist() == [1]


def test_top_label_columns(tmp_path):
    path = written(tmp_path, "confidence,correct\n0.75,True\n0.5,False\n")
    assert (read(path).kind, read(path).labels.tolist()) == ("confidence", [1, 0])
    path = written(tmp_path, "confidence,prediction,label\n0.75,cat,cat\n0.5,dog,cat\n")
    assert read(path).labels.tolist() == [1, 0]


def test_probabilities_by_class_name(tmp_path):
    path = written(tmp_path, "prob_cat,prob_dog,label\n0.75,0.25,dog\n")
    assert (read(path).class_names, read(path).labels.tolist()) == (("cat", "dog"), [1])


@pytest.mark.parametrize(("outcome", "kind"), [("label_ids", "logits"), ("ground_truth", "probs")])
def test_predictions_of_known_tools(outcome, kind, tmp_path):
    scores = {"logits": LOGITS, "probs": PROBS}[kind]
    lines = [f'"{row}",{label}' for row, label in zip(scores.tolist(), LABELS, strict=True)]
    predictions = read(written(tmp_path, f"predictions,{outcome}\n" + "\n".join(lines)))
    assert (predictions.kind, predictions.k) == (kind, 3)
