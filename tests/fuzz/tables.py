"""Tables by chance: cells that no number is, rows of any length, columns of every type that Parquet has."""

import decimal
import io
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.odd import LABELS, STRANGE, chance, names, pick, rows_and_classes, values_of

CELLS = (
    "", " ", "0", "1", "-1", "2", "nan", "NaN", "NA", "null", "inf", "-inf", "Infinity", "1e400", "-1e400", "9" * 400,
    "-" + "9" * 25, "1_000", "0x1f", "1,5", "1;5", "[0.1, 0.9]", "[1 2 ... 3]", "[]", "[", "True", "false", "yes",
    "\u0661", '"', '""', '"a', 'a"b', "a b", "\t", "007", "1e5", "1.0", "2020-01-01", "x" * 5000, "é", "\u202e", "=1",
    "::error::",
)  # fmt: skip
ODD_BYTES = (
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n\n",
    b"\r\n",
    b'"',
    b"\x1a",
    b"\xc0\x80",
    b"\n\n\n",
)
STEMS = ("logit", "prob", "log_prob", "proba")


def columns(rng):
    """Names of the columns of a table."""
    found = names(rng)
    if chance(rng, 0.7):
        stem, k = pick(rng, STEMS), pick(rng, (1, 2, 3, 3, 12))
        suffixes = (
            [str(i) for i in range(k)]
            if chance(rng, 0.8)
            else [pick(rng, ("0", "00", "a", "max", "3", "")) for _ in range(k)]
        )
        found = [*(f"{stem}_{suffix}" for suffix in suffixes), pick(rng, LABELS), *found[2:]]
    if chance(rng, 0.95):
        found = list(dict.fromkeys(found))
    return [found[i] for i in rng.permutation(len(found))] if chance(rng, 0.2) else found


def number(name, head, k, rng):
    """The cell of a column of that name."""
    if name in LABELS or name in ("ids", "id", "correct", "prediction", "val_index"):
        return str(int(rng.integers(0, 2)))
    if name.startswith("prob"):  # so that rows sum to 1
        return f"{1 / sum(one.startswith('prob') for one in head):.8f}"
    if name.startswith("log_prob"):
        return f"{-math.log(sum(one.startswith('log_prob') for one in head)):.8f}"
    return f"{rng.random() if name == 'confidence' else rng.normal():.4f}"


def csv_text(rng, separator):
    """Lines of cells, of which some are odd."""
    n, k = rows_and_classes(rng)
    head = [name for name in columns(rng) if name != "class_names" or rng.random() < 0.1]
    lines = [separator.join(f'"{one}"' if separator in one or "\n" in one else one for one in head)]
    odd = 0.02 if chance(rng, 0.6) else 0.0
    steady = {name: pick(rng, CELLS) for name in head if chance(rng, 0.1)}
    for _ in range(n):
        cells = [
            pick(rng, CELLS) if chance(rng, odd) else steady.get(name, number(name, head, k, rng)) for name in head
        ]
        if chance(rng, odd):
            cells = cells[: int(rng.integers(len(cells) + 1))] + ["1"] * int(rng.integers(3))
        lines.append(separator.join(f'"{one}"' if separator in one and one[:1] != '"' else one for one in cells))
    data = pick(rng, ("\n", "\n", "\r\n")).join(lines).encode() + pick(rng, (b"\n", b"", b"\n\n"))
    if chance(rng, 0.15):
        at = int(rng.integers(len(data) + 1))
        data = data[:at] + pick(rng, ODD_BYTES) + data[at:]
    return pick(rng, (b"", b"\xef\xbb\xbf", b"\xff\xfe")) + data if chance(rng, 0.1) else data


ODD_JSON = (
    None, True, [], [[]], {}, {"a": 1}, "", "x", "\ud800", "\U0001f600", 1e308, -0.0, 2**63, 2**64, 10**400, [1, "a"],
    [1, None], [True], [0.5, 0.5], [1e308, 2], "x" * 10**5, float("nan"), float("inf"), ["a", "b"], [[1, 2]], -1,
    [2**70, 1],
)  # fmt: skip
RAW_JSON = (
    "", " ", "null", "[]", "5", "{}", "{", '{"a":1,"a":2}', "[" * 5000, '{"logits":[1e999,0],"label":1}', "{'a':1}",
    '{"logits":[-1e500,0,0],"label":0}', '{"a":1}{"b":2}', '{"a":1}//', '{"\\ud800":1}', '{"a":' * 1000, "NaN",
    '{"a":1e-9999999999}', '{"label":' + "9" * 5000 + "}", '{"logits":[1,2,3],"label":0,}', "\ufeff{}",
)  # fmt: skip


