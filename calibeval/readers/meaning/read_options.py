"""What the user says about a file that is read, in the form that readers take."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from calibeval.core.data.class_names import LabelsAre
from calibeval.core.data.row_source import Kind
from calibeval.core.errors import UsageError
from calibeval.readers.logs.answers import WEIGHT
from calibeval.readers.logs.options import OF_LOGS, LogOptions
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.stored import Contents


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about a file in addition to the names in it.

    kind: "logits", "probs", "log_probs" or "confidence", whatever the key is called. keys: arrays by role.
    labels: another file that holds the labels. labels_are: whether labels that could be both are the names of classes
    or their positions. score_columns: columns of a table that are the scores, in class order.
    class_names: names in class order. ignore_index: label of rows to leave out.
    renormalize: whether rows of probabilities are divided by their sums.
    read_as: the suffix of the format, such as ".npz", where the suffix of the dump does not say it.
    decimal: "," or ".", what stands before the decimals in text tables.
    drop_duplicates: whether rows are left out whose id an earlier one has, if they agree.
    need_labels: whether a file without labels is an error. k: the number of classes of images without labels.
    believed: whether what looks like the scores of the best classes is read as it is, in a file that calibeval just
    wrote.
    alone: whether a numbered name, such as a-00001-of-00004.npz, is that file and not the dump of which it is a shard.
    positive: of two classes, the one whose probability is reported; it names both classes where labels are two texts.
    logs: what is said of a log, such as the filter whose answers are read.
    spacing: of folders of cases, the size of a voxel along (z,) y and x; None: that in the headers of files.
    """

    kind: Kind | None = None
    keys: Keys = field(default_factory=Keys)
    labels: Place | None = None
    labels_are: LabelsAre | None = None
    score_columns: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    ignore_index: int | None = None
    renormalize: bool = False
    read_as: str | None = None
    decimal: str | None = None
    drop_duplicates: bool = False
    need_labels: bool = True
    k: int | None = None
    believed: bool = False
    positive: str | None = None
    alone: bool = False
    spacing: tuple[float, ...] | None = None
    logs: LogOptions = field(default_factory=LogOptions)
    limits: Limits = field(default_factory=Limits)


def for_logs(options: ReadOptions, contents: Contents, file: str) -> ReadOptions:
    """The options by which the arrays of a file are understood: those of a log have their own names.

    file: its name, for messages.
    Raises: UsageError for an option about logs where there is none.
    """
    if contents.log is not None:
        if options.labels is not None:
            raise UsageError(f"{file} is a log: its right answers are in it, or in the file that --gold names")
        roles = [one.name for one in fields(Keys) if one.name not in ("weights", "in_full", "confidence", *OF_LOGS)]
        odd = next((role for role in roles if getattr(options.keys, role) is not None), None)
        if odd is not None:
            raise UsageError(f"{file} is a log with keys of its own: it is read without {options.keys.said(odd)}")
        weights = options.keys.weights or (WEIGHT if WEIGHT in contents.arrays else None)
        return replace(options, keys=Keys(weights=weights), labels_are="positions")
    said = options.logs.said()
    if said is not None:
        raise UsageError(f"{said} is for logs of language models and decision services, but {file} is none")
    return options
