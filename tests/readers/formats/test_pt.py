"""`.pt`: dicts and pairs of tensors, every type, and nothing that would run code."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from calibeval import evaluate
from calibeval.core.errors import InputError
from calibeval.readers.formats.described import TYPES
from calibeval.readers.formats.pt import read_pt
from calibeval.readers.open import read
from calibeval.readers.stored.bfloat16 import Bfloat16Rows
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.rows import FileRows
from calibeval.readers.stored.steady import SteadyFile
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
    assert predictions.tolerance.of_sum == 8 * 2.0**-7
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


def tensors():
    """Tensors of all types and layouts that torch.save writes."""
    base = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    plain = [dtype for name in TYPES if not (dtype := getattr(torch, name)).is_complex]
    return {
        **{str(dtype): (base[:, :3] * 10).abs().to(dtype) for dtype in plain},
        "view": base[::2, 1:4],
        "transposed": base.T,
        "columns": base[:, :3].T.contiguous().T,
        "one row": base[3],
        "one column": base[:, 2],
        "backwards axes": torch.randn(2, 3, 4).permute(2, 0, 1),
        "no axes": torch.tensor(2.5),
        "no axes bfloat16": torch.tensor(2.5).bfloat16(),
        "empty": torch.empty(0, 3),
        "nothing": torch.empty(3, 0),
        "parameter": torch.nn.Parameter(base[:, :2].clone()),
        "with gradient": base.clone().requires_grad_(),
        "part of a storage": torch.arange(100)[90:],
        "one row again": base[:1].expand(1, 6),
        "unsqueezed": base[:, None, :2],
    }


TENSORS = tensors()


def as_float64(tensor):
    wide = tensor.detach()
    return wide.double().numpy() if not wide.dtype.is_floating_point or wide.dtype == torch.bfloat16 else wide.numpy()


def arrays_of(path, **limits):
    return read_pt(SteadyFile.of(path), Limits(**limits)).arrays


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_tensor_is_that_of_torch(protocol, tmp_path):
    path = saved(tmp_path, TENSORS, pickle_protocol=protocol)
    loaded = torch.load(path, weights_only=False)  # our own
    assert arrays_of(path).keys() == TENSORS.keys()
    in_blocks = {key: stored for key, stored in arrays_of(path, max_memory=16).items() if key != "backwards axes"}
    for arrays in (arrays_of(path), in_blocks):
        for key, stored in arrays.items():
            expected = as_float64(loaded[key])
            assert stored.shape == tuple(loaded[key].shape), key
            assert stored.array().astype(np.float64).tolist() == expected.astype(np.float64).tolist(), key
            assert stored.precision == (2.0**-7 if loaded[key].dtype == torch.bfloat16 else None)


def test_an_odd_order_beyond_memory_is_refused(tmp_path):
    path = saved(tmp_path, {"odd": TENSORS["backwards axes"]})
    with pytest.raises(InputError, match="in an order that cannot be read in blocks, over the limit of 16 for memory"):
        arrays_of(path, max_memory=16)["odd"].array()


def test_large_tensors_are_read_by_blocks(tmp_path):
    logits, labels = torch.randn(3000, 5, dtype=torch.float64), torch.arange(3000) % 5
    path = saved(tmp_path, {"logits": logits, "labels": labels, "unused": torch.zeros(1000)})
    small = read(path, max_memory=4096)
    assert isinstance(small.scores, FileRows)
    assert (small.scores[7:900] == logits[7:900].numpy()).all()
    assert evaluate(small, level=None).dumps[0].metrics == metrics_without_intervals(path)
    wide = saved(tmp_path, {"logits": logits.bfloat16(), "labels": labels})
    assert isinstance(read(wide, max_memory=4096).scores, Bfloat16Rows)
    assert (read(wide, max_memory=4096).scores[9:20] == logits[9:20].bfloat16().float().numpy()).all()


def metrics_without_intervals(path):
    return evaluate(read(path), level=None).dumps[0].metrics


BATCHES = [slice(0, 8), slice(8, 16), slice(16, 20)]


@pytest.mark.parametrize(
    "content",
    [
        [{"logits": SCORES[part], "labels": TARGETS[part]} for part in BATCHES],
        [(SCORES[part], TARGETS[part]) for part in BATCHES],
        [[SCORES[part], TARGETS[part]] for part in BATCHES],
        ([SCORES[part] for part in BATCHES], [TARGETS[part] for part in BATCHES]),
        {"logits": [SCORES[part] for part in BATCHES], "labels": [TARGETS[part] for part in BATCHES]},
        {"logits": [SCORES[part] for part in BATCHES], "labels": list(TARGETS)},
    ],
    ids=["dicts", "pairs", "lists of two", "pair of lists", "dict of lists", "single labels"],
)
def test_batches_are_joined(content, tmp_path):
    path = saved(tmp_path, content)
    for memory in (None, 100):
        predictions = read(path, max_memory=memory)
        assert (predictions.scores[0:20] == LOGITS).all()
        assert predictions.labels.tolist() == LABELS.tolist()


def test_a_list_of_tensors_alone(tmp_path):
    path = saved(tmp_path, [SCORES[part] for part in BATCHES])
    np.save(tmp_path / "l.npy", LABELS)
    assert (read(path, kind="logits", labels=tmp_path / "l.npy").scores[0:20] == LOGITS).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            [{"logits": SCORES, "labels": TARGETS}, {"logits": SCORES}],
            'd.pt: batch 1 and batch 0 differ in "labels": all need the same keys',
        ),
        (
            {"logits": [SCORES, SCORES[:, :2]], "labels": TARGETS},
            'd.pt: "logits": batch 1 is (20, 2) float32, but batch 0 is (20, 3) float32',
        ),
        (
            {"logits": [SCORES, SCORES.double()], "labels": TARGETS},
            'd.pt: "logits": batch 1 is (20, 3) float64, but batch 0 is (20, 3) float32',
        ),
        (
            {"val": {"logits": SCORES, "labels": TARGETS}, "val_logits": SCORES},
            'd.pt: two entries are called "val_logits"',
        ),
        (
            {"logits": [SCORES] * 100, "labels": TARGETS},
            'd.pt: "logits": 24000 bytes in batches that overlap: save x.clone() of each',
        ),
    ],
)
def test_batches_that_do_not_fit(content, message, tmp_path):
    refused(saved(tmp_path, content), message)


def test_a_dict_in_the_dict_is_a_split(tmp_path):
    split = {"logits": SCORES, "labels": TARGETS}
    path = saved(tmp_path, {"val": split, "test": {"logits": SCORES[:5], "labels": TARGETS[:5]}, "config": {"lr": 0.1}})
    assert read(f"{path}#val").n == 20
    assert read(f"{path}#test").n == 5


def test_a_state_dict_with_metadata(tmp_path):
    layer = torch.nn.Linear(4, 3)
    arrays = arrays_of(saved(tmp_path, layer.state_dict()))
    assert (arrays["weight"].array() == layer.weight.detach().numpy()).all()
    assert (arrays["bias"].array() == layer.bias.detach().numpy()).all()


def test_the_order_of_bytes_is_that_of_the_file(tmp_path):
    path = saved(tmp_path, {"logits": SCORES, "labels": TARGETS, "half": SCORES.bfloat16()})
    little = {key: stored.array() for key, stored in arrays_of(path).items()}
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    sizes = {"0": 4, "1": 8, "2": 2}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            size = sizes.get(name.rpartition("/data/")[2])
            turned = np.frombuffer(content, f"u{size}").byteswap().tobytes() if size else content
            archive.writestr(name, b"big" if name.endswith("byteorder") else turned)
    for key, stored in arrays_of(path).items():
        assert (stored.array() == little[key]).all(), key


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda x: x.to_sparse(), "a sparse tensor. Save x.to_dense()."),
        (lambda x: x.to_sparse_csr(), "a sparse tensor. Save x.to_dense()."),
        (lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8), "a quantized tensor. Save x.dequantize()."),
        (lambda x: torch.nested.nested_tensor([x, x[:2]]), "a nested tensor. Save a list of its parts."),
        (lambda x: x.to("meta"), "no values (it is on the meta device). Save real ones."),
        (lambda x: x.to(torch.float8_e5m2), "torch.float8_e5m2, which numpy lacks. Save it as float32."),
        (torch._neg_view, "values that are negated or conjugated when they are used. Save x.clone()."),
    ],
    ids=["sparse", "csr", "quantized", "nested", "meta", "float8", "negated"],
)
def test_what_is_not_read_is_refused_by_name_when_it_is_used(make, why, tmp_path):
    odd = make(SCORES)
    path = saved(tmp_path, {"logits": SCORES, "labels": TARGETS, "more": odd})
    assert read(path).n == 20
    refused(path, f'd.pt: "more" holds {why}', logits_key="more")


def test_complex_numbers_are_no_scores(tmp_path):
    path = saved(tmp_path, {"logits": SCORES, "labels": TARGETS, "more": SCORES.to(torch.complex64)})
    assert read(path).n == 20
    refused(path, "d.pt: logits have dtype complex64, but numbers are needed", logits_key="more")


def test_expanded_tensors_are_refused_at_once(tmp_path):
    path = saved(tmp_path, {"logits": torch.zeros(1, 3).expand(10**9, 3), "labels": torch.zeros(1).expand(10**9)})
    refused(
        path,
        'd.pt: "logits": shape (1000000000, 3) needs 3000000000 numbers, but the file holds 3 of them. '
        "An expanded tensor repeats what it has: save x.clone().",
    )


def test_one_long_text_among_many_needs_little_memory(tmp_path):
    texts = ["x" * 10**6, *("y" for _ in range(1999))]
    path = saved(tmp_path, {"logits": SCORES, "labels": TARGETS, "notes": texts})
    found = arrays_of(path)["notes"].array()
    assert found.dtype == object
    assert found.tolist() == texts


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it raises
import calibeval
report = calibeval.evaluate(calibeval.read(sys.argv[1]))
print(report["accuracy"].value, "torch" in [name for name, module in sys.modules.items() if module])
"""


def test_no_torch_is_needed(tmp_path):
    path = saved(tmp_path, {"logits": SCORES.bfloat16(), "labels": TARGETS})
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(path)], capture_output=True, text=True, check=True)
    accuracy = float((SCORES.bfloat16().float().argmax(dim=1) == TARGETS).float().mean())
    found, imported = done.stdout.split()
    assert float(found) == pytest.approx(accuracy)
    assert imported == "False"
