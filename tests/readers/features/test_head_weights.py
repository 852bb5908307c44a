"""The weights of a head: every format and way to name them, and what is no head."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.features.head_weights import read_head

RNG = np.random.default_rng(5)
WEIGHT, BIAS = RNG.normal(size=(4, 6)).astype("f4"), RNG.normal(size=4).astype("f4")
HIDDEN, SHIFT = RNG.normal(size=(5, 6)).astype("f4"), RNG.normal(size=5).astype("f4")
OUT = RNG.normal(size=(4, 5)).astype("f4")
MLP = {"0.weight": HIDDEN, "0.bias": SHIFT, "2.weight": OUT, "2.bias": BIAS}


def npz(folder, arrays):
    np.savez(folder / "h.npz", **arrays)
    return folder / "h.npz"


def refused(path, message):
    with pytest.raises(InputError) as error:
        read_head(path)
    assert str(error.value) == message


def tensors(arrays):
    return {key: torch.from_numpy(values) for key, values in arrays.items()}


WRITERS = {
    ".npz": lambda path, arrays: np.savez(path, **arrays),
    ".safetensors": lambda path, arrays: save_file(arrays, path),
    ".pt": lambda path, arrays: torch.save(tensors(arrays), path),
    ".pth": lambda path, arrays: torch.save({"state_dict": tensors(arrays), "epoch": 3}, path),
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("prefix", ["", "fc.", "classifier.", "head_", "module.head.fc."])
def test_a_linear_head(suffix, prefix, tmp_path):
    path = tmp_path / f"h{suffix}"
    WRITERS[suffix](path, {f"{prefix}weight": WEIGHT, f"{prefix}bias": BIAS})
    head = read_head(path)
    ((weight, bias),) = head.layers
    assert (weight.dtype, bias.dtype) == (np.float32, np.float32)
    assert (weight == WEIGHT).all()
    assert (bias == BIAS).all()
    assert (head.d, head.k, head.keys, head.warnings) == (6, 4, (f"{prefix}weight",), ())
    assert head.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert head.source.format == suffix[1:]


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("prefix", ["", "net.", "head."])
def test_an_mlp(suffix, prefix, tmp_path):
    WRITERS[suffix](tmp_path / f"h{suffix}", {prefix + key: values for key, values in MLP.items()})
    head = read_head(tmp_path / f"h{suffix}")
    (first, second) = head.layers
    assert (first.weight == HIDDEN).all()
    assert (second.weight == OUT).all()
    assert (second.bias == BIAS).all()
    assert (head.d, head.k) == (6, 4)


def test_state_dicts_of_torch(tmp_path):
    mlp = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 4)).eval()
    torch.save(mlp.state_dict(), tmp_path / "h.pt")
    head = read_head(tmp_path / "h.pt")
    x = torch.randn(3, 6)
    hidden = np.maximum(x.numpy() @ head.layers[0].weight.T + head.layers[0].bias, 0)
    found = hidden @ head.layers[1].weight.T + head.layers[1].bias
    assert np.allclose(found, mlp(x).detach().numpy(), atol=1e-6)
    assert head.keys == ("0.weight", "3.weight")


def test_layers_beyond_the_ninth_are_in_the_order_of_their_numbers(tmp_path):
    arrays = {"net.10.weight": np.zeros((5, 5)), "net.10.bias": BIAS[[0] * 5], "net.9.weight": np.ones((5, 5))}
    head = read_head(npz(tmp_path, arrays))
    assert head.keys == ("net.9.weight", "net.10.weight")


def test_names_without_numbers_follow_their_shapes(tmp_path):
    named = {"a.weight": OUT, "a.bias": BIAS, "b.weight": HIDDEN, "b.bias": SHIFT}
    assert read_head(npz(tmp_path, named)).keys == ("b.weight", "a.weight")
    refused(
        npz(tmp_path, {"a.weight": np.zeros((5, 5)), "b.weight": np.zeros((5, 5))}),
        'h.npz: "a.weight" (5, 5) and "b.weight" (5, 5) could follow each other in either order. '
        "Call them 0.weight and 2.weight.",
    )


def test_a_head_beside_features(tmp_path):
    rest = {"train_features": np.zeros((9, 6)), "train_labels": np.zeros(9, int)}
    path = npz(tmp_path, {**rest, "head_weight": WEIGHT, "head_bias": BIAS})
    for name in (path, f"{path}#head"):
        ((weight, bias),) = read_head(name).layers
        assert (weight == WEIGHT).all()
        assert (bias == BIAS).all()
    assert read_head(f"{path}#head").source.name == "h.npz#head"


def test_one_head_of_several(tmp_path):
    path = npz(tmp_path, {"fc.weight": WEIGHT, "fc.bias": BIAS, "aux.weight": WEIGHT * 2, "aux.bias": BIAS})
    assert (read_head(f"{path}#aux").layers[0].weight == WEIGHT * 2).all()
    refused(
        path,
        'h.npz: "aux.weight" (4, 6) and "fc.weight" (4, 6) do not follow each other as (h, d) and (k, h). '
        "If they are two heads, name one, as in h.npz#aux",
    )
    more = npz(tmp_path, {**MLP, "4.weight": np.zeros((3, 4), "f4")})
    refused(
        more,
        'h.npz: there are 3 layers ("0.weight" (5, 6) float32, "2.weight" (4, 5) float32, "4.weight" (3, 4) float32), '
        "but a head has one or two. Name the prefix of the head's arrays, as in h.npz#4",
    )
    refused(
        f"{npz(tmp_path, {'fc.weight': WEIGHT})}#fcc",
        'h.npz: no array is named "fcc.weight" or "fcc_weight"; found "fc.weight" (4, 6) float32',
    )


def test_a_head_in_a_whole_network(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 4))
    torch.save(network.state_dict(), tmp_path / "n.pt")
    with pytest.raises(
        InputError, match=r"^n\.pt: in addition to the linear layers .* there are \"0\.weight\" \(4, 3, 3, 3\)"
    ):
        read_head(tmp_path / "n.pt")
    assert read_head(f"{tmp_path / 'n.pt'}#3").keys == ("3.weight",)


@pytest.mark.parametrize("extra", ["1.weight", "1.running_mean", "1.gamma"])
def test_more_than_linear_layers_is_no_head(extra, tmp_path):
    path = npz(tmp_path, {**MLP, extra: np.ones(5, "f4")})
    refused(
        path,
        'h.npz: in addition to the linear layers ("0.weight" (5, 6) float32, "2.weight" (4, 5) float32) there are '
        f'"{extra}" (5) float32, but a head is one linear layer, or two with a ReLU between them. '
        "If they do not belong to the head, name the prefix of the head's arrays, as in FILE#head.",
    )


def test_under_a_prefix_nothing_else_may_stand(tmp_path):
    path = npz(tmp_path, {"head_weight": WEIGHT, "head_bias": BIAS, "head_scale": np.ones(6)})
    with pytest.raises(InputError, match=r'there are "head_scale" \(6\) float64, but a head is one linear layer'):
        read_head(f"{path}#head")


def test_a_missing_bias_is_zero_and_told(tmp_path):
    head = read_head(npz(tmp_path, {"weight": WEIGHT}))
    assert head.layers[0].bias.tolist() == [0.0] * 4
    assert head.warnings == ('h.npz: there is no bias for "weight", so zeros are used',)


def test_types(tmp_path):
    for stored, expected in (("f2", "f4"), (">f4", "f4"), ("f8", "f8")):
        weight, bias = read_head(npz(tmp_path, {"weight": WEIGHT.astype(stored), "bias": BIAS})).layers[0]
        assert weight.dtype == bias.dtype == np.dtype(expected)
        assert weight.flags.writeable
    torch.save({"weight": torch.from_numpy(WEIGHT).bfloat16()}, tmp_path / "h.pt")
    assert (read_head(tmp_path / "h.pt").layers[0].weight == torch.from_numpy(WEIGHT).bfloat16().float().numpy()).all()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"weight": WEIGHT.T.copy(), "bias": BIAS},
            (
                'h.npz: "weight" (6, 4) float32 needs a bias of shape (6), '
                'but "bias" is (4) float32. It seems to be stored as (in, out): save its transpose.'
            ),
        ),
        (
            {"weight": WEIGHT, "bias": np.zeros(3)},
            ('h.npz: "weight" (4, 6) float32 needs a bias of shape (4), but "bias" is (3) float64.'),
        ),
        ({"weight": WEIGHT.astype(int)}, 'h.npz: "weight" is (4, 6) int64, but weights are floating-point numbers'),
        (
            {"weight": np.where(WEIGHT[1, 2] == WEIGHT, np.nan, WEIGHT)},
            ('h.npz: "weight" holds NaN or infinity, first at (1, 2), but weights must be finite'),
        ),
        (
            {"weight": WEIGHT, "bias": np.array([0, 1, np.inf, 0])},
            ('h.npz: "bias" holds NaN or infinity, first at (2), but weights must be finite'),
        ),
        ({"weight": np.zeros((0, 6))}, 'h.npz: "weight" (0, 6) float64 is empty'),
        (
            {"weights": WEIGHT},
            (
                'h.npz: no array of shape (out, in) has a name such as "weight" or "fc.weight"; '
                'found "weights" (4, 6) float32'
            ),
        ),
        (
            {**MLP, "2.weight": WEIGHT},
            (
                'h.npz: "0.weight" (5, 6) and "2.weight" (4, 6) do not follow each other as '
                "(h, d) and (k, h). If they are two heads, name one, as in h.npz#0"
            ),
        ),
    ],
)
def test_what_is_no_head(arrays, message, tmp_path):
    refused(npz(tmp_path, arrays), message)


def test_a_type_that_numpy_lacks(tmp_path):
    torch.save({"weight": torch.zeros(2, 2).to(torch.float8_e4m3fn)}, tmp_path / "h.pt")
    refused(tmp_path / "h.pt", 'h.pt: "weight" holds torch.float8_e4m3fn, which numpy lacks. Save it as float32.')


def test_the_folder_of_a_run(tmp_path):
    save_file({"weight": WEIGHT, "bias": BIAS}, tmp_path / "head.safetensors")
    assert (read_head(tmp_path).layers[0].weight == WEIGHT).all()


def test_other_files(tmp_path):
    (tmp_path / "h.csv").write_text("weight\n1\n")
    refused(tmp_path / "h.csv", "h.csv: the weights of a head are read from .safetensors, .npz, .pt, .pth files only")
    torch.save(torch.from_numpy(WEIGHT), tmp_path / "h.pt")
    refused(tmp_path / "h.pt", "h.pt: holds a Tensor, but a state dict is needed: torch.save(head.state_dict(), ...)")
    torch.save(nn.Linear(2, 2), tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"^m\.pt: holds more than tensors, and no pickle is executed"):
        read_head(tmp_path / "m.pt")
    with pytest.raises(FileProblem, match="there is no such file"):
        read_head(tmp_path / "none.npz")
    (tmp_path / "empty.pt").touch()
    refused(tmp_path / "empty.pt", "empty.pt: the file is empty")


def test_a_flipped_bit_is_found(tmp_path):
    weight = RNG.normal(size=(40, 600))
    path = npz(tmp_path, {"weight": weight})
    raw = bytearray(path.read_bytes())
    raw[raw.find(weight[30:].tobytes()) + 1] ^= 1
    path.write_bytes(raw)
    refused(path, "h.npz: weight.npy is damaged (its CRC-32 differs).")
