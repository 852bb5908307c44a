"""The formats, and the arrays of a file in one of them."""

from __future__ import annotations

import errno
import importlib
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import replace

from calibeval.core.errors import FileProblem, InputError, UsageError, nearest
from calibeval.core.sums.threads import in_order
from calibeval.readers.remote.find import steady_file
from calibeval.readers.remote.of_shards import AT_ONCE, at_once
from calibeval.readers.remote.told import tell_opening
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.of_images import FOLDERS, is_image
from calibeval.readers.stored.place import Place, Url
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
# Logs, of which readers.logs knows more; they are recognised by their keys.
LOGS = (".lm-eval", ".judged", ".decisions", ".eval")
MAYBE_LOGS = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".txt", "")
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
    name, names = read_as.lower().lstrip("."), [suffix.lstrip(".") for suffix in (*FORMATS, *LOGS)]
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
    return max((suffix for suffix in (*FORMATS, ".eval") if name.endswith(suffix)), key=len, default="")


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
    if suffix in LOGS:
        raise InputError(f"{path.name}: this is a log of predictions, where another file is needed")
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
        if is_image(path.name):
            raise InputError(f"{path.name}: is an image: {FOLDERS}")
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


def load_shards(
    name: str, shards: Sequence[Place], limits: Limits, suffix: str, reading: tuple[str | None, str | None]
) -> tuple[list[SteadyFile], list[Contents]]:
    """The files and the arrays of shards. name: of all together. reading: read_as and decimal, as for `load`.

    Raises: as `steady_file` and `load`, about the first shard in their order that is at fault.
    """
    whole, each = needs_all(suffix), replace(limits, max_memory=limits.max_memory // len(shards))
    if at_once(shards) == 1:
        files = [steady_file(shard, limits, whole=whole) for shard in shards]
        return files, [load(file, each, *reading) for file in files]
    from calibeval.readers.remote.fetched import fetched
    from calibeval.readers.remote.store import Remote

    def open_one(work: tuple[Context, Remote]) -> tuple[SteadyFile, Contents | None]:
        return work[0].run(open_there, work[1])

    def open_there(remote: Remote) -> tuple[SteadyFile, Contents | None]:
        file = fetched(remote, limits, whole=whole)
        return file, None if file.near else load(file, each, *reading)

    remotes = [Remote(shard) for shard in shards if isinstance(shard, Url)]
    found: list[tuple[SteadyFile, Contents | None]] = []
    tell_opening(name, 0, len(shards))
    for one in in_order(open_one, [(copy_context(), remote) for remote in remotes], AT_ONCE):
        found.append(one)
        tell_opening(name, len(found), len(shards))
    return [file for file, _ in found], [
        load(file, each, *reading) if content is None else content for file, content in found
    ]
