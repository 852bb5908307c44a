"""HDF5 files by chance: datasets of any type and layout under the names of roles, in groups, with links."""

import io

import h5py
import numpy as np

from tests.fuzz.odd import chance, names, pick, rows_and_classes, values_of

TEXTS = ("x", "[" * 10**4, b"\xff", b"[]")
FACTS = ("class_names", "classes", "ignore_index", "ignore_label", "pandas_type", "other")


def hdf5_file(rng):
    """A complete file, of which a byte may be wrong."""
    n, k = rows_and_classes(rng)
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver=pick(rng, ("earliest", "latest", "v110"))) as file:
        groups = [file]
        if rng.random() < 0.3:
            groups = [file.create_group(name) for name in ("val", "test", "a/b")]
        for group in groups:
            for name in names(rng):
                dataset(group, name, n, k, rng)
            if chance(rng, 0.1):
                odd(group, pick(rng, ("labels", "site", "note")), n, rng)
            for fact in FACTS:
                if chance(rng, 0.1):
                    group.attrs[fact] = pick(rng, (["a", "b"], np.array(["a", "b"], "S"), 5, 1.5, [1, 2], *TEXTS))
    data = bytearray(stream.getvalue())
    if chance(rng, 0.2):
        data[int(rng.integers(min(len(data), 4000)))] = pick(rng, (0, 1, 127, 255))
    return bytes(data)


def dataset(group, name, n, k, rng):
    """One dataset, plain, chunked or compressed."""
    values, options = values_of(name, n, k, rng), {}
    if values.ndim and values.size and rng.random() < 0.3:
        options = {"chunks": True, "compression": pick(rng, (None, "gzip", "lzf")), "shuffle": chance(rng, 0.5)}
        options["fletcher32"] = chance(rng, 0.2)
    try:
        if values.dtype.kind == "U":
            values = values.astype(pick(rng, ("O", "S")))
        group.create_dataset(name.replace("/", "") or "x", data=values, **options)
    except (TypeError, ValueError, OSError, RuntimeError):  # a type that it lacks, or a name that is taken
        return


def odd(group, name, n, rng):
    """What is never read, or follows somewhere else."""
    if name in group:
        del group[name]
    way = int(rng.integers(8))
    if way == 0:
        group[name] = pick(
            rng, (h5py.SoftLink("/logits"), h5py.SoftLink("nowhere"), h5py.ExternalLink("/etc/hosts", "/x"))
        )
    elif way == 1:
        group[name] = np.zeros(n, [("a", "f4"), ("b", "S3")])
    elif way == 2:
        group.create_dataset(name, (max(n, 1),), h5py.vlen_dtype("i4"))[0] = [1, 2]
    elif way == 3:
        rows, chunk = pick(rng, ((20, 7), (10**12, 1), (10**12, 2**20), (1, 1)))
        group.create_dataset(name, (rows,), "f4", chunks=(chunk,))
    elif way == 4:
        group.create_dataset(name, (n,), "u1", external=[("/etc/hosts", 0, 99)])
    elif way == 5:
        layout = h5py.VirtualLayout((n + 1,), "f4")
        layout[:] = h5py.VirtualSource(pick(rng, (".", "/etc/hosts")), "logits", (n + 1,))
        group.create_virtual_dataset(name, layout)
    elif way == 6:
        group[name] = h5py.Empty(pick(rng, ("f4", "S5")))
    else:
        group[name] = group