def json_lines(rng):
    """An object on each line, of which some have other keys or values."""
    n, k = rows_and_classes(rng)
    keys = names(rng) if chance(rng, 0.6) else columns(rng)
    odd = 0.03 if chance(rng, 0.6) else 0.0
    steady = {key: pick(rng, ODD_JSON) for key in keys if chance(rng, 0.08)}
    lines = []
    for _ in range(n):
        row = {}
        for key in keys:
            if key in ("logits", "probs", "log_probs", "softmax", "scores", "features") or key.endswith("_logits"):
                value = rng.normal(size=k).round(3).tolist() if key != "probs" else [1 / k] * k
            elif key == "class_names":
                value = [str(i) for i in range(k)]
            else:
                cell = number(key, keys, k, rng)
                value = int(cell) if cell.isdigit() else float(cell)
            row[key] = pick(rng, ODD_JSON) if chance(rng, odd) else steady.get(key, value)
        if chance(rng, odd):
            row[pick(rng, STRANGE)] = pick(rng, ODD_JSON)
        lines.append(json.dumps(row) if chance(rng, 1 - odd) else pick(rng, RAW_JSON))
    data = pick(rng, ("\n", "\r\n")).join(lines).encode("utf-8", "surrogatepass") + pick(rng, (b"\n", b"", b"\n\n"))
    if chance(rng, 0.1):
        at = int(rng.integers(len(data) + 1))
        data = data[:at] + pick(rng, ODD_BYTES) + data[at:]
    return data


