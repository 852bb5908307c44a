"""`calibeval report`: the numbers of the sample data, JSON alone on stdout, errors with file and remedy, files."""

from __future__ import annotations

import hashlib
import json
import os
import platform

import numpy as np
import pytest

from calibeval import Report, evaluate, read
from calibeval.core.report.settings import Settings
from calibeval.core.version import VERSION
from tests.cli.invoking import ENVIRONMENT, failure, program, run
from tests.readers.dumps import LABELS, LOGITS, npz

# From sample_data/README.md: rows, classes, accuracy, mean confidence, NLL, ECE with 15 bins.
SAMPLES = [
    ("diamonds.npz#val", 12_000, 5, 0.7517, 0.8857, 0.9247, 0.1343),
    ("diamonds.npz#test", 20_000, 5, 0.7484, 0.8849, 0.9284, 0.1365),
    *((f"digits_val.{suffix}", 600, 10, 0.8917, 0.9540, 0.4257, 0.0646) for suffix in ("npz", "pt", "csv")),
    *((f"digits_test.{suffix}", 997, 10, 0.9137, 0.9651, 0.4173, 0.0582) for suffix in ("npz", "pt", "csv")),
]


@pytest.fixture
def digits(sample_data):
    return sample_data / "digits_test.npz"


@pytest.mark.parametrize(("name", "n", "k", "accuracy", "confidence", "nll", "ece"), SAMPLES)
def test_sample_data(name, n, k, accuracy, confidence, nll, ece, sample_data, capsys):
    result = run(capsys, "report", f"{sample_data}/{name}", "--json")
    assert (result.code, result.err) == (0, "")
    (dump,) = result.json["dumps"]
    value = {key: metric["value"] for key, metric in dump["metrics"].items()}
    assert (dump["source"]["n"], dump["source"]["k"], dump["source"]["kind"]) == (n, k, "logits")
    assert value["accuracy"] == pytest.approx(accuracy, abs=5.1e-5)
    assert value["accuracy"] + value["confidence_gap"] == pytest.approx(confidence, abs=5.1e-5)
    assert value["nll"] == pytest.approx(nll, abs=5.1e-5)
    assert value["ece"] == pytest.approx(ece, abs=5.1e-5)


def test_one_set_of_numbers_from_three_formats(sample_data, capsys):
    names = [sample_data / f"digits_val.{suffix}" for suffix in ("npz", "pt", "csv")]
    dumps = run(capsys, "report", *names, "--json").json["dumps"]
    assert [dump["source"]["format"] for dump in dumps] == ["npz", "pt", "csv"]
    assert dumps[0]["metrics"] == dumps[1]["metrics"]
    assert dumps[0]["bins"] == dumps[1]["bins"]
    # The text is the shortest that reads back as the same float32: as float64 it differs in the eighth digit.
    for name, metric in dumps[0]["metrics"].items():
        assert dumps[2]["metrics"][name]["value"] == pytest.approx(metric["value"], abs=1e-7)
    assert [b["count"] for b in dumps[0]["bins"]["equal_width"]] == [
        b["count"] for b in dumps[2]["bins"]["equal_width"]
    ]


def test_json_is_the_report_of_the_api(digits, capsys):
    result = run(capsys, "report", digits, "--json", "--bins", "10", "--level", "0.9")
    found = Report.from_json(result.out)
    expected = evaluate(read(digits), bins=10, level=0.9)
    assert found.settings == expected.settings == Settings(bins=10, level=0.9)
    assert found.dumps[0].metrics == expected.dumps[0].metrics
    assert found.dumps[0].equal_mass == expected.dumps[0].equal_mass


def test_bytes_do_not_depend_on_threads(sample_data, capsys):
    texts = [run(capsys, "report", f"{sample_data}/diamonds.npz#test", "--json", "--jobs", j).out for j in (1, 2, 3)]
    assert texts[0] == texts[1] == texts[2]


def test_no_intervals(digits, capsys):
    document = run(capsys, "report", digits, "--json", "--no-intervals").json
    assert document["settings"]["level"] is None
    assert document["dumps"][0]["metrics"]["ece"]["low"] is None


