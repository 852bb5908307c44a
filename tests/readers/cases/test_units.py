"""Tables of the groups of cases: line ends, long cells, empty cells."""

import pytest

from calibeval.core.errors import InputError
from calibeval.core.evaluation.of_cases import evaluate_cases
from calibeval.core.evaluation.settings import checked
from calibeval.readers.cases.folder import Folder
from calibeval.readers.cases.units import read_columns, read_units
from calibeval.readers.meaning.read_options import ReadOptions
from tests.readers.cases.folders import image, npz


def table(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode())
    return str(tmp_path / "t.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path, end):
    name = table(tmp_path, end.join(["case,patient", "a,1", 'b,"2"', "c.npz,1", ""]))
    assert read_units(name, ["a", "b", "c"]) == ("patient", ("1", "2", "1"))


def test_a_cell_that_is_too_long(tmp_path):
    name = table(tmp_path, f"case,patient\na,{'x' * 200_000}\n")
    with pytest.raises(InputError, match=r"t\.csv: line 2: field larger than field limit"):
        read_units(name, ["a"])


def test_empty_cells_are_no_group(tmp_path):
    name = table(tmp_path, "case,patient,site\na,1,x\nb,,\nc, ,\n")
    with pytest.raises(InputError, match='2 of 3 cases have an empty cell in the column "patient": b, c; write a name'):
        read_units(name, ["a", "b", "c"])
    assert read_columns([name], ["a", "b", "c"])["site"] == ("x", "", "")


def test_the_column_names_the_groups(tmp_path):
    cases = {f"c{i}": image(i) for i in range(4)}
    scores, marks = npz(tmp_path, cases)
    folder = Folder(scores, marks, ReadOptions())
    plain = checked(bins=10, level=None, group="patient")
    columns = {"site": ("x", "y", "x", "y")}
    for settings, more in ((plain, {}), (checked(bins=10, level=None, group="patient", slices=("site",)), columns)):
        (report,) = evaluate_cases(folder, settings, units=["p", "p", "q", "r"], columns=more)
        assert (report.groups.column, report.groups.count) == ("patient", 3)


def test_two_files_of_labels(tmp_path):
    scores, marks = npz(tmp_path, {"a": image(0)})
    (marks / "a.npy").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.npy and a\.npz: keep one$"):
        Folder(scores, marks, ReadOptions())


def test_names_that_start_with_an_underscore(tmp_path):
    scores, marks = npz(tmp_path, {"_a": image(0), "b": image(1)})
    folder = Folder(scores, marks, ReadOptions())
    assert sorted(folder.facts.names) == ["_a", "b"]


def test_a_layout_without_files(tmp_path):
    scores, marks = npz(tmp_path, {"a": image(0)})
    with pytest.raises(
        InputError, match=r"none of \.nii\.gz, \.nii, as layout monai has; its files are those of --layout nnunet$"
    ):
        Folder(scores, marks, ReadOptions(), "monai")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,patient\nfoo,1\nbar,2\n", "2 of 2 cases are not in it: a.png, b; its first column has foo, bar"),
        ("patient,case\np,a.png\np,b\n", '"p" belongs to two groups; names of cases are in the column "case": put it'),
        ("patient,case\np,a.png\nq,b\n", 'a.png, b; names of cases are in the column "case": put it first'),
        ("a.png,p\nb,q\n", 'line 1 is no header, but the case "a.png"; a table with a header is needed'),
        ("case;patient\na.png;p\n", "in another one; commas divide cells in .csv, and tabs in .tsv, not ';'"),
    ],
)
def test_why_cases_are_not_in_a_table(tmp_path, text, said):
    with pytest.raises(InputError) as error:
        read_units(table(tmp_path, text), ["a.png", "b"])
    assert said in str(error.value)


def test_names_of_cases_may_end_as_files_do(tmp_path):
    assert read_units(table(tmp_path, "case,patient\na.png,p\nb.npz,q\n"), ["a.png", "b"]).names == ("p", "q")
