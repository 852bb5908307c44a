"""`calibeval finetune` with input that cannot work: what it says, its exit code, and that nothing is lost."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest
import torch

from calibeval.runs.files import EVERY
from calibeval.training.sweep import Sweep
from tests.cli import feature_files as files
from tests.cli.invoking import failure, python, run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return files.splits(tmp_path)


def refused(capsys, folder, code, message, *arguments, **options):
    """The command ends with this code, and says just this."""
    result = run(capsys, *files.words(folder, *arguments, **options), "-q")
    assert (result.code, result.out) == (code, "")
    assert result.err == f"{message}\n"


def changed(folder, name, **arrays):
    """One cache with other arrays."""
    with np.load(folder / f"{name}.npz") as cache:
        np.savez(folder / f"{name}.npz", **{**cache, **arrays})


def array(folder, name, key="features"):
    with np.load(folder / f"{name}.npz") as cache:
        return cache[key].copy()


@pytest.mark.parametrize("name", ["train", "val", "test"])
@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (-np.inf, "-inf"), (1e39, "1e+39")])
def test_values_that_are_no_finite_float32(capsys, folder, name, value, shown):
    features = array(folder, name).astype(float)
    features[[4, 9], 2] = value
    changed(folder, name, features=features)
    refused(
        capsys, folder, 3,
        f"{name}.npz: row 4 holds {shown} in feature 2, but features must be finite float32 numbers "
        f"(2 rows of {len(features)} are wrong)",
    )  # fmt: skip
    assert not (folder / "run").exists()


def test_a_split_of_another_width(capsys, folder):
    changed(folder, "val", features=array(folder, "val")[:, :4])
    refused(capsys, folder, 3, "val.npz has 4 features per row, but train.npz has 5")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "train.npz names its classes, but val.npz does not; name them for all files with --class-names FILE"),
        (["a", "c", "b"], 'class 1 is "c" in val.npz, but "b" in train.npz'),
        (["a", "b", "c", "d"], "val.npz names 4 classes, but train.npz names 3"),
    ],
)
def test_class_names_that_differ(capsys, folder, names, message):
    changed(folder, "train", class_names=np.array(["a", "b", "c"]))
    if names is not None:
        changed(folder, "val", class_names=np.array(names))
    refused(capsys, folder, 3, message, test=False)


def test_class_names_for_all_files(capsys, folder):
    changed(folder, "train", class_names=np.array(["a", "b", "c"]))
    (folder / "names.txt").write_text("a\nb\nc\n", encoding="utf-8")
    assert run(capsys, *files.words(folder, "--class-names", folder / "names.txt", "-q")).code == 0
    assert files.load(folder / "run" / "head.json")["class_names"] == ["a", "b", "c"]


def test_labels_that_only_test_holds(capsys, folder):
    labels = array(folder, "test", "labels")
    labels[7] = 5
    changed(folder, "test", labels=labels)
    refused(capsys, folder, 3, "test.npz: row 7: label 5, but TRAIN and VAL have 3 classes (0 to 2).")


def test_negative_labels(capsys, folder):
    changed(folder, "train", labels=array(folder, "train", "labels") - 1)
    result = run(capsys, *files.words(folder))
    assert result.code == 3
    assert result.err.startswith("train.npz: row 0: label -1, but there are 2 classes (0 to 1)")


def test_one_class_only(capsys, folder):
    for name in ("train", "val", "test"):
        changed(folder, name, labels=array(folder, name, "labels") * 0)
    refused(capsys, folder, 3, "train.npz: every label is 0, but a classifier needs at least two classes")


def test_the_label_of_what_nobody_labelled_is_a_warning(capsys, folder):
    labels = array(folder, "train", "labels").astype(np.int64)
    labels[0] = 255
    changed(folder, "train", labels=labels)
    result = run(capsys, *files.words(folder))
    assert "of 256 classes have no row in train.npz" in result.err
    assert "If 255 marks rows without a label, say --ignore-index 255" in result.err


def test_a_class_that_train_lacks_is_a_warning(capsys, folder):
    labels = array(folder, "train", "labels")
    changed(folder, "train", labels=np.where(labels == 1, 2, labels))
    result = run(capsys, *files.words(folder))
    assert result.code == 0
    assert "warning: 1 of 3 classes have no row in train.npz: 1" in result.err
    assert files.load(folder / "run" / "finetune.json")["warnings"][0]["message"].startswith("1 of 3 classes")


@pytest.mark.parametrize(("one", "other"), [("train", "val"), ("train", "test"), ("val", "test")])
def test_shared_rows_are_a_leak(capsys, folder, one, other):
    features, labels = array(folder, one)[:60], array(folder, one, "labels")[:60]
    np.savez(folder / f"{other}.npz", features=features, labels=labels, own=np.arange(60))
    message = f"{one}.npz and {other}.npz share 60 rows, identical in features and label"
    refused(
        capsys, folder, 3, f"{message}: the head would look better than it is. Say --allow-leak to train anyway.",
    )  # fmt: skip
    assert run(capsys, *files.words(folder, "--allow-leak", "-q")).code == 0
    assert {"code": "leak", "message": message} in files.load(folder / "run" / "finetune.json")["warnings"]


def test_the_same_file_twice_is_a_leak(capsys, folder):
    words = ["finetune", "train.npz", "--val", "train.npz", "-o", "run"]
    result = run(capsys, *words)
    assert result.code == 3
    assert "are the same file and share 120 rows" in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--loss", "mbsl"],
            (
                'loss "mbsl" is unknown (did you mean "mbls"?); losses are ce, ls, ecp, focal, flsd, dual_focal, '
                "brier, mbls, acls, mdca, mbls_dice, cals, cals_hr"
            ),
        ),
        (["--lr", "0"], "--lr is 0, but it must be above 0"),
        (["--lr", "nan"], "--lr is nan, but it must be above 0"),
        (["--weight-decay", "-1"], "--weight-decay is -1, but it must be at least 0"),
        (["--clip-norm", "inf"], "--clip-norm is inf, but it must be at least 0"),
        (["--mixup", "inf"], "--mixup is inf, but it must be at least 0"),
        (
            ["--head", "mlp", "--hidden", "0"],
            "Invalid value for '--hidden': 0 is not in the range 1<=x<=1099511627776.",
        ),
        (["--batch-size", "0"], "Invalid value for '--batch-size': 0 is not in the range 1<=x<=2147483647."),
        (["--tune", "--trials", "1"], "Invalid value for '--trials': 1 is not in the range 2<=x<=10000."),
        (["--hidden", "64"], "--hidden belongs to --head mlp"),
        (["--trials", "8"], "--trials belongs to --tune"),
        (
            ["--tune", "--lr", "1"],
            "--tune chooses the rate and the weight decay; leave out --lr and --weight-decay",
        ),
        (["--optimizer", "adam"], '--optimizer "adam" is unknown (did you mean "adamw"?); there are adamw, sgd'),
        (["--temperature", "of"], '--temperature "of" is unknown; there are fold, none'),
        (
            ["--tune-on", "nl"],
            '--tune-on "nl" is unknown (did you mean "nll"?); there are nll-after-temperature, nll',
        ),
        (["--schedule", "cos"], '--schedule "cos" is unknown (did you mean "cosine"?); there are cosine, constant'),
        (["--device", "gpu"], '--device "gpu" is unknown (did you mean "cpu"?); there are auto, cpu, cuda'),
        (["--format", "tex"], '--format "tex" is unknown (did you mean "latex"?); there are md, csv, latex'),
        (["--json", "--format", "md"], None),
        (
            ["--head", "Liner"],
            '--head "Liner" is neither linear nor mlp, and there is no such file (did you mean "linear"?)',
        ),
    ],
)
def test_wrong_usage(capsys, folder, words, message):
    if message is None:
        result = run(capsys, *files.words(folder, *words))
        error = failure(2, "--json and --format exclude each other")["error"]
        assert (result.code, json.loads(result.err)) == (2, {"error": error})
    else:
        refused(capsys, folder, 2, message, *words)
    assert not (folder / "run").exists()


def test_errors_as_json(capsys, folder):
    result = run(capsys, *files.words(folder, "--json", "--head", "missing.npz"))
    assert (result.code, result.out) == (4, "")
    assert json.loads(result.err) == failure(4, "missing.npz: there is no such file")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(capsys, folder):
    refused(
        capsys, folder, 2, "--device cuda, but torch finds no GPU; say --device cpu or --device auto",
        "--device", "cuda",
    )  # fmt: skip


def test_without_torch(folder):
    code = (
        "import sys; sys.modules['torch'] = None; from calibeval.cli.main import main; "
        "sys.stderr = sys.stdout; print(main(sys.argv[1:]))"
    )
    said = python(code, *files.words(folder))
    assert said == "finetune needs torch: pip install 'calibeval[torch]'\n2\n"


WEIGHT = np.arange(15.0, dtype=np.float32).reshape(3, 5)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"weight": WEIGHT[:, :4]}, "head.npz takes 4 features, but train.npz has 5"),
        ({"weight": WEIGHT[:2]}, None),
        ({"weight": WEIGHT[:1]}, "head.npz: the head has one output, but a classifier needs at least two classes"),
        (
            {"weight": WEIGHT.astype(float) * 1e60},
            (
                "a weight of the head is too large for float32; multiply the features by a constant, "
                "so that they are of order 1"
            ),
        ),
        (
            {"weight": WEIGHT * np.float32(np.nan)},
            'head.npz: "weight" holds NaN or infinity, first at (0, 0), but weights must be finite',
        ),
    ],
)
def test_heads_that_do_not_fit(capsys, folder, arrays, message):
    np.savez(folder / "head.npz", **arrays, bias=np.zeros(len(arrays["weight"]), np.float32))
    if message is None:
        result = run(capsys, *files.words(folder, "--head", "head.npz"))
        assert result.code == 3
        assert result.err.startswith("train.npz: row 2: label 2, but the head has 2 classes (0 to 1)")
    else:
        refused(capsys, folder, 3, message, "--head", "head.npz")


def test_a_head_of_more_classes_than_are_named(capsys, folder):
    for name in ("train", "val", "test"):
        changed(folder, name, class_names=np.array(["a", "b", "c"]))
    np.savez(folder / "head.npz", weight=np.ones((4, 5), np.float32))
    refused(capsys, folder, 3, "head.npz has 4 classes, but train.npz names 3", "--head", "head.npz")


def test_a_folder_that_is_no_run(capsys, folder):
    (folder / "empty").mkdir()
    refused(
        capsys, folder, 4, "empty: the folder has no head.safetensors, so calibeval finetune did not write it",
        "--head", "empty",
    )  # fmt: skip


def test_a_run_called_linear_needs_its_folder(capsys, folder):
    assert run(capsys, *files.words(folder, "-q", out="linear")).code == 0
    assert run(capsys, *files.words(folder, "-q", "--head", "./linear")).code == 0
    assert files.load(folder / "run" / "finetune.json")["settings"]["head"] == "continued"
    assert run(capsys, *files.words(folder, "-q", "--head", "linear", "--overwrite")).code == 0
    assert files.load(folder / "run" / "finetune.json")["settings"]["head"] == "linear"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--out", "{folder}"], None),
        (["--out", "{folder}/run", "--head", "{folder}/run"], "run/history.jsonl"),
        (["--out", "{folder}/run", "--head", "{folder}/run/head.safetensors"], "run/head.safetensors"),
    ],
)
def test_outputs_that_are_inputs(capsys, folder, words, name):
    assert run(capsys, *files.words(folder, "-q")).code == 0
    before = files.contents(folder)
    if name is None:  # caches in the folder of the run, but of other names, are no conflict
        assert run(capsys, *files.words(folder, *[word.format(folder=folder) for word in words], "-q")).code == 0
        assert {key: files.contents(folder)[key] for key in before} == before
        return
    message = f"{folder / name}: is also an input and would be overwritten; name another output"
    refused(capsys, folder, 2, message, *[word.format(folder=folder) for word in words])
    assert files.contents(folder) == before


def test_a_cache_in_the_place_of_an_output(capsys, folder):
    (folder / "test.npz").rename(folder / "test_logits.npz")
    words = files.words(folder, "--test", "test_logits.npz", test=False, out=".")
    result = run(capsys, *words)
    assert (result.code, "is also an input" in result.err) == (2, True)


def test_a_run_that_is_a_file(capsys, folder):
    (folder / "run").write_text("mine", encoding="utf-8")
    refused(capsys, folder, 4, f"{folder / 'run'}: the folder cannot be created (File exists)")
    assert (folder / "run").read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_run_that_may_not_be_written(capsys, folder):
    (folder / "run").mkdir(mode=0o500)
    result = run(capsys, *files.words(folder))
    assert (result.code, "cannot be written (Permission denied)" in result.err) == (4, True)


def test_a_disk_that_is_full_at_the_end(capsys, folder, monkeypatch):
    """All is kept for --resume, which then has nothing left to train."""
    assert run(capsys, *files.words(folder, "-q", out="whole")).code == 0
    with monkeypatch.context() as patch:
        patch.setattr("calibeval.runs.folder.write_checked", full)
        result = run(capsys, *files.words(folder, "-q"))
    assert (result.code, result.err) == (4, "val_logits.npz: No space left on device\n")
    monkeypatch.setattr(Sweep, "step", None)
    assert run(capsys, *files.words(folder, "-q", "--resume")).code == 0
    assert files.contents(folder / "run") == files.contents(folder / "whole")


def full(predictions, path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path.name)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
)
def test_memory_that_runs_out(capsys, folder, monkeypatch, error):
    def step(sweep):
        raise error

    monkeypatch.setattr(Sweep, "step", step)
    refused(
        capsys, folder, 3,
        "the device does not have enough memory for this training; lower --batch-size, --hidden or --trials, "
        "or use another --device",
    )  # fmt: skip


def test_a_head_that_is_too_large(capsys, folder):
    refused(
        capsys, folder, 3,
        "training a head of 5 x 1000000000000 x 3 units takes about 268221 GiB, but 1.0 are allowed; "
        "lower --hidden, or raise --max-memory",
        "--head", "mlp", "--hidden", 10**12, "--max-memory", 2**30,
    )  # fmt: skip


@pytest.mark.parametrize("words", [["--batch-size", 1000], ["--hidden", 1, "--head", "mlp"], ["--patience", 0]])
def test_unusual_settings_work(capsys, folder, words):
    assert run(capsys, *files.words(folder, *words, "-q")).code == 0


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("train", lambda x, y: (x[:1], y[:1])),
        ("val", lambda x, y: (x[:1], y[:1])),
        ("test", lambda x, y: (x[:1], y[:1])),
        ("train", lambda x, y: (np.ones_like(x), y)),
        ("train", lambda x, y: (x, y % 2)),
        ("train", lambda x, y: (x, np.where(np.arange(len(y)) == 0, 999, y))),
    ],
)
def test_odd_caches_work(capsys, folder, name, change):
    features, labels = change(array(folder, name), array(folder, name, "labels"))
    changed(folder, name, features=features, labels=labels)
    result = run(capsys, *files.words(folder, "--loss", "ce,cals"))
    assert result.code == 0
    for path in (folder / "run").rglob("*.json*"):
        assert "NaN" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("scale", [1e30, 1e-25])
def test_features_of_a_huge_or_tiny_scale(capsys, folder, scale):
    plain = run(capsys, *files.words(folder, "--loss", "ce", "--json", "-q")).json
    for name in ("train", "val", "test"):
        changed(folder, name, features=array(folder, name).astype(float) * scale)
    scaled = run(capsys, *files.words(folder, "--loss", "ce", "--json", "-q", "--overwrite")).json
    first, second = (found["losses"][0]["seeds"][0]["before"] for found in (plain, scaled))
    assert second == pytest.approx(first, rel=1e-4)


def test_features_that_hardly_vary(capsys, folder):
    for name in ("train", "val", "test"):
        changed(folder, name, features=array(folder, name).astype(float) * 1e-60)
    result = run(capsys, *files.words(folder))
    assert result.code == 3
    assert result.err.startswith("train.npz: feature ")
    assert "too small for weights in float32; multiply the features by a constant" in result.err


def test_a_head_that_float32_cannot_hold_is_told(capsys, folder):
    for name in ("train", "val", "test"):
        changed(folder, name, features=array(folder, name).astype(float) + 1e7)
    result = run(capsys, *files.words(folder, "--loss", "ce", "--lr", 0.05, "--json", "-q"))
    assert result.code == 0
    assert any(
        "saving the head in float32 changes its logits by up to" in one["message"] for one in result.json["warnings"]
    )


def test_a_temperature_without_an_optimum_is_told(capsys, folder):
    changed(folder, "val", features=array(folder, "val")[:1], labels=array(folder, "val", "labels")[:1])
    result = run(capsys, *files.words(folder, "--loss", "ce", "--lr", 0.05, "--json", "-q"))
    assert any("every label has the largest score of its row" in one["message"] for one in result.json["warnings"])


RECKLESS = ["--optimizer", "sgd", "--lr", 0.05, "--clip-norm", 0]


def test_one_loss_that_diverges_leaves_the_others(capsys, folder):
    result = run(capsys, *files.words(folder, "--loss", "ce,ecp(beta=1e38),ls", *RECKLESS, "-q"))
    assert result.code == 0
    assert "ecp(beta=1e+38): training diverged in every epoch, so there is no head; lower --lr" in " ".join(
        result.out.split()
    )
    found = files.load(folder / "run" / "finetune.json")
    broken = found["losses"][1]["seeds"][0]
    message = "training diverged in every epoch, so there is no head; lower --lr"
    assert broken["reason"] == {"code": "diverged", "message": message}
    assert (broken["score"], broken["temperature"], set(broken["after"].values())) == (None, None, {None})
    assert {path.name for path in (folder / "run" / "losses").iterdir()} == {"ce", "ls"}
    dumps = [dump["name"] for dump in files.load(folder / "run" / "report.json")["dumps"]]
    assert dumps == ["ce#val", "ce#test", "ls#val", "ls#test"]
    assert run(capsys, *files.words(folder, "--loss", "ce,ls", *RECKLESS, "-q", out="two")).code == 0
    alone = files.load(folder / "two" / "finetune.json")["losses"]
    for one, other in zip((found["losses"][0], found["losses"][2]), alone, strict=True):
        assert one["seeds"][0]["after"] == pytest.approx(other["seeds"][0]["after"], rel=1e-4)


def test_a_loss_that_diverges_later_keeps_its_best_epoch(capsys, folder):
    words = ["--loss", "ce", "--optimizer", "sgd", "--lr", 1e30, "--clip-norm", 0, "--batch-size", 120, "--json", "-q"]
    found = run(capsys, *files.words(folder, *words)).json
    assert found["losses"][0]["seeds"][0]["epoch"] == 1
    message = "ce: training diverged in epoch 2; the head of epoch 1 is kept"
    assert {"code": "diverged_later", "message": message} in found["warnings"]


@pytest.mark.parametrize(
    "words",
    [
        ["--loss", "ce,ls", "--lr", 1e10, "--weight-decay", 1e30],
        ["--loss", "ce,cals,cals_hr", "--lr", 1e308],
        ["--loss", "cals", "--lr", 1e308, "--optimizer", "sgd"],
    ],
    ids=["decay", "rate", "sgd"],
)
def test_all_losses_that_diverge(capsys, folder, words):
    refused(capsys, folder, 3, "training diverged with every loss, so there is no head; lower --lr", *words)
    text = (folder / "run" / "history.jsonl").read_text(encoding="utf-8")
    head = json.loads(text.splitlines()[0])["heads"][0]
    assert (head["val_nll"], head["val_accuracy"]) == (None, None)


def test_hostile_names_are_shown_harmless(capsys, folder):
    hostile = folder / "a|b\x1b[31m\n$&.npz"
    (folder / "train.npz").rename(hostile)
    with np.load(hostile) as cache:
        files.write(hostile, cache["features"], np.where(cache["labels"] == 1, 2, cache["labels"]))
    words = ["finetune", hostile, "--val", "val.npz", "--out", "run", "--epochs", 1, "--overwrite"]
    for style in ([], ["--format", "md"], ["--format", "latex"]):
        result = run(capsys, *words, *style)
        assert result.code == 0
        assert "\x1b" not in result.out + result.err
        assert "31m" in result.out
    assert all(line.startswith("% ") for line in result.out.splitlines() if "31m" in line)


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan"])
def test_seconds_between_checkpoints(capsys, folder, monkeypatch, seconds):
    monkeypatch.setenv("CALIBEVAL_CHECKPOINT_SECONDS", seconds)
    message = f'CALIBEVAL_CHECKPOINT_SECONDS is "{seconds}", but a number of at least 0 is needed'
    refused(capsys, folder, 2, message)


def test_help_imports_nothing_heavy():
    code = "import sys; from calibeval.cli.main import main; main(['finetune', '--help']); print(*sys.modules)"
    loaded = python(code).splitlines()[-1].split()
    assert not {"torch", "numpy", "scipy", "pandas", "rich", "matplotlib"} & set(loaded)


@pytest.mark.parametrize("name", [*EVERY, "losses/mine/head.json"])
@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_file_that_is_not_of_a_run_is_not_replaced(capsys, folder, name, more):
    """Whatever has the name of a file of a run: the run would replace it, or remove it."""
    path = folder / "run" / name
    path.parent.mkdir(parents=True)
    path.write_text('{"schema": "somebody.else/1"}')
    refused(
        capsys, folder, 2, f"{path}: is there already, and no run of calibeval finetune wrote it. Name another "
        "folder, or say --overwrite (in Python overwrite=True) to replace it", *more,
    )  # fmt: skip
    assert files.contents(folder / "run") == {name: b'{"schema": "somebody.else/1"}'}


def test_other_files_are_no_matter_and_overwrite_replaces(capsys, folder):
    (folder / "run").mkdir()
    (folder / "run/notes.txt").write_text("mine")
    assert run(capsys, *files.words(folder, "--epochs", "1", "-q")).code == 0
    (folder / "other").mkdir()
    (folder / "other/head.json").write_text("{}")
    assert run(capsys, *files.words(folder, "--epochs", "1", "--overwrite", "-q", out="other")).code == 0
    assert files.load(folder / "other/head.json")["schema"] == "calibeval.head/1"
    assert (folder / "run/notes.txt").read_text() == "mine"


BROKEN = "raise OSError('libtorch.so: cannot open shared object file')"


def test_a_torch_that_cannot_be_imported(folder):
    (folder / "broken").mkdir()
    (folder / "broken/torch.py").write_text(BROKEN)
    code = (
        "import sys; sys.path.insert(0, 'broken'); from calibeval.cli.main import main; "
        "sys.stderr = sys.stdout; print(main(sys.argv[1:]))"
    )
    what = "(OSError: libtorch.so: cannot open shared object file)"
    said = f"finetune needs torch, which is installed but cannot be imported {what}\n2\n"
    assert python(code, *files.words(folder)) == said