def test_the_report_says_with_what_it_was_made(digits, capsys):
    made = run(capsys, "report", digits, "--bins", 5, "--jobs", 1, "-q", "--json").json["environment"]
    assert made["command"] == ["report", str(digits), "--bins", "5", "--json"]
    assert (made["calibeval"], made["numpy"]) == (VERSION, np.__version__)
    assert made["python"] == platform.python_version()


def test_warnings_are_talk(tmp_path, capsys):
    path = npz(tmp_path, logits=LOGITS, labels=np.zeros(20, int))
    result = run(capsys, "report", path, "--json")
    warning = "2 of 3 classes do not occur among the labels: 1, 2"
    assert result.json["dumps"][0]["warnings"] == [{"code": "absent_classes", "message": warning}]
    assert result.err == f"warning: d.npz: {warning}\n"
    assert run(capsys, "report", path, "--json", "-q").err == ""


def test_a_table_for_people(digits, capsys):
    result = run(capsys, "report", digits)
    assert (result.code, result.err) == (0, "")
    assert "91.37" in result.out
    assert "5.82" in result.out
    assert "\x1b" not in result.out
    assert max(map(len, result.out.splitlines())) <= 100


@pytest.mark.parametrize("name", ["md", "csv", "latex"])
def test_formats(name, digits, capsys):
    result = run(capsys, "report", digits, "--format", name)
    assert result.code == 0
    assert "91.37" in result.out or "0.9137" in result.out


ERRORS = [
    (["--format", "mb"], 2, '--format "mb" is unknown (did you mean "md"?); there are md, csv, latex'),
    (["--format", "md", "--json"], 2, "--json and --format exclude each other"),
    (["--bins", "0"], 2, "bins is 0, but it must lie between 1 and 10000"),
    (["--bins", "10001"], 2, "bins is 10001, but it must lie between 1 and 10000"),
    (["--level", "95"], 2, "level is 95, but it must lie between 0 and 1, such as 0.95"),
    (
        ["--convention", "calibeva"],
        2,
        (
            'convention "calibeva" is unknown (did you mean "calibeval"?); there are calibeval, guo (or gpleiss, '
            "focal_calibration), mbls (or cals), torchmetrics, torchmetrics-multiclass, netcal, relplot, "
            "torch-uncertainty (or torch_uncertainty), hle, helm, minderer (or robustness_metrics); "
            "of segmentations, monai, lts, mbls per update, cals per update"
        ),
    ),
    (
        ["--kind", "logit"],
        2,
        'kind "logit" is unknown (did you mean "logits"?); kinds are logits, probs, log_probs, confidence',
    ),
    (
        ["--labels-key", "lables"],
        3,
        (
            'digits_test.npz: --labels-key: there is no "lables" (did you mean "labels"?); '
            'found "logits" (997, 10) float32, "labels" (997) int64'
        ),
    ),
    (
        ["--max-bytes", "100"],
        3,
        "digits_test.npz: expands to 48112 bytes, over the limit of 100. If you trust the file, raise --max-bytes.",
    ),
    (["--class-names", "/no/such/file"], 4, "/no/such/file: there is no such file"),
    (["--labels", "/no/such.npy"], 4, "/no/such.npy: there is no such file"),
]


@pytest.mark.parametrize(("options", "code", "message"), ERRORS)
def test_errors(options, code, message, digits, capsys):
    if "--json" not in options:
        assert run(capsys, "report", digits, *options) == (code, "", f"{message}\n")
    as_json = run(capsys, "report", digits, "--json", *options)
    assert (as_json.code, as_json.out) == (code, "")
    assert json.loads(as_json.err) == failure(code, message)


def test_errors_of_files(tmp_path, capsys):
    missing = tmp_path / "no.npz"
    assert run(capsys, "report", missing) == (4, "", f"{missing}: there is no such file\n")
    (tmp_path / "d.npx").write_text("x")
    result = run(capsys, "report", tmp_path / "d.npx")
    assert result.code == 3
    assert result.err.startswith('d.npx: the suffix ".npx" is unknown (did you mean ".npz"?); formats are ')
    bad = LOGITS.copy()
    bad[3, 1] = np.nan
    result = run(capsys, "report", npz(tmp_path, logits=bad, labels=LABELS))
    assert result == (3, "", "d.npz: row 3 holds nan in column 1, but logits must be finite or -inf.\n")


