"""A checkpoint with a right checksum and other contents: refused, and never another head, or a crash."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from calibeval.readers.formats.safetensors import read_with_texts
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.runs import checkpoint
from calibeval.runs import run as commands
from calibeval.runs.data import read_data
from calibeval.writers.tensors import write_tensors
from tests.cli import feature_files as files
from tests.cli.commands.test_finetune_resume import LOSS, interrupted
from tests.cli.invoking import run

WAYS = {
    "adamw": ["--seeds", 2],
    "sgd": ["--optimizer", "sgd", "--seeds", 2],
    "mlp": ["--head", "mlp", "--hidden", 4, "--tune", "--trials", 2],
}

EACH = ["adamw", *(pytest.param(way, marks=pytest.mark.slow) for way in ("sgd", "mlp"))]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Splits, which the commands of a test read once; they differ in nothing but the checkpoint."""
    monkeypatch.setenv("CALIBEVAL_CHECKPOINT_SECONDS", "0")
    read = []
    monkeypatch.setattr(commands, "read_data", lambda command: (read or read.append(read_data(command)) or read)[0])
    return files.splits(tmp_path)


def tampered(path, change):
    """The checkpoint with its tensors and state changed, and the checksum of what it holds now."""
    arrays, texts = read_with_texts(SteadyFile.of(path), Limits())
    arrays = {name: np.array(values) for name, values in arrays.items()}
    document = json.loads(texts["state"])
    change(arrays, document["state"])
    text = json.dumps(document)
    write_tensors(path, arrays, {"state": text, "sha256": checkpoint._digest(arrays, text)})


def refusal(capsys, folder, words, loss=LOSS):
    """The line that a resumed run ends with, which has written nothing."""
    before = files.contents(folder / "run")
    result = run(capsys, *files.words(folder, *loss, *words, "-q", "--resume"))
    path = folder / "run" / "checkpoint.safetensors"
    assert result.code == 3, result.err
    assert result.err.startswith(f"{path}: not a checkpoint, or damaged (")
    assert result.err.endswith("); start again without --resume\n")
    assert len(result.err) < 500 + len(str(path))
    assert files.contents(folder / "run") == before
    return result.err.partition("(")[2].rpartition(")")[0]


