"""Labels of another file: columns that name rows without being called ids, and doubts about pairing by position."""

from __future__ import annotations

import numpy as np
import pytest

import calibeval

RNG = np.random.default_rng(9)
N = 60
LABELS = RNG.integers(0, 3, N)
LOGITS = RNG.normal(size=(N, 3)) + 2 * np.eye(3)[LABELS]
ORDER = RNG.permutation(N)
NUMBERS = RNG.permutation(1000)[:N]
TEXTS = np.array([f"img_{i}.png" for i in NUMBERS])


def read(folder, ours, theirs, **options):
    """The dump with columns, and labels in another order with others."""
    np.savez(folder / "d.npz", logits=LOGITS, **ours)
    np.savez(folder / "l.npz", truth=LABELS[ORDER], **{key: values[ORDER] for key, values in theirs.items()})
    return calibeval.read(folder / "d.npz", labels=folder / "l.npz", key={"labels": "truth"}, **options)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"name": TEXTS}, {"picture": TEXTS}),
        ({"sample": TEXTS}, {"what": TEXTS}),
        ({"id": TEXTS}, {"Image": TEXTS}),
        ({"image_id": NUMBERS}, {"id": NUMBERS}),
        ({"id": NUMBERS}, {"imageId": NUMBERS.astype(float)}),
        ({"image_id": NUMBERS.astype(float)}, {"image_id": NUMBERS.astype(float)}),
        ({"image_id": NUMBERS}, {"image_id": NUMBERS.astype(float)}),
        ({"uid": NUMBERS}, {"img_id": NUMBERS}),
        ({"ids": np.array([f"{i}.0" for i in NUMBERS])}, {"ids": NUMBERS}),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_rows_are_joined(tmp_path, ours, theirs, swapped):
    ours, theirs = (theirs, ours) if swapped else (ours, theirs)
    predictions = read(tmp_path, ours, theirs)
    assert predictions.labels.tolist() == LABELS.tolist()
    assert "joined by" in predictions.recognised[1]
    assert not predictions.warnings


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"age": NUMBERS}, {"rank": NUMBERS}),  # numbers that are not called like ids
        ({"age": NUMBERS / 8}, {"age": NUMBERS / 8}),
        ({"word": np.array(["a", "b"] * 30)}, {"text": np.array(["b", "a"] * 30)}),
    ],
)
def test_rows_are_paired_by_position(tmp_path, ours, theirs):
    predictions = read(tmp_path, ours, theirs)
    assert predictions.labels.tolist() == LABELS[ORDER].tolist()
    assert "by position" in predictions.recognised[1]


def test_a_column_that_contradicts_the_position(tmp_path):
    other = np.where(np.arange(N) == 3, 1001, NUMBERS)  # one row has no partner
    predictions = read(tmp_path, {"image_id": NUMBERS}, {"image_id": other})
    different = int(np.count_nonzero(other[ORDER] != NUMBERS))
    text = f'labels were paired with rows by position, but "image_id" differs in {different} of {N} rows'
    remedy = 'if it tells which row is which, say ids_key="image_id"'
    assert [str(one) for one in predictions.warnings] == [f"{text}: {remedy}"]
    with pytest.raises(calibeval.InputError, match="1 of 60 rows has no label"):
        read(tmp_path, {"image_id": NUMBERS}, {"image_id": other}, ids_key="image_id")
    group = np.array(["a", "b", "c"])[LABELS]
    predictions = read(tmp_path, {"group": group}, {"group": group})
    assert [one.code for one in predictions.warnings] == ["paired_by_position"]
    assert "give both files ids" in predictions.warnings[0]


@pytest.mark.parametrize("counting", ["scores", "labels"])
def test_the_index_of_one_data_frame_is_new(tmp_path, counting):
    order = {"scores": np.arange(N), "labels": ORDER}[counting]
    there = {"scores": ORDER, "labels": np.arange(N)}[counting]
    lines = ["Unnamed: 0,logit_0,logit_1,logit_2", *(",".join(map(str, (i, *LOGITS[i].tolist()))) for i in order)]
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "l.csv").write_text("\n".join([",0", *(f"{i},{LABELS[i]}" for i in there)]) + "\n")
    predictions = calibeval.read(tmp_path / "d.csv", labels=tmp_path / "l.csv")
    assert predictions.labels.tolist() == LABELS[there].tolist()
    assert [one.code for one in predictions.warnings] == ["paired_by_position"]
    assert "the index differs in" in predictions.warnings[0]


def test_an_index_of_other_rows_says_nothing(tmp_path):
    (tmp_path / "d.csv").write_text(",logit_0,logit_1\n0,1,2\n1,2,1\n")
    (tmp_path / "l.csv").write_text(",y\n17,1\n4,0\n")
    predictions = calibeval.read(tmp_path / "d.csv", labels=tmp_path / "l.csv")
    assert (predictions.labels.tolist(), predictions.warnings) == ([1, 0], ())


def test_labels_of_the_dump_that_differ(tmp_path):
    np.save(tmp_path / "l.npy", LABELS)
    for own, count in ((LABELS, 0), (np.zeros(N, int), 0), (LABELS[ORDER], int((LABELS[ORDER] != LABELS).sum()))):
        np.savez(tmp_path / "d.npz", logits=LOGITS, y=own)
        predictions = calibeval.read(tmp_path / "d.npz", labels=tmp_path / "l.npy")
        assert predictions.labels.tolist() == LABELS.tolist()
        assert [str(one) for one in predictions.warnings] == [
            f'l.npy holds the labels that are used, but "y" in d.npz differs from them in {count} of {N} rows'
        ] * bool(count)


def test_labels_of_the_dump_that_a_map_is_fitted_on(tmp_path):
    np.save(tmp_path / "l.npy", LABELS)
    np.savez(tmp_path / "val.npz", logits=LOGITS + 0.1 * RNG.normal(size=(N, 3)), labels=LABELS[ORDER])
    np.savez(tmp_path / "d.npz", logits=LOGITS)
    report = calibeval.evaluate(tmp_path / "d.npz", fit_on=tmp_path / "val.npz", labels=tmp_path / "l.npy")
    told = [str(one) for dump in report.dumps for one in dump.warnings]
    message = 'the map is fitted on val.npz: l.npy holds the labels that are used, but "labels" in val.npz differs'
    assert any(one.startswith(message) for one in told)


@pytest.mark.parametrize("split", ["val", "test", "val+test"])
def test_the_names_of_another_split_are_not_taken(tmp_path, split):
    half = N // 2
    arrays = {"val_logits": LOGITS[:half], "val_name": TEXTS[:half], "test_logits": LOGITS[half:]}
    np.savez(tmp_path / "d.npz", **arrays, test_name=TEXTS[half:])
    np.savez(tmp_path / "l.npz", y=LABELS[ORDER], path=TEXTS[ORDER], other=TEXTS[:half])
    predictions = calibeval.read(f"{tmp_path}/d.npz#{split}", labels=tmp_path / "l.npz")
    expected = {"val": LABELS[:half], "test": LABELS[half:], "val+test": LABELS}[split]
    assert predictions.labels.tolist() == expected.tolist()
    assert f'{half} of {N} labels from l.npz, joined by "name" and "path"' in predictions.recognised
    assert [*predictions.columns] == ["name"]