def json_document(rng):
    """Rows in an array, or columns, splits or rows by name in an object."""
    lines = [line for line in json_lines(rng).splitlines() if line.strip()]
    if rng.random() < 0.3:
        return pick(rng, (b"", b" ", b"\n")).join((b"[", b",".join(lines), b"]"))
    n, k = rows_and_classes(rng)
    found = {}
    for key in names(rng):
        array = values_of(key, n, k, rng)
        values = (
            array.tolist()
            if array.dtype.kind in "biufU" and array.size < 10**5
            else [pick(rng, ODD_JSON) for _ in range(n)]
        )
        if chance(rng, 0.1):
            values = [*values[:-1], pick(rng, ODD_JSON)] if isinstance(values, list) else pick(rng, ODD_JSON)
        if chance(rng, 0.1) and isinstance(values, list):
            values = {pick(rng, (str(i), f"row {i}")) if chance(rng, 0.1) else str(i): v for i, v in enumerate(values)}
        found[key] = values
    if chance(rng, 0.1):
        found[pick(rng, STRANGE)] = pick(
            rng, (*ODD_JSON, dict(found), [dict(found)], [[dict(found)]], {"a": [dict(found)]})
        )
    if rng.random() < 0.2:
        found = {"val": found, "test": pick(rng, (found, [found], {}, 5))}
    text = json.dumps(found, indent=pick(rng, (None, 1)), default=str)
    if chance(rng, 0.05):
        text = pick(rng, RAW_JSON) + pick(rng, (text, text[:-1], text[: len(text) // 2]))
    return text.encode("utf-8", "surrogatepass")


def arrow_table(rng):
    """Columns of any type under the names of roles, and the number of rows."""
    n, k = rows_and_classes(rng)
    n = 40_000 if chance(rng, 0.01) else n
    arrays = {name: parquet_column(name, n, k, rng) for name in dict.fromkeys(columns(rng))}
    table = pa.table(arrays)
    if chance(rng, 0.05) and table.num_columns:
        table = table.append_column(table.schema.names[0], table.column(0))
    if chance(rng, 0.1):
        about = {
            b"pandas": b"[" * 1000,
            b"class_names": pick(rng, (b'["a","b"]', b"[", b"5")),
            b"ignore_index": b"\xff",
        }
        table = table.replace_schema_metadata(about)
    return table, n


def arrow_file(rng):
    """Such a table as an Arrow file or stream."""
    table, _ = arrow_table(rng)
    stream = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(
        compression=pick(rng, (None, "lz4", "zstd")), use_threads=False, emit_dictionary_deltas=True
    )
    write = pick(rng, (pa.ipc.new_file, pa.ipc.new_stream))
    with write(stream, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=pick(rng, (None, 1, 3, 1000)) if len(table) < 100 else None)
    data = bytearray(stream.getvalue())
    if chance(rng, 0.1):  # sizes and places in its messages
        data[int(rng.integers(len(data) // 8)) * 8] = pick(rng, (0, 1, 127, 255))
    return bytes(data)


def parquet_file(rng):
    """Such a table as a Parquet file."""
    table, n = arrow_table(rng)
    stream = io.BytesIO()
    keep = [i for i, field in enumerate(table.schema) if field.type != pa.struct({})]  # which Parquet lacks
    pq.write_table(
        table.select(keep),
        stream,
        row_group_size=pick(rng, (None, 1, 3, 1000)) if n < 100 else None,
        use_dictionary=chance(rng, 0.5),
        compression=pick(rng, ("none", "snappy", "zstd", "gzip", "brotli", "lz4")),
        version=pick(rng, ("1.0", "2.4", "2.6")),
        data_page_version=pick(rng, ("1.0", "2.0")),
        write_statistics=chance(rng, 0.5),
        write_page_checksum=chance(rng, 0.5),
        store_schema=chance(rng, 0.8),
    )
    return stream.getvalue()


def parquet_column(name, n, k, rng):
    """One column: numbers where the role needs them, or anything."""
    whole = name in LABELS or name in ("ids", "id", "correct", "prediction", "val_index", "test_index")
    if name in ("logits", "probs", "log_probs", "features", "scores") and chance(rng, 0.7):
        kind = pick(
            rng, (pa.list_(pa.float64(), k), pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.int8()))
        )
        values = [(rng.normal(size=k) * 3).round().astype(int).tolist() for _ in range(n)]
        if values and chance(rng, 0.2) and not pa.types.is_fixed_size_list(kind):
            values[-1] = pick(rng, ([], [1] * 1000, None, [None] * k, [1, 2, 3, 4, 5, 6, 7]))
        return pa.array(values, kind)
    if chance(rng, 0.75):
        values = [int(rng.integers(2)) if whole else float(number(name, [name] * 2, k, rng)) for _ in range(n)]
        return pa.array(values, pick(rng, (pa.int64(), pa.int8(), pa.uint64())) if whole else pa.float64())
    return odd_column(n, rng)


def odd_column(n, rng):
    """A column of any type, with nulls."""
    long = "x" * pick(rng, (1, 10, 10**5))
    kinds = {
        pa.string(): "ä", pa.large_string(): long, pa.string_view(): "v", pa.binary(): b"\xff\x00", pa.bool_(): True,
        pa.decimal128(20, 3): decimal.Decimal("1.500"), pa.decimal256(70, 3): decimal.Decimal(10) ** 60,
        pa.date32(): 5, pa.time64("ns"): 10**9 + 1, pa.timestamp("ns", "UTC"): 10**6, pa.duration("us"): -(2**60),
        pa.float16(): 1.5, pa.float32(): float("inf"), pa.float64(): float("nan"), pa.uint64(): 2**64 - 1,
        pa.null(): None,
        pa.list_(pa.string()): ["a"], pa.list_(pa.list_(pa.float64())): [[1.0]], pa.struct({"a": pa.int8()}): {"a": 1},
        pa.map_(pa.string(), pa.int8()): [("a", 1)], pa.dictionary(pa.int8(), pa.string()): "d", pa.binary(2): b"ab",
        pa.dictionary(pa.int32(), pa.float64()): 1.5, pa.list_(pa.float64(), 0): [], pa.list_(pa.bool_()): [True],
        pa.timestamp("s"): -(2**40), pa.list_(pa.float32(), 3): [1.0, 2.0, 3.0], pa.struct({}): {},
    }  # fmt: skip
    kind = pick(rng, list(kinds))
    value = kinds[kind]
    nulls = chance(rng, 0.3)
    try:
        return pa.array([None if nulls and chance(rng, 0.3) else value for _ in range(n)], kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([None] * n, kind)
