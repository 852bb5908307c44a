"""Small valid dumps, in every format, for the fuzzers to spoil."""

import csv
import gzip
import io
import json

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import safetensors.numpy

ROWS, CLASSES = 40, 3


def arrays(seed):
    """Logits, labels, ids and a slice column."""
    rng = np.random.default_rng(seed)
    return {
        "logits": rng.normal(size=(ROWS, CLASSES)).astype(np.float32),
        "labels": rng.integers(0, CLASSES, ROWS),
        "ids": np.arange(ROWS),
        "site": rng.choice(["north", "south"], ROWS),
    }


def npz(seed):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays(seed))
    return buffer.getvalue()


def npz_compressed(seed):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays(seed))
    return buffer.getvalue()


def npy(seed):
    buffer = io.BytesIO()
    np.save(buffer, arrays(seed)["logits"])
    return buffer.getvalue()


def pt(seed):
    import torch  # noqa: PLC0415 - it takes more than a second, in the process of each format

    data = arrays(seed)
    buffer = io.BytesIO()
    torch.save({"logits": torch.from_numpy(data["logits"]), "labels": torch.from_numpy(data["labels"])}, buffer)
    return buffer.getvalue()


def table(seed, separator=","):
    data = arrays(seed)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow([*(f"logit_{k}" for k in range(CLASSES)), "label", "id", "site"])
    for logits, *rest in zip(data["logits"].tolist(), data["labels"], data["ids"], data["site"], strict=True):
        writer.writerow([*logits, *rest])
    return text.getvalue().encode()


def tsv(seed):
    return table(seed, "\t")


def csv_gz(seed):
    return gzip.compress(table(seed), mtime=0)


def jsonl(seed):
    data = arrays(seed)
    rows = zip(data["logits"].tolist(), data["labels"].tolist(), data["site"].tolist(), strict=True)
    return "".join(json.dumps({"logits": z, "label": y, "site": s}) + "\n" for z, y, s in rows).encode()


def json_rows(seed):
    """Every other seed is an object of columns, so that spliced files are both."""
    if seed % 2:
        data = arrays(seed)
        return json.dumps({"logits": data["logits"].tolist(), "labels": data["labels"].tolist()}).encode()
    return b"[" + jsonl(seed).replace(b"\n", b",\n")[:-2] + b"]"


def parquet(seed):
    data = arrays(seed)
    columns = {f"logit_{k}": data["logits"][:, k] for k in range(CLASSES)}
    buffer = io.BytesIO()
    pq.write_table(pa.table({**columns, "label": data["labels"], "site": data["site"]}), buffer)
    return buffer.getvalue()


def arrow_table(seed):
    data = arrays(seed)
    scores = pa.FixedSizeListArray.from_arrays(pa.array(data["logits"].ravel()), CLASSES)
    return pa.table({"logits": scores, "label": data["labels"], "site": pa.array(data["site"]).dictionary_encode()})


def feather(seed):
    buffer = io.BytesIO()
    pyarrow.feather.write_feather(arrow_table(seed), buffer, compression=("lz4", "zstd")[seed % 2], chunksize=17)
    return buffer.getvalue()


def arrow_stream(seed):
    table, buffer = arrow_table(seed), io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table, max_chunksize=17)
    return buffer.getvalue()


def hdf5(seed):
    data, buffer = arrays(seed), io.BytesIO()
    with h5py.File(buffer, "w", libver=("earliest", "latest")[seed % 2]) as file:
        file.attrs["class_names"] = ["cat", "dog", "eel"]
        file.create_dataset("logits", data=data["logits"], chunks=(7, CLASSES), compression="gzip", shuffle=True)
        file.create_dataset("ids", data=data["ids"], chunks=(9,), fletcher32=True)
        for key in ("labels", "site"):
            file[key] = data[key].tolist()
        file["other/logits"] = data["logits"]
    return buffer.getvalue()


def safetensors_file(seed):
    data = arrays(seed)
    return safetensors.numpy.save({"logits": data["logits"], "labels": data["labels"]})


SEEDS = {
    ".npz": npz,
    ".compressed.npz": npz_compressed,
    ".npy": npy,
    ".pt": pt,
    ".csv": table,
    ".tsv": tsv,
    ".csv.gz": csv_gz,
    ".jsonl": jsonl,
    ".json": json_rows,
    ".parquet": parquet,
    ".feather": feather,
    ".arrow": arrow_stream,
    ".h5": hdf5,
    ".safetensors": safetensors_file,
}
