"""Make the sample dumps: real predictions of small networks, trained too long on purpose.

    python sample_data/make_sample_data.py           # write the files beside this script
    python sample_data/make_sample_data.py --check   # remake the arrays, compare with the files

README.md in this folder says what each file holds and where its data come from.
"""

import argparse
import csv
import io
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from plotnine.data import diamonds as diamonds_table
from sklearn.datasets import load_digits
from torch import nn

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

FOLDER = Path(__file__).resolve().parent
SEED = 20
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
CARAT_EDGES = (0.5, 1.0, 1.5)
CARAT_BANDS = ("0.20-0.49", "0.50-0.99", "1.00-1.49", "1.50-5.01")


@dataclass(frozen=True)
class Recipe:
    """How one network is made: rows per split, widths of the hidden layers, Adam's schedule.

    The network learns from "train" alone; the last width is that of the cached features.
    """

    rows: Mapping[str, int]
    widths: tuple[int, ...]
    epochs: int
    batch: int


DIGITS = Recipe({"train": 200, "val": 600, "test": 997}, (64, 32), epochs=400, batch=32)
DIAMONDS = Recipe({"train": 6_000, "val": 12_000, "test": 20_000}, (256, 128, 16), epochs=250, batch=128)


def split_rows(n: int, recipe: Recipe) -> Arrays:
    """Draw the row numbers of each split: disjoint, in random order, the same on every call."""
    order = np.random.default_rng(SEED).permutation(n)
    stops = np.cumsum(list(recipe.rows.values()))
    return dict(zip(recipe.rows, np.split(order, stops), strict=False))


def train(inputs: Array, labels: Array, recipe: Recipe) -> tuple[nn.Sequential, nn.Linear]:
    """Fit an MLP by cross-entropy, without weight decay, dropout or early stopping.

    inputs: (n, d) float32; labels: (n,) int64 in which every class occurs.
    Returns the body, which makes the features, and the head, which makes logits of them.
    """
    torch.manual_seed(SEED)
    sizes = [inputs.shape[1], *recipe.widths]
    layers: list[nn.Module] = []
    for size, width in zip(sizes, recipe.widths, strict=False):
        layers += [nn.Linear(size, width), nn.ReLU()]
    body, head = nn.Sequential(*layers), nn.Linear(sizes[-1], int(labels.max()) + 1)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-3)
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
    for _ in range(recipe.epochs):
        for rows in torch.split(torch.randperm(len(x)), recipe.batch):
            optimizer.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(head(body(x[rows])), y[rows]))
            optimizer.step()
    return body.requires_grad_(requires_grad=False), head.requires_grad_(requires_grad=False)


def make_digits() -> dict[str, Arrays]:
    """Make the digit network's dumps by split: `logits` (n, 10) float32, `labels` (n,)."""
    table = load_digits()
    inputs, labels = (table.data / 16).astype(np.float32), table.target.astype(np.int64)
    split = split_rows(len(labels), DIGITS)
    body, head = train(inputs[split["train"]], labels[split["train"]], DIGITS)
    logits = {name: head(body(torch.from_numpy(inputs[split[name]]))) for name in ("val", "test")}
    return {n: {"logits": z.numpy(), "labels": labels[split[n]]} for n, z in logits.items()}


def read_diamonds() -> pd.DataFrame:
    """Read the packaged table without repeated rows, and without recording errors.

    A round diamond with a side of 0 mm, or of 20 mm and more, is a recording error.
    """
    table = diamonds_table.drop_duplicates()
    sides = table[["x", "y", "z"]]
    return table[((sides > 0) & (sides < 20)).all(axis=1)]


def diamond_inputs(table: pd.DataFrame, train_rows: Array) -> Array:
    """Everything the table tells except the cut: nine columns (n, 9), standardised, float32.

    Colour and clarity enter as ranks; mean and deviation are those of the training rows.
    """
    measured = table[["depth", "table", "x", "y", "z"]]
    ranks = [table[name].cat.codes for name in ("color", "clarity")]
    columns = np.column_stack([np.log(table[["carat", "price"]]), measured, *ranks])
    known = columns[train_rows]
    return np.asarray((columns - known.mean(axis=0)) / known.std(axis=0), np.float32)


