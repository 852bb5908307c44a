"""`.pt`: dicts and pairs of tensors, every type, and nothing that would run code."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pytest
import torch

from calibeval import evaluate
from calibeval.core.errors import InputError
from calibeval.readers.open import read
from tests.readers.dumps import LABELS, LOGITS, PROBS, refused

SCORES, TARGETS = torch.from_numpy(LOGITS.copy()), torch.from_numpy(LABELS.copy())
LEGACY = (
    "d.pt: not in the zip format of torch.save. An old pickled file is never opened: "
    "if you trust it, load it yourself and save it again with torch.save."
)


def saved(folder, content, **options):
    torch.save(content, folder / "d.pt", **options)
    return folder / "d.pt"


def metrics(path, **options):
    return evaluate(read(path, **options)).dumps[0].metrics


@pytest.mark.parametrize("content", [{"logits": SCORES, "labels": TARGETS}, (SCORES, TARGETS), [SCORES, TARGETS]])
def test_dicts_and_pairs(content, tmp_path):
    predictions = read(saved(tmp_path, content))
    assert (predictions.kind, predictions.n, predictions.k) == ("logits", 20, 3)
    assert (predictions.scores[0:20] == LOGITS).all()
    assert predictions.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_suffixes(suffix, tmp_path):
    torch.save((SCORES, TARGETS), tmp_path / f"d{suffix}")
    assert read(tmp_path / f"d{suffix}").source.format == suffix[1:]


def test_names_numbers_and_other_entries(tmp_path):
    path = saved(
        tmp_path,
        {
            "logits": SCORES.clone().requires_grad_(),
            "labels": TARGETS,
            "class_names": ["a", "b", "c"],
            "ignore_index": 2,
            "site": torch.arange(20),
            "epoch": {"nested": 3},
            "note": "text",
        },
    )
    predictions = read(path)
    assert predictions.class_names == ("a", "b", "c")
    assert (predictions.ignore_index, predictions.ignored) == (2, 6)
    assert list(predictions.columns) == ["site"]


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int64]
)
def test_every_type_gives_the_numbers_of_its_float64_copy(dtype, tmp_path):
    stored = (SCORES * 4).round().div(4).to(dtype)
    np.savez(tmp_path / "e.npz", logits=stored.double().numpy(), labels=LABELS)
    assert metrics(saved(tmp_path, {"logits": stored, "labels": TARGETS.to(torch.int32)})) == metrics(
        tmp_path / "e.npz"
    )


def test_views_and_transposed_tensors(tmp_path):
    wide = torch.randn(3, 40)
    view = wide.T[::2]
    path = saved(tmp_path, {"logits": view, "labels": TARGETS})
    assert read(path).scores[0:20].tolist() == view.tolist()


def test_logits_called_so_that_are_probabilities(tmp_path):
    with pytest.raises(InputError, match="they look like probabilities"):
        read(saved(tmp_path, (torch.from_numpy(PROBS), TARGETS)))


def test_an_old_pickled_file_is_never_opened(tmp_path):
    refused(saved(tmp_path, (SCORES, TARGETS), _use_new_zipfile_serialization=False), LEGACY)


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.mark.parametrize("new", [True, False])
def test_pickled_objects_are_refused_and_do_not_run(new, tmp_path):
    trace = tmp_path / "executed"
    content = {"logits": SCORES, "labels": TARGETS, "more": Payload(trace)}
    path = saved(tmp_path, content, _use_new_zipfile_serialization=new)
    with pytest.raises(InputError) as error:
        read(path)
    assert "never opened" in str(error.value) or "holds more than tensors, and no pickle is executed" in str(
        error.value
    )
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists()  # the payload would have worked


@pytest.mark.parametrize(
    ("content", "what"),
    [((SCORES, TARGETS, TARGETS), "a tuple"), ([1, 2], "a list"), ("text", "a str"), (None, "nothing (None)")],
)
def test_other_contents(content, what, tmp_path):
    message = (
        f"d.pt: holds {what}, but a tensor, a dict of tensors, a (logits, labels) pair or a list of such batches "
        "is needed"
    )
    refused(saved(tmp_path, content), message)


def test_one_tensor_is_read_as_npy_is(tmp_path):
    path = saved(tmp_path, SCORES)
    np.save(tmp_path / "l.npy", LABELS)
    predictions = read(path, kind="logits", labels=tmp_path / "l.npy")
    assert (predictions.scores[0:20] == LOGITS).all()
    message = "d.pt: the scores could be logits or probabilities: say --kind logits or --kind probs"
    refused(path, message, labels=tmp_path / "l.npy")


def test_a_dict_without_tensors(tmp_path):
    refused(saved(tmp_path, {"note": "text"}), "d.pt: holds no tensors")


def test_sparse_tensors_are_not_read(tmp_path):
    path = saved(tmp_path, {"logits": SCORES.to_sparse(), "labels": TARGETS})
    refused(path, 'd.pt: "logits" holds a sparse tensor. Save x.to_dense().')


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.99])
def test_truncated_files(keep, tmp_path):
    path = saved(tmp_path, (SCORES, TARGETS))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    with pytest.raises(InputError, match=r"^d\.pt: .*damaged"):
        read(path)


def test_a_flipped_bit_is_found(tmp_path):
    path = saved(tmp_path, {"logits": SCORES, "labels": TARGETS})
    raw = bytearray(path.read_bytes())
    raw[raw.find(LOGITS.tobytes()) + 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"^d\.pt: "):
        metrics(path)


def test_an_npz_called_pt(tmp_path):
    np.savez(tmp_path / "d.npz", logits=LOGITS, labels=LABELS)
    (tmp_path / "d.npz").rename(tmp_path / "d.pt")
    with pytest.raises(InputError, match=r"^d\.pt: "):
        read(tmp_path / "d.pt")


def test_splits_in_a_dict(tmp_path):
    path = saved(
        tmp_path, {"val_logits": SCORES[:5], "val_labels": TARGETS[:5], "test_logits": SCORES, "test_labels": TARGETS}
    )
    assert read(f"{path}#val").n == 5
    refused(path, "d.pt: holds several splits: val, test. Name one, as in d.pt#test")


def test_bfloat16_probabilities_are_read_with_the_precision_they_were_stored_in(tmp_path):
    path = tmp_path / "d.pt"
    probs = torch.tensor([[0.2, 0.8], [0.3, 0.7], [0.1, 0.9]]).bfloat16()
    torch.save({"probs": probs, "labels": torch.tensor([1, 0, 1])}, path)
    predictions = read(path)
    assert predictions.sum_tolerance == 8 * 2.0**-7
    # 0.8 rounds to 0.80078125 in bfloat16, as the edge 12/15 does: it stays in the bin that ends there.
    assert evaluate(predictions, level=None).dumps[0].equal_width[11].count == 1


@pytest.mark.filterwarnings("ignore:ComplexHalf support")
@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (torch.float8_e4m3fn, "torch.float8_e4m3fn, which numpy lacks"),
        (torch.complex32, "torch.complex32, which numpy lacks"),
        ("meta", r"no values \(it is on the meta device\)"),
    ],
)
def test_tensors_that_numpy_lacks(dtype, words, tmp_path):
    def odd(*shape):
        return torch.zeros(shape, device="meta") if dtype == "meta" else torch.zeros(shape).to(dtype)

    good = {"logits": torch.zeros(4, 3), "labels": torch.zeros(4, dtype=torch.int64)}
    torch.save({**good, "extra": odd(4), "more": odd(4, 3), "probs": odd(4, 3)}, tmp_path / "a.pt")
    assert read(tmp_path / "a.pt").columns == {}
    torch.save({**good, "logits": odd(4, 3)}, tmp_path / "b.pt")
    with pytest.raises(InputError, match=rf'^b\.pt: "logits" holds {words}\. Save (it as float32|real ones)\.$'):
        read(tmp_path / "b.pt")


def test_an_unpickler_that_runs_out_of_its_stack_is_a_damaged_file(tmp_path):
    # Protocol, then TUPLE3 on an empty stack, in an archive as torch.save lays it out.
    saved(tmp_path, {"logits": SCORES, "labels": TARGETS})
    path = tmp_path / "d.pt"
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, b"\x80\x02\x87." if name.endswith("data.pkl") else content)
    with pytest.raises(InputError, match=r"^d\.pt: "):
        read(path)
