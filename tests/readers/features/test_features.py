"""Feature caches: one cache in every format, splits, roles, folders, and files that are refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save_file

from calibeval.core.errors import FileProblem, InputError, UsageError
from calibeval.core.heads.leak import feature_leak
from calibeval.readers.features.features import open_features, read_features
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.joined import JoinedRows
from calibeval.readers.stored.rows import FileRows

N, D = 60, 12
FEATURES = np.random.default_rng(3).normal(size=(N, D)).astype(np.float32)
LABELS = np.arange(N) % 4
SITES = np.arange(N) * 3 % 5
IDS = np.array([f"row-{i}" for i in range(N)])
CACHE: dict[str, Any] = {"features": FEATURES, "labels": LABELS, "ids": IDS, "site": SITES}
NUMBERS = {key: values for key, values in CACHE.items() if key != "ids"}
PREFIXED = {
    "train_features": FEATURES[:40],
    "train_labels": LABELS[:40],
    "val_features": FEATURES[40:],
    "val_labels": LABELS[40:],
    "class_names": np.array(["a", "b", "c", "d"]),
}


def npz(folder, **arrays):
    np.savez(folder / "f.npz", **arrays)
    return folder / "f.npz"


def refused(path, message, error=InputError, **options):
    with pytest.raises(error) as caught:
        read_features(path, **options)
    assert str(caught.value) == message


def table(cache, stem):
    """Features as numbered columns of float64: the text of a float32 is a shorter number nearby."""
    frame = {f"{stem}_{i}": cache["features"][:, i].astype("f8") for i in range(D)}
    return pd.DataFrame(frame | {key: values for key, values in cache.items() if key != "features"})


def lists(cache):
    return pd.DataFrame(cache | {"features": [str(row) for row in cache["features"].tolist()]})


def lines(cache):
    rows = zip(*(values.tolist() for values in cache.values()), strict=True)
    return "".join(json.dumps(dict(zip(cache, row, strict=True))) + "\n" for row in rows)


def fixed_lists(cache):
    flat = pa.FixedSizeListArray.from_arrays(pa.array(cache["features"].ravel()), D)
    return pa.table(cache | {"features": flat})


def tensors(cache):
    return {key: torch.from_numpy(np.ascontiguousarray(v)) for key, v in cache.items() if v.dtype.kind != "U"}


WRITERS = {
    "npz": (".npz", lambda path, c: np.savez(path, **c)),
    "compressed npz": (".npz", lambda path, c: np.savez_compressed(path, **c)),
    "pt": (".pt", lambda path, c: torch.save(tensors(c), path)),
    "pth": (".pth", lambda path, c: torch.save(tensors(c), path)),
    "safetensors": (".safetensors", lambda path, c: save_file({k: v for k, v in c.items() if k != "ids"}, path)),
    "csv": (".csv", lambda path, c: table(c, "feature").to_csv(path, index=False)),
    "csv.gz": (".csv.gz", lambda path, c: table(c, "feat").to_csv(path, index=False)),
    "csv of lists": (".csv", lambda path, c: lists(c).to_csv(path, index=False)),
    "tsv": (".tsv", lambda path, c: table(c, "embedding").to_csv(path, index=False, sep="\t")),
    "jsonl": (".jsonl", lambda path, c: path.write_text(lines(c))),
    "jsonl.gz": (".jsonl.gz", lambda path, c: path.write_bytes(gzip.compress(lines(c).encode()))),
    "parquet": (".parquet", lambda path, c: table(c, "x").to_parquet(path)),
    "parquet of lists": (".parquet", lambda path, c: pq.write_table(fixed_lists(c), path)),
}


def check_whole(features, *, ids):
    assert (features.n, features.d, features.k) == (N, D, 4)
    assert (features.matrix() == FEATURES).all()
    assert features.labels.tolist() == LABELS.tolist()
    assert features.columns["site"].tolist() == SITES.tolist()
    assert list(features.columns) == ["site"]
    assert (features.ids is None) == (not ids)
    assert not ids or features.ids.tolist() == IDS.tolist()


@pytest.mark.parametrize("way", WRITERS)
def test_one_cache_in_every_format_whole_and_in_shards(way, tmp_path):
    suffix, write = WRITERS[way]
    ids = suffix not in {".pt", ".pth", ".safetensors"}
    whole = tmp_path / f"whole{suffix}"
    write(whole, CACHE)
    features = read_features(whole)
    check_whole(features, ids=ids)
    assert features.source.format == suffix[1:]
    assert features.settled_source().sha256 == hashlib.sha256(whole.read_bytes()).hexdigest()
    (tmp_path / "shards").mkdir()
    for i, rows in enumerate(np.array_split(np.arange(N), 4), start=1):
        part = {key: np.ascontiguousarray(values[rows]) for key, values in CACHE.items()}
        write(tmp_path / "shards" / f"f-{i:05d}-of-00004{suffix}", part)
    for name in ("shards", f"shards/*{suffix}", f"shards/f-00002-of-00004{suffix}"):
        check_whole(read_features(tmp_path / name), ids=ids)


@pytest.mark.parametrize("suffix", [".npy", ".pt", ".pth"])
def test_features_alone_with_labels_in_another_file(suffix, tmp_path):
    path, labels = tmp_path / f"f{suffix}", tmp_path / f"y{suffix}"
    for file, values in ((path, FEATURES), (labels, LABELS)):
        np.save(file, values) if suffix == ".npy" else torch.save(torch.from_numpy(values), file)
    features = read_features(path, labels=labels)
    assert (features.matrix() == FEATURES).all()
    assert features.labels.tolist() == LABELS.tolist()
    assert features.settled_source().labels_sha256 == hashlib.sha256(labels.read_bytes()).hexdigest()
    assert read_features(path, need_labels=False).labels is None
    refused(
        path,
        f"f{suffix}: no array has a usual name for labels; found an array without a name (60, 12) float32. "
        "Name one with --labels-key, or another file with --labels.",
    )


def test_labels_of_another_length(tmp_path):
    np.save(tmp_path / "y.npy", LABELS[:7])
    path = npz(tmp_path, features=FEATURES)
    refused(path, "f.npz: 60 rows of features, but 7 labels", labels=tmp_path / "y.npy")


@pytest.mark.parametrize("key", ["features", "feats", "embeddings", "x", "X", "Embeddings"])
@pytest.mark.parametrize("label", ["labels", "y", "targets"])
def test_usual_names(key, label, tmp_path):
    features = read_features(npz(tmp_path, **{key: FEATURES, label: LABELS}))
    assert (features.matrix() == FEATURES).all()
    assert features.columns == {}


def test_prefixed_splits(tmp_path):
    path = npz(tmp_path, **PREFIXED, val_site=np.arange(20), head_weight=np.zeros((4, D)))
    train, val = read_features(f"{path}#train"), read_features(f"{path}#val")
    assert (train.matrix() == FEATURES[:40]).all()
    assert val.labels.tolist() == LABELS[40:].tolist()
    assert (train.class_names, train.k, val.source.name) == (("a", "b", "c", "d"), 4, "f.npz#val")
    assert (list(train.columns), list(val.columns)) == ([], ["site"])
    assert feature_leak(train, val) is None
    both = read_features(f"{path}#val+train")
    assert (both.matrix() == np.concatenate([FEATURES[40:], FEATURES[:40]])).all()
    assert both.labels.tolist() == [*LABELS[40:], *LABELS[:40]]
    assert feature_leak(train, both).reason == "file"
    message = "f.npz: holds several splits: train, val. Name one, as in f.npz#val"
    refused(path, message)
    refused(f"{path}#all", message)
    refused(
        f"{path}#tran",
        'f.npz: there is no split or array "tran" (did you mean "train"?); '
        "found train, val, train_features, val_features, head_weight",
    )


def test_splits_named_last(tmp_path):
    arrays = {"X_train": FEATURES[:40], "y_train": LABELS[:40], "X_test": FEATURES[40:], "y_test": LABELS[40:]}
    path = npz(tmp_path, **arrays)
    assert (read_features(f"{path}#train").matrix() == FEATURES[:40]).all()
    assert read_features(f"{path}#test+train").labels.tolist() == [*LABELS[40:], *LABELS[:40]]
    refused(path, "f.npz: holds several splits: train, test. Name one, as in f.npz#test")
    named = read_features(path, features_key="X_test", labels_key="y_test")
    assert (named.matrix() == FEATURES[40:]).all()


def test_a_split_without_labels(tmp_path):
    path = npz(tmp_path, **PREFIXED, test_features=FEATURES[:5])
    test = read_features(f"{path}#test", need_labels=False)
    assert (test.n, test.labels, test.k) == (5, None, 4)
    with pytest.raises(InputError, match=r"^f\.npz: no array has a usual name for labels; found "):
        read_features(f"{path}#test")
    with pytest.raises(InputError, match=r"^f\.npz: one of the splits val and test has labels and the other has none"):
        read_features(f"{path}#val+test", need_labels=False)


def test_index_splits(tmp_path):
    rows = {"val_index": np.array([5, 3, 59], np.int32), "train_index": np.arange(10, 40)}
    path = npz(tmp_path, **CACHE, **rows)
    val = read_features(f"{path}#val")
    assert (val.matrix() == FEATURES[[5, 3, 59]]).all()
    assert val.labels.tolist() == LABELS[[5, 3, 59]].tolist()
    assert val.ids.tolist() == ["row-5", "row-3", "row-59"]
    assert val.columns["site"].tolist() == SITES[[5, 3, 59]].tolist()
    assert val.file_rows.tolist() == [5, 3, 59]
    assert (read_features(path).n, read_features(f"{path}#all").n) == (N, N)
    joined = read_features(f"{path}#train+val")
    assert (joined.matrix() == FEATURES[[*range(10, 40), 5, 3, 59]]).all()
    assert feature_leak(val, read_features(f"{path}#train")) is None
    assert feature_leak(val, joined).rows == 3


def test_row_numbers_that_cannot_be(tmp_path):
    path = npz(tmp_path, **CACHE, a_index=np.array([0, 60]), b_index=np.array([1, 1]), c_index=np.arange(3))
    refused(f"{path}#a", "f.npz: the split's row numbers run from 0 to 60, but there are 60 rows")
    refused(f"{path}#b", "f.npz: the split names 1 rows more than once")
    path = npz(tmp_path, **CACHE, c_index=np.arange(3), d_index=np.arange(2, 9))
    refused(f"{path}#c+d", "f.npz: the splits c and d share 1 rows, which would count twice")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"val_features": np.zeros((20, 3))},
            "f.npz: the splits train and val differ in the width of their features: (40, 12) and (20, 3)",
        ),
        (
            {"val_class_names": np.array(["a", "b", "d", "c"])},
            "f.npz: the splits train and val differ in their class names",
        ),
        (
            {"val_ignore_index": np.array(255)},
            "f.npz: train ignores label None, val ignores 255: say which with --ignore-index",
        ),
        (
            {"val_features": PREFIXED["train_features"], "val_labels": PREFIXED["train_labels"]},
            "f.npz: the splits train and val hold the same rows, which would count twice",
        ),
    ],
)
def test_splits_that_cannot_be_joined(more, message, tmp_path):
    refused(f"{npz(tmp_path, **{**PREFIXED, **more})}#train+val", message)


def test_joined_splits_of_two_types_keep_every_bit(tmp_path):
    wide = FEATURES[40:].astype(np.float64) + 1e-12
    path = npz(tmp_path, **{**PREFIXED, "train_features": FEATURES[:40].astype("f2"), "val_features": wide})
    found = read_features(f"{path}#train+val").matrix(np.float64)
    assert (found[40:] == wide).all()


def test_a_named_array(tmp_path):
    path = npz(tmp_path, layer3=FEATURES * 2, layer4=FEATURES, labels=LABELS)
    assert (read_features(f"{path}#layer3").matrix() == FEATURES * 2).all()
    assert (read_features(path, features_key="layer4").matrix() == FEATURES).all()
    refused(
        path,
        'f.npz: no array has a usual name for features; found "layer3" (60, 12) float32, "layer4" (60, 12) float32, '
        '"labels" (60) int64. Name one with --features-key.',
    )
    refused(
        path,
        'f.npz: --features-key: there is no "layer5" (did you mean "layer4"?); found "layer3" (60, 12) float32, '
        '"layer4" (60, 12) float32, "labels" (60) int64',
        features_key="layer5",
    )


def test_two_candidates(tmp_path):
    path = npz(tmp_path, features=FEATURES, x=FEATURES, labels=LABELS, y=LABELS[::-1])
    refused(
        path,
        'f.npz: two arrays could be the features: "features" (60, 12) float32, "x" (60, 12) float32. '
        "Name one with --features-key.",
    )
    message = 'f.npz: two arrays could be the labels: "labels" (60) int64, "y" (60) int64. Name one with --labels-key.'
    refused(path, message, features_key="x")
    refused(path, message, features_key="x", need_labels=False)
    assert read_features(path, features_key="x", labels_key="y").labels.tolist() == LABELS[::-1].tolist()


def test_a_column_called_x_is_no_array_of_features(tmp_path):
    features = read_features(npz(tmp_path, features=FEATURES, labels=LABELS, x=np.arange(N)))
    assert list(features.columns) == ["x"]


def test_features_beside_logits(tmp_path):
    features = read_features(npz(tmp_path, logits=np.zeros((N, 4)), **CACHE))
    check_whole(features, ids=True)


def test_a_pair_of_tensors_must_be_named(tmp_path):
    torch.save((torch.from_numpy(FEATURES), torch.from_numpy(LABELS)), tmp_path / "f.pt")
    refused(
        tmp_path / "f.pt",
        'f.pt: no array has a usual name for features; found "logits" (60, 12) float32, "labels" (60) int64. '
        'Name one with --features-key. If "logits" holds them, say --features-key logits.',
    )
    assert (read_features(tmp_path / "f.pt", features_key="logits").matrix() == FEATURES).all()


@pytest.mark.parametrize("stem", ["feature", "features", "feat", "embedding", "x", "Feature"])
def test_numbered_columns(stem, tmp_path):
    shuffled = table(NUMBERS, stem).sample(frac=1, axis=1, random_state=0)
    shuffled.to_csv(tmp_path / "f.csv", index=False)
    check_whole(read_features(tmp_path / "f.csv"), ids=False)


def test_numbered_columns_by_a_name_of_their_own(tmp_path):
    table(NUMBERS, "pc").to_csv(tmp_path / "f.csv", index=False)
    check_whole(read_features(tmp_path / "f.csv", features_key="pc"), ids=False)
    (tmp_path / "one.csv").write_text("x_0,label\n1.5,0\n2.5,1\n")
    assert read_features(tmp_path / "one.csv", features_key="x").matrix().tolist() == [[1.5], [2.5]]
    refused(
        tmp_path / "one.csv",
        'one.csv: "x_0" is the only column that is named like a feature. '
        "If there is only one feature, say --features-key x.",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feature_0,feature_2,label\n1,2,0\n", "f.csv: there are 2 columns of features, but number 1 is missing"),
        ("feature_1,feature_2,label\n1,2,0\n", "f.csv: there are 2 columns of features, but number 0 is missing"),
        ("feat_0,feat_1,feat_01,label\n1,2,3,0\n", 'f.csv: feature 1 could be column "feat_1" or "feat_01"'),
        (
            "feat_0,feat_1,x_0,x_1,label\n1,2,3,4,0\n",
            (
                'f.csv: two arrays could be the features: "feats" (1, 2) int64, '
                '"x" (1, 2) int64. Name one with --features-key.'
            ),
        ),
        ("feat_0,feat_1,label\n1,cat,0\n", 'f.csv: column "feat_1" holds (1) <U3, but features must be numbers'),
        (
            'features,features_0,features_1,label\n"[1, 2]",3,4,0\n',
            (
                'f.csv: the features could be the array "features" or the 2 columns '
                'from "features_0" on. Keep one of them.'
            ),
        ),
        (
            "a,b,label\n1,2,0\n",
            (
                'f.csv: no array has a usual name for features; found "a" (1) int64, "b" (1) int64, '
                '"label" (1) int64. Name one with --features-key.'
            ),
        ),
    ],
)
def test_columns_that_are_no_features(text, message, tmp_path):
    (tmp_path / "f.csv").write_text(text)
    refused(tmp_path / "f.csv", message)


def test_an_empty_cell_is_no_feature(tmp_path):
    (tmp_path / "f.csv").write_text("feat_0,feat_1,label\n1,2,0\n3,,1\n")
    with pytest.raises(
        InputError, match=r"^f\.csv: row 1 holds nan in feature 1, but features must be finite numbers$"
    ):
        read_features(tmp_path / "f.csv").matrix()


def test_only_columns_of_the_name_given_are_stacked(tmp_path):
    (tmp_path / "f.csv").write_text("feat_0,feat_1,pc_0,pc_1,label\n1,2,3,4,0\n5,6,7,8,1\n")
    features = read_features(tmp_path / "f.csv", features_key="pc")
    assert features.matrix().tolist() == [[3, 4], [7, 8]]
    assert sorted(features.columns) == ["feat_0", "feat_1"]


def test_numbered_columns_beside_an_array_stay_columns(tmp_path):
    path = npz(tmp_path, features=FEATURES, labels=LABELS, x_1=SITES, feature_3=SITES)
    assert list(read_features(path).columns) == ["x_1", "feature_3"]


def test_columns_of_float32_stay_float32(tmp_path):
    frame = pd.DataFrame({f"x_{i}": FEATURES[:, i] for i in range(D)} | {"y": LABELS})
    frame.to_parquet(tmp_path / "f.parquet")
    features = read_features(tmp_path / "f.parquet").features
    assert features.dtype == np.float32


def test_ignored_labels(tmp_path):
    labels = np.where(SITES == 2, -100, LABELS)
    kept = np.flatnonzero(SITES != 2)
    path = npz(tmp_path, features=FEATURES, labels=labels, ignore_index=np.array(-100))
    features = read_features(path)
    assert (features.n, features.ignored) == (len(kept), N - len(kept))
    assert (features.matrix() == FEATURES[kept]).all()
    assert features.warnings == ('rows with label -100 are ignored, because "ignore_index" in the file is -100',)
    plain = npz(tmp_path, features=FEATURES, labels=labels)
    assert read_features(plain, ignore_index=-100).ignored == N - len(kept)
    with pytest.raises(InputError, match=r"use --ignore-index -100\.$"):
        read_features(plain)


def test_class_names_from_elsewhere(tmp_path):
    path = npz(tmp_path, features=FEATURES, labels=np.array(["cat", "dog"])[LABELS % 2], classes=np.array(["a"]))
    features = read_features(path, class_names=["dog", "cat", "cow"])
    assert (features.k, features.labels.tolist()) == (3, (1 - LABELS % 2).tolist())


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        (ReadOptions(kind="logits"), "--kind"),
        (ReadOptions(keys=Keys(logits="a")), "--logits-key"),
        (ReadOptions(keys=Keys(probs="a")), "--probs-key"),
        (ReadOptions(score_columns=("a",)), "--score-columns"),
    ],
)
def test_options_about_scores(options, flag, tmp_path):
    with pytest.raises(UsageError) as error:
        open_features(str(npz(tmp_path, **CACHE)), options)
    assert str(error.value) == f"{flag} is for scores, but this reads features: name them with --features-key"


def test_a_large_array_stays_in_the_file(tmp_path):
    rows = np.zeros((20_000, 64), np.float32)
    features = read_features(npz(tmp_path, features=rows, labels=np.zeros(20_000, int)))
    assert isinstance(features.features, FileRows)


def test_arrays_beyond_memory_are_read_block_by_block(tmp_path):
    path = npz(tmp_path, **CACHE, val_index=np.array([9, 8, 30, 31]))
    features = read_features(path, max_memory=1000)
    assert isinstance(features.features, FileRows)
    check_whole(features, ids=True)
    val = read_features(f"{path}#val", max_memory=1000)
    assert (val.matrix() == FEATURES[[9, 8, 30, 31]]).all()
    (tmp_path / "s").mkdir()
    for i in (1, 2):
        np.savez(tmp_path / "s" / f"f{i}.npz", features=FEATURES, labels=LABELS)
    sharded = read_features(tmp_path / "s", max_memory=1000)
    assert isinstance(sharded.features, JoinedRows)
    assert (sharded.matrix() == np.concatenate([FEATURES, FEATURES])).all()


def test_bfloat16(tmp_path):
    stored = torch.from_numpy(FEATURES).bfloat16()
    torch.save({"features": stored, "labels": torch.from_numpy(LABELS)}, tmp_path / "f.pt")
    assert (read_features(tmp_path / "f.pt").matrix() == stored.float().numpy()).all()


def test_a_wrong_shape(tmp_path):
    message = 'f.npz: "features" has shape (60), but (n, d) is needed'
    refused(npz(tmp_path, features=LABELS, labels=LABELS), message, features_key="features")
    np.save(tmp_path / "f.npy", LABELS)
    refused(tmp_path / "f.npy", "f.npy: the features have shape (60), but (n, d) is needed", need_labels=False)
    refused(
        npz(tmp_path, features=np.zeros((60, 2, 2)), labels=LABELS),
        "f.npz: features have shape (60, 2, 2), but (n, d) is needed. Flatten or average the values of a row before "
        "saving; or save a label for every pixel, (n, h, w) beside features (n, c, h, w).",
    )
    refused(npz(tmp_path, features=FEATURES, labels=LABELS[:9]), "f.npz: 60 rows of features, but 9 labels")


def test_damage_is_found_beside_the_work(tmp_path):
    rows = np.random.default_rng(0).normal(size=(3000, 8))
    path = npz(tmp_path, features=rows, labels=np.zeros(3000, int))
    raw = bytearray(path.read_bytes())
    raw[raw.find(rows[2000:].tobytes()) + 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"^f\.npz: features\.npy is damaged \(its CRC-32 differs\)"):
        read_features(path).settled_source()


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_nothing_that_would_run_code_is_opened(tmp_path):
    trace = tmp_path / "executed"
    np.savez(tmp_path / "f.npz", features=np.array([[Payload(trace)]], object), labels=np.zeros(1))
    torch.save({"features": torch.zeros(2, 2), "more": Payload(trace)}, tmp_path / "f.pt")
    torch.save({"features": torch.zeros(2, 2)}, tmp_path / "g.pt", _use_new_zipfile_serialization=False)
    for name, message in (("f.npz", "Python objects"), ("f.pt", "no pickle is executed"), ("g.pt", "never opened")):
        with pytest.raises(InputError, match=message):
            read_features(tmp_path / name)
    assert not trace.exists()


def test_a_bomb_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "f.npz", features=np.zeros((20_000, 8)), labels=np.zeros(20_000, int))
    with pytest.raises(InputError, match=r"^f\.npz: expands to \d+ bytes, over the limit of 1000\."):
        read_features(tmp_path / "f.npz", max_bytes=1000)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileProblem, match="there is no such file"):
        read_features(tmp_path / "f.npz")


def test_the_archive_of_a_split_is_not_unpacked_as_a_whole(tmp_path, monkeypatch):
    opened = []
    plain = zipfile.ZipExtFile.__init__
    monkeypatch.setattr(
        zipfile.ZipExtFile, "__init__", lambda self, *a, **k: (opened.append(a[2].filename), plain(self, *a, **k))[1]
    )
    np.savez_compressed(tmp_path / "f.npz", **PREFIXED)
    features = read_features(f"{tmp_path / 'f.npz'}#val")
    headers = len(PREFIXED)
    assert features.n == 20
    assert sorted(opened[headers:]) == ["class_names.npy", "val_features.npy", "val_labels.npy"]


def folder(path, suffix=".pt", labels="targets"):
    """The layout of CLIP benchmarks."""
    path.mkdir()
    for name, rows in (("train", slice(0, 40)), ("val", slice(40, 50)), ("test", slice(50, 60))):
        for role, values in (("features", FEATURES[rows]), (labels, LABELS[rows])):
            file = path / f"{role}_{name}{suffix}"
            torch.save(torch.from_numpy(values), file) if suffix == ".pt" else np.save(file, values)
    return path


@pytest.mark.parametrize(("suffix", "labels"), [(".pt", "targets"), (".npy", "labels"), (".npy", "y")])
def test_a_folder_of_splits(suffix, labels, tmp_path):
    path = folder(tmp_path / "cache", suffix, labels)
    train, val = read_features(f"{path}#train"), read_features(f"{path}#val")
    assert (train.matrix() == FEATURES[:40]).all()
    assert train.labels.tolist() == LABELS[:40].tolist()
    assert (train.source.format, train.source.name) == (suffix[1:], "cache#train")
    assert feature_leak(train, val) is None
    assert feature_leak(train, read_features(f"{path}#val+train")).reason == "rows"
    assert (read_features(f"{path}#train+val+test").matrix() == FEATURES).all()
    refused(path, "cache: holds several splits: test, train, val. Name one, as in cache#val")
    with pytest.raises(InputError, match=r'^cache: there is no split or array "valid" \(did you mean "val"\?\)'):
        read_features(f"{path}#valid")


def test_the_hash_of_a_folder_is_that_of_the_files_that_were_read(tmp_path):
    path = folder(tmp_path / "cache")
    before = read_features(f"{path}#train").settled_source().sha256
    names = ["features_train.pt", "targets_train.pt"]
    text = "".join(f"{name}\0{hashlib.sha256((path / name).read_bytes()).hexdigest()}\n" for name in names)
    assert before == hashlib.sha256(text.encode()).hexdigest()
    (path / "features_val.pt").write_bytes(b"damaged")
    assert read_features(f"{path}#train").settled_source().sha256 == before


def test_a_split_of_a_folder_without_targets(tmp_path):
    path = folder(tmp_path / "cache")
    (path / "targets_test.pt").unlink()
    assert read_features(f"{path}#test", need_labels=False).labels is None
    with pytest.raises(InputError, match=r"^cache: no array has a usual name for labels"):
        read_features(f"{path}#test")


def test_two_files_for_one_role(tmp_path):
    path = folder(tmp_path / "cache")
    np.save(path / "embeddings_val.npy", FEATURES[:10])
    refused(f"{path}#val", f"{path}: the features of val could be embeddings_val.npy or features_val.pt")


def test_a_file_of_a_folder_with_several_arrays(tmp_path):
    path = folder(tmp_path / "cache", ".npy")
    (path / "features_val.npy").unlink()
    (path / "labels_val.npy").unlink(missing_ok=True)
    np.savez(path / "features_val.npz", feats=FEATURES[40:50], other=FEATURES[:10])
    assert (read_features(f"{path}#val").matrix() == FEATURES[40:50]).all()
    np.savez(path / "features_val.npz", a=FEATURES[40:50], b=FEATURES[:10])
    refused(
        f"{path}#val",
        'features_val.npz: 0 arrays have a usual name for features; found "a" (10, 12) float32, "b" (10, 12) float32',
    )


def test_a_file_of_targets_with_several_arrays(tmp_path):
    path = folder(tmp_path / "cache", ".npy")
    (path / "targets_val.npy").unlink()
    np.savez(path / "targets_val.npz", label=LABELS[40:50], weight=np.ones(10))
    assert read_features(f"{path}#val").labels.tolist() == LABELS[40:50].tolist()


def test_a_folder_of_shards_is_no_folder_of_splits(tmp_path):
    for i in (1, 2):
        np.savez(tmp_path / f"embeddings_{i}.npz", features=FEATURES[:5] + i, labels=LABELS[:5])
    assert read_features(tmp_path).n == 10