def make_diamonds() -> tuple[Arrays, Arrays]:
    """Make the dump and the feature cache of the network that grades a diamond's cut.

    The keys carry their split as a prefix; `id` is the row number in the packaged table.
    """
    table = read_diamonds()
    split = split_rows(len(table), DIAMONDS)
    inputs = diamond_inputs(table, split["train"])
    labels = table["cut"].cat.codes.to_numpy(np.int64)
    color = table["color"].to_numpy(str)
    band = np.array(CARAT_BANDS)[np.digitize(table["carat"], CARAT_EDGES)]
    body, head = train(inputs[split["train"]], labels[split["train"]], DIAMONDS)
    names = {"class_names": table["cut"].cat.categories.to_numpy(str)}
    head_arrays = {"head_weight": head.weight.numpy(), "head_bias": head.bias.numpy()}
    dump, cache = dict(names), names | head_arrays
    for name, rows in split.items():
        features = body(torch.from_numpy(inputs[rows]))
        shared = {f"{name}_labels": labels[rows], f"{name}_id": table.index.to_numpy()[rows]}
        cache |= {f"{name}_features": features.numpy(), **shared}
        if name != "train":
            slices = {f"{name}_color": color[rows], f"{name}_carat_band": band[rows]}
            dump |= {f"{name}_logits": head(features).numpy(), **shared, **slices}
    return dump, cache


def make_all() -> dict[str, Arrays]:
    """Compute every array afresh: file name -> the arrays in it."""
    torch.use_deterministic_algorithms(mode=True)
    torch.set_num_threads(1)
    dump, cache = make_diamonds()
    files = {"diamonds.npz": dump, "diamonds_features.npz": cache}
    for split, arrays in make_digits().items():
        files |= {f"digits_{split}.{suffix}": arrays for suffix in ("npz", "pt", "csv")}
    return files


def write_npz(path: Path, arrays: Arrays, compression: int) -> None:
    """Write as `numpy.savez` does, but with a fixed date on each member: same bytes again."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", ZIP_DATE)
            member.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(member, content.getvalue(), compression, compresslevel=9)


def write_csv(path: Path, arrays: Arrays) -> None:
    """Write `logit_0…,label`; a logit is the shortest text that reads back as that float32."""
    with path.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(f"logit_{i}" for i in range(arrays["logits"].shape[1])), "label"])
        for scores, label in zip(arrays["logits"], arrays["labels"], strict=True):
            writer.writerow([*map(str, scores), label])


def write(path: Path, arrays: Arrays) -> None:
    """Write one file in the format of its suffix; the small digit archives stay uncompressed."""
    if path.suffix == ".pt":
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    elif path.suffix == ".csv":
        write_csv(path, arrays)
    else:
        small = path.stem.startswith("digits")
        write_npz(path, arrays, zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED)


def read(path: Path) -> Arrays:
    """Read the arrays of a written file, executing nothing in it."""
    if path.suffix == ".pt":
        tensors = torch.load(path, weights_only=True)
        return {name: tensor.numpy() for name, tensor in tensors.items()}
    if path.suffix == ".csv":
        table = np.loadtxt(path, delimiter=",", skiprows=1)
        return {"logits": table[:, :-1].astype(np.float32), "labels": table[:, -1].astype(np.int64)}
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def difference(new: Array, old: Array) -> str:
    """Say how a remade array differs from the one in the file; empty where they are equal."""
    if (new.dtype, new.shape) != (old.dtype, old.shape):
        return f"{old.dtype} {old.shape} in the file, {new.dtype} {new.shape} remade"
    if np.array_equal(new, old):
        return ""
    if new.dtype.kind == "U":
        return f"{np.sum(new != old)} texts differ"
    return f"maximum difference {np.abs(new - old).max():.3g}"


def compare(path: Path, arrays: Arrays) -> str:
    """Say how remade arrays differ from those in the file; empty where all are equal."""
    if not path.exists():
        return "missing"
    found = read(path)
    if found.keys() != arrays.keys():
        return f"keys {sorted(found)} in the file, {sorted(arrays)} remade"
    lines = {name: difference(array, found[name]) for name, array in arrays.items()}
    return "; ".join(f"{name}: {line}" for name, line in lines.items() if line)


def main() -> int:
    """Write the files, or with `--check` compare them; exit code 1 where something differs."""
    parser = argparse.ArgumentParser(description="Make the sample dumps of calibeval.")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args().check
    found = []
    for name, arrays in make_all().items():
        path = FOLDER / name
        if check:
            found.append(compare(path, arrays))
            print(f"{name}: {found[-1] or 'same'}")
        else:
            write(path, arrays)
            print(f"{name}: {path.stat().st_size} bytes")
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
