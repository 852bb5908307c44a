"""Class names in .json files."""

import json

import pytest

from calibeval.core.errors import InputError
from calibeval.readers.small_files import names_in_json
from tests.cli.invoking import run


@pytest.mark.parametrize(
    "value",
    [
        ["cat", "dog"],
        {"0": "cat", "1": "dog"},
        {"1": "dog", "0": "cat"},
        {"cat": 0, "dog": 1},
        {"id2label": {"0": "cat", "1": "dog"}, "model_type": "bert"},
    ],
)
def test_names(value, tmp_path):
    assert names_in_json(json.dumps(value).encode(), tmp_path) == ("cat", "dog")


@pytest.mark.parametrize("value", [[], {}, ["a", ""], [1, 2], {"0": "a", "2": "b"}, {"a": 0, "b": 0}, 3, {"0": 1}])
def test_what_names_no_classes(value, tmp_path):
    with pytest.raises(InputError, match="a list of names, or an object"):
        names_in_json(json.dumps(value).encode(), tmp_path)


def test_twice_and_broken(tmp_path):
    with pytest.raises(InputError, match='two classes are called "a"'):
        names_in_json(b'["a", "a"]', tmp_path)
    with pytest.raises(InputError, match="not valid JSON"):
        names_in_json(b"[", tmp_path)


def test_on_the_command_line(tmp_path, capsys):
    (tmp_path / "names.json").write_text('{"0": "no", "1": "yes"}')
    (tmp_path / "d.jsonl").write_text('{"p": 0.3, "y": "no"}\n{"p": 0.8, "y": "yes"}\n')
    done = run(capsys, "inspect", tmp_path / "d.jsonl", "--class-names", tmp_path / "names.json")
    assert "classes: no, yes" in done.out