RESHAPES = {
    "longer": lambda values: np.concatenate([values.ravel(), values.ravel()]),
    "flat": lambda values: values.reshape(1, *values.shape),
    "broadcast": lambda values: values.ravel()[:1].reshape(()),
    "empty": lambda values: values[None][:0],
    "wider": lambda values: values.astype(np.float64 if values.dtype != np.float64 else np.float32),
    "whole": lambda values: values.astype(np.int32 if values.dtype != np.int32 else np.int64),
}


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize("after", [pytest.param(1, marks=pytest.mark.slow), 4])
@pytest.mark.parametrize("reshape", RESHAPES)
def test_tensors_of_another_shape_or_type(capsys, folder, monkeypatch, way, after, reshape):
    interrupted(capsys, folder, monkeypatch, *WAYS[way], after=after)
    path = folder / "run" / "checkpoint.safetensors"
    content = path.read_bytes()
    names = [*read_with_texts(SteadyFile.of(path), Limits())[0]]
    assert len(names) > 3
    for name in names:
        path.write_bytes(content)

        def change(arrays, _, name=name):
            other = RESHAPES[reshape](arrays[name])
            arrays[name] = np.zeros((7,), arrays[name].dtype) if other.shape == arrays[name].shape == () else other

        tampered(path, change)
        said = refusal(capsys, folder, WAYS[way])
        assert f'"{name.removeprefix("training.")}"' in said or name.startswith("trained.")


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize("after", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_missing_and_unknown_tensors(capsys, folder, monkeypatch, way, after):
    interrupted(capsys, folder, monkeypatch, *WAYS[way], after=after)
    path = folder / "run" / "checkpoint.safetensors"
    content = path.read_bytes()
    for name in read_with_texts(SteadyFile.of(path), Limits())[0]:
        path.write_bytes(content)
        tampered(path, lambda arrays, _, name=name: arrays.pop(name))
        refusal(capsys, folder, WAYS[way])
    for name in (
        "x",
        "trained.0.7.weight",
        "trained.99.0.weight",
        "training.x",
        "training.optimizer.99.exp_avg",
        "k" * 9999,
    ):
        path.write_bytes(content)
        tampered(path, lambda arrays, _, name=name: arrays.update({name: np.zeros(3, np.float32)}))
        refusal(capsys, folder, WAYS[way])


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(capsys, folder, monkeypatch, way, value):
    interrupted(capsys, folder, monkeypatch, *WAYS[way], after=4)
    path = folder / "run" / "checkpoint.safetensors"
    content = path.read_bytes()
    for name, values in read_with_texts(SteadyFile.of(path), Limits())[0].items():
        if values.dtype.kind != "f" or (np.isinf(value) and "optimizer" in name and "step" not in name):
            continue
        path.write_bytes(content)

        def change(arrays, _, name=name):
            arrays[name].reshape(-1)[-1] = value

        tampered(path, change)
        refusal(capsys, folder, WAYS[way])


NUMBERS = (-1, 2**62, 2**63, 10**400, 0.5, "1", None, [], {}, True, [1, 2, 3, 4, 5, 6, 7])


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize("after", [0, *(pytest.param(after, marks=pytest.mark.slow) for after in (1, 4))])
def test_states_of_another_kind(capsys, folder, monkeypatch, way, after):
    """Every value of the state, replaced by ones of all kinds: refused, but where it can be meant."""
    interrupted(capsys, folder, monkeypatch, *WAYS[way], after=after)
    path = folder / "run" / "checkpoint.safetensors"
    content = path.read_bytes()
    state = json.loads(read_with_texts(SteadyFile.of(path), Limits())[1]["state"])["state"]
    monkeypatch.setattr("calibeval.training.sweep.Sweep.done", property(lambda _: True))  # nothing is trained here
    for place in [place for place in places(state) if place]:
        for value in NUMBERS:
            found = state
            for key in place:
                found = found[key]
            numeric = {"best_scores", "score", "multipliers"} & set(map(str, place))
            if found == value or (numeric and isinstance(value, float | None | int)) or "training" in place[-1:]:
                continue
            path.write_bytes(content)

            def change(_, there, place=place, value=value):
                for key in place[:-1]:
                    there = there[key]
                there[place[-1]] = copy.deepcopy(value)

            tampered(path, change)
            refusal(capsys, folder, WAYS[way])


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", 0), ("epochs", 1), ("epochs", 3), ("epochs", 4), ("best_epochs", [2, 3]), ("diverged", [9, 0])],
)
def test_counters_that_do_not_fit(capsys, folder, monkeypatch, way, key, value):
    interrupted(capsys, folder, monkeypatch, *WAYS[way], after=2)
    tampered(folder / "run" / "checkpoint.safetensors", lambda _, state: state["training"].update({key: value}))
    refusal(capsys, folder, WAYS[way])


@pytest.mark.parametrize(
    "multipliers", [[[1.0] * 3, [1.0] * 3], [[], [1.0] * 3], [[], []], [[1.0] * 2, []], [[1.0] * 3]]
)
def test_multipliers_of_another_loss(capsys, folder, monkeypatch, multipliers):
    loss = ["--loss", "cals_hr(margin=1)"]
    interrupted(capsys, folder, monkeypatch, "--seeds", 2, after=4, loss=loss)

    def change(_, state):
        assert [len(values) for values in state["trained"][0]["multipliers"]] == [3, 0]
        state["trained"][0]["multipliers"] = multipliers

    tampered(folder / "run" / "checkpoint.safetensors", change)
    assert refusal(capsys, folder, ["--seeds", 2], loss) == "a head has the multipliers of another loss"


@pytest.mark.parametrize("finished", [0, 1, 2, 3, 99])
def test_stages_that_do_not_fit(capsys, folder, monkeypatch, finished):
    interrupted(capsys, folder, monkeypatch, "--seeds", 2, after=4)
    path = folder / "run" / "checkpoint.safetensors"
    if finished != 1:
        tampered(path, lambda _, state: state.update(finished=finished))
        refusal(capsys, folder, ["--seeds", 2])
    else:
        tampered(path, lambda *_: None)
        assert (
            run(capsys, *files.words(folder, "--loss", "ce,cals(margin=2)", "--seeds", 2, "-q", "--resume")).code == 0
        )


@pytest.mark.parametrize("history", [[-1], [0, 0], [], [0.0], [2**62]])
def test_lengths_of_the_history_that_cannot_be(capsys, folder, monkeypatch, history):
    interrupted(capsys, folder, monkeypatch)
    values = np.array(history) if history else np.zeros(0, np.int64)
    tampered(folder / "run" / "checkpoint.safetensors", lambda arrays, _: arrays.update(history=values))
    result = run(capsys, *files.words(folder, "--loss", "ce,cals(margin=2)", "-q", "--resume"))
    assert (result.code, result.err.count("\n")) == (3, 1)
