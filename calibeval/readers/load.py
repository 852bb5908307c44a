"""The formats, and the arrays of a file in one of them."""

from __future__ import annotations

import errno
import importlib
from collections.abc import Callable

from calibeval.core.errors import FileProblem, InputError, UsageError, nearest
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents

FORMATS: dict[str, tuple[str, str]] = {
    ".npz": ("npz", "read_npz"),
    ".npy": ("npz", "read_npy"),
    ".pt": ("pt", "read_pt"),
    ".pth": ("pt", "read_pt"),
    ".csv": ("csv", "read_csv"),
    ".csv.gz": ("csv", "read_csv"),
    ".tsv": ("csv", "read_tsv"),
    ".tsv.gz": ("csv", "read_tsv"),
    ".parquet": ("parquet", "read_parquet"),
    ".feather": ("arrow", "read_arrow"),
    ".arrow": ("arrow", "read_arrow"),
    ".ipc": ("arrow", "read_arrow"),
    ".h5": ("h5", "read_h5"),
    ".hdf5": ("h5", "read_h5"),
    ".safetensors": ("safetensors", "read_safetensors"),
    ".jsonl": ("jsonl", "read_jsonl"),
    ".jsonl.gz": ("jsonl", "read_jsonl"),
    ".ndjson": ("jsonl", "read_jsonl"),
    ".ndjson.gz": ("jsonl", "read_jsonl"),
    ".json": ("json", "read_json"),
    ".json.gz": ("json", "read_json"),
    ".txt": ("txt", "read_txt"),
}
OF_TEXT = ("csv", "txt")  # the modules whose numbers may have decimal commas
IN_RANGES = ("npz", "pt", "safetensors", "parquet")  # the modules that read what they need; others read every byte
DECIMALS = (",", ".")
PICKLES = (".pkl", ".pickle", ".p", ".joblib", ".dill")
OTHERS = {  # formats that are not read, and what to do
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".xz", ".bz2", ".zst"), "Unpack the file first"),
    **dict.fromkeys((".xls", ".xlsx", ".ods"), "Save the table as CSV UTF-8"),
}


def as_suffix(read_as: str | None, said: str = "read_as") -> str | None:
    """The suffix of a format that the user named, with or without its dot, in any case. said: how, for the message.

    Raises: UsageError for an unknown format, with the nearest name.

    >>> as_suffix("csv"), as_suffix(".NPZ"), as_suffix(None)
    ('.csv', '.npz', None)
    """
    if read_as is None:
        return None
    name, names = read_as.lower().lstrip("."), [suffix.lstrip(".") for suffix in FORMATS]
    if name not in names:
        raise UsageError(f'{said} "{read_as}" is unknown{nearest(name, names)}; formats are {", ".join(names)}')
    return f".{name}"


def needs_all(suffix: str) -> bool:
    """Whether the format of a suffix is read from beginning to end.

    >>> needs_all(".csv"), needs_all(".npz"), needs_all("")
    (True, False, False)
    """
    return suffix in FORMATS and FORMATS[suffix][0] not in IN_RANGES


def suffix_of(path: Place) -> str:
    """The suffix that says the format, such as .npz, or .csv.gz for a compressed file; "" if it is unknown.

    >>> from pathlib import Path
    >>> suffix_of(Path("a.b.CSV.gz")), suffix_of(Path("a.b.npz")), suffix_of(Path("a.log"))
    ('.csv.gz', '.npz', '')
    """
    name = path.name.lower()
    return max((suffix for suffix in FORMATS if name.endswith(suffix)), key=len, default="")


def as_decimal(decimal: str | None, said: str = "decimal") -> str | None:
    """What stands before the decimals of numbers in text, as the user named it. said: how, for the message.

    Raises: UsageError for anything but a comma or a point.

    >>> as_decimal(","), as_decimal(None)
    (',', None)
    """
    if decimal not in (None, *DECIMALS):
        raise UsageError(f'{said} must be "," or ".", but it is "{decimal}"')
    return decimal


def load(file: SteadyFile, limits: Limits, read_as: str | None = None, decimal: str | None = None) -> Contents:
    """The arrays of a file, read by its suffix or by another one: see ReadOptions.read_as and its `decimal`.

    Raises: InputError for an unknown suffix or content that cannot be used; FileProblem if the file cannot be read.
    """
    path = file.path
    suffix = read_as or suffix_of(path)
    if not suffix:
        known, own = ", ".join(FORMATS), path.suffix.lower()
        if own in PICKLES:
            raise InputError(
                f"{path.name}: a pickle can run any code, so it is never opened. If you trust it, load it yourself and "
                'save its arrays: np.savez("dump.npz", logits=..., labels=...)'
            )
        if own == ".sums":
            hint = "`calibeval report part*.sums`, `compare`, `gate` and calibeval.Accumulator.load read them"
            raise InputError(f"{path.name}: saved sums hold no rows, which are needed here; {hint}")
        about = f". {OTHERS[own]}" if own in OTHERS else nearest(own, FORMATS)
        raise InputError(f'{path.name}: the suffix "{own}" is unknown{about}; formats are {known} (see --read-as)')
    if file.size == 0:
        raise InputError(f"{path.name}: the file is empty")
    module, function = FORMATS[suffix]
    reader: Callable[..., Contents] = getattr(importlib.import_module(f"calibeval.readers.formats.{module}"), function)
    try:
        return reader(file, limits, decimal) if module in OF_TEXT else reader(file, limits)
    except FileProblem:
        raise
    except OSError as error:
        if error.errno == errno.EINVAL:  # a damaged file made its reader seek to a negative position
            raise InputError(f"{path.name}: damaged: its parts lie outside the file") from None
        raise FileProblem(f"{path}: cannot be read ({error.strerror or error})") from None