def test_several_splits_and_none_named(sample_data, capsys):
    result = run(capsys, "report", sample_data / "diamonds.npz")
    assert result == (3, "", "diamonds.npz: holds several splits: val, test. Name one, as in diamonds.npz#test\n")


def test_one_bad_dump_spoils_the_report(digits, tmp_path, capsys):
    assert run(capsys, "report", digits, tmp_path / "no.npz", "--json").out == ""


def test_an_unreadable_file(tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied")

    path = npz(tmp_path, logits=LOGITS, labels=LABELS)
    monkeypatch.setattr("calibeval.readers.formats.npz.read_npz", fail)
    assert run(capsys, "report", path) == (4, "", f"{path}: cannot be read (Permission denied)\n")


def test_class_names_and_labels_from_files(tmp_path, capsys):
    path = npz(tmp_path, logits=LOGITS, labels=np.array(["b", "c", "a"])[LABELS])
    (tmp_path / "names.txt").write_text("\ufeffb\nc\na\n\n", encoding="utf-8")
    result = run(capsys, "report", path, "--class-names", tmp_path / "names.txt", "--json", "-q")
    assert [c["name"] for c in result.json["dumps"][0]["per_class"]] == ["b", "c", "a"]
    np.save(tmp_path / "y.npy", LABELS)
    np.save(tmp_path / "s.npy", LOGITS)
    result = run(capsys, "report", tmp_path / "s.npy", "--labels", tmp_path / "y.npy", "--kind", "logits", "--json")
    assert (
        result.json["dumps"][0]["metrics"]["ece"]
        == run(capsys, "report", npz(tmp_path, logits=LOGITS, labels=LABELS), "--json").json["dumps"][0]["metrics"][
            "ece"
        ]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\nb\nc\n", "line 2 is blank, but every class needs a name"),
        ("a\nb\na\n", 'two classes are called "a"'),
        ("", "holds no class names"),
    ],
)
def test_class_names_that_cannot_be(tmp_path, capsys, text, message):
    (tmp_path / "names.txt").write_text(text, encoding="utf-8")
    result = run(capsys, "report", npz(tmp_path, logits=LOGITS, labels=LABELS), "--class-names", tmp_path / "names.txt")
    assert result.code == 3
    assert result.err == f"{tmp_path / 'names.txt'}: {message}\n"


def test_ignore_index(tmp_path, capsys):
    labels = LABELS.copy()
    labels[:4] = 255
    path = npz(tmp_path, logits=LOGITS, labels=labels)
    assert "use --ignore-index 255" in run(capsys, "report", path).err
    source = run(capsys, "report", path, "--ignore-index", 255, "--json").json["dumps"][0]["source"]
    assert (source["n"], source["ignored"]) == (16, 4)
    np.savez(path, logits=LOGITS, labels=np.where(labels == 255, -100, labels))
    assert run(capsys, "report", path, "--ignore-index", "-100", "--json").json["dumps"][0]["source"]["ignored"] == 4


def test_impossible_labels_still_give_a_report(tmp_path, capsys):
    path = npz(tmp_path, probs=np.array([[1.0, 0.0], [0.5, 0.5]]), labels=np.array([1, 0]))
    result = run(capsys, "report", path, "--json", "-q")
    assert result.code == 0
    assert result.json["dumps"][0]["metrics"]["nll"] == {
        "value": None,
        "reason": {"code": "infinite", "message": "infinite: the label has probability 0 in 1 row, first in row 0"},
        **dict.fromkeys(("low", "high", "corrected", "floor", "floor_high", "floor_certain")),
        "count": 1,
        "row": 0,
    }


def test_files_of_a_report(digits, tmp_path, capsys):
    folder = tmp_path / "new" / "folder"
    result = run(capsys, "report", digits, "--json", "-o", folder)
    assert (result.code, result.err) == (0, f"written to {folder}\n")
    assert {p.name for p in folder.iterdir()} == {"report.json", "report.html", "bins.csv", "reliability.svg"}
    assert (folder / "report.json").read_text() == result.out
    lines = (folder / "bins.csv").read_text().splitlines()
    assert lines[0] == "dump,binning,bin,lower,upper,count,confidence,accuracy,gap"
    tables = result.json["dumps"][0]["bins"]
    assert len(lines) == 1 + len(tables["equal_width"]) + len(tables["equal_mass"])
    assert (folder / "reliability.svg").read_text().lstrip().startswith("<?xml")
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_a_png_is_written_where_it_is_asked_for(digits, tmp_path, capsys):
    assert run(capsys, "report", digits, "-q", "-o", tmp_path, "--png").code == 0
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    result = run(capsys, "report", digits, "--png")
    assert (result.code, result.err) == (2, "--png belongs to -o; for one file alone, say --figure FILE.png\n")


def test_the_same_files_again(digits, tmp_path, capsys):
    contents = []
    for _ in range(2):
        run(capsys, "report", digits, "-q", "-o", tmp_path / "out")
        contents.append({p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()})
    assert contents[0] == contents[1]


def test_nothing_is_written_without_o(digits, tmp_path):
    assert program("report", digits, cwd=tmp_path).code == 0
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be(digits, tmp_path, capsys):
    (tmp_path / "file").write_text("precious")
    result = run(capsys, "report", digits, "-o", tmp_path / "file")
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith(f"{tmp_path / 'file'}: the folder cannot be created (")
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "instead"),
    [("x.json", "--json > x.json"), ("x.md", "--format md > x.md"), ("x.svg", "--figure x.svg"), ("x.html", None)],
)
def test_a_folder_is_not_called_like_a_file(name, instead, digits, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hint = f"; for that file alone, say {instead}" if instead else ""
    message = f"-o {name}: names a folder, into which several files are written{hint}\n"
    assert run(capsys, "report", digits, "-o", name) == (2, "", message)
    assert run(capsys, "compare", digits, digits, "-o", name).code == 2
    assert list(tmp_path.iterdir()) == []
    (tmp_path / name).mkdir()  # somebody's own wish
    assert run(capsys, "report", digits, "-o", name, "-q").code == 0


def test_names_that_are_no_utf_8(digits, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.npz"
    with open(path, "wb") as file:  # noqa: PTH123 - the name is bytes
        file.write(digits.read_bytes())
    result = program("report", os.fsdecode(path), "--json", errors="surrogateescape")
    assert (result.code, result.err) == (0, "")
    assert result.json["dumps"][0]["source"]["n"] == 997


def test_class_names_that_the_terminal_cannot_show(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, class_names=np.array(["ä", "日", "c"]))
    for arguments in (["--json", "-q"], [], ["--format", "md"], ["--format", "csv"], ["--format", "latex"]):
        result = program("report", path, *arguments, env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"})
        assert (result.code, result.err) == (0, "")


def test_the_hash_of_a_labels_file_is_in_the_report(tmp_path, capsys):
    np.save(tmp_path / "y.npy", LABELS)
    np.save(tmp_path / "s.npy", LOGITS)
    result = run(capsys, "report", tmp_path / "s.npy", "--labels", tmp_path / "y.npy", "--kind", "logits", "--json")
    source = result.json["dumps"][0]["source"]
    assert source["labels_sha256"] == hashlib.sha256((tmp_path / "y.npy").read_bytes()).hexdigest()
    assert Report.from_json(result.out).to_json() == result.out


def test_dumps_of_one_name_are_told_apart(tmp_path, capsys):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        npz(tmp_path / folder, logits=LOGITS, labels=LABELS)
    paths = [npz(tmp_path / folder, logits=LOGITS, labels=LABELS) for folder in ("one", "two")]
    names = [dump["name"] for dump in run(capsys, "report", *paths, "--json").json["dumps"]]
    assert names == [f"{folder}/{paths[0].name}" for folder in ("one", "two")]
    names = [dump["name"] for dump in run(capsys, "report", paths[0], paths[0], "--json").json["dumps"]]
    assert names == [f"{paths[0].name} (1)", f"{paths[0].name} (2)"]
