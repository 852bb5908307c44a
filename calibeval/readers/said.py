"""The options for reading, as keywords say them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

from calibeval.core.data.arguments import truth
from calibeval.core.data.class_names import LabelsAre, as_labels_are
from calibeval.core.data.far_rows import Engine
from calibeval.core.data.row_source import as_kind
from calibeval.readers.load import as_decimal, as_suffix
from calibeval.readers.logs.options import log_options
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.named import OF_DUMPS, named_roles
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.limits import Limits, quarter_of_memory
from calibeval.readers.stored.place import place_of


def options_of(
    *,
    kind: str | None = None,
    key: Mapping[str, str] | None = None,
    logits_key: str | None = None,
    probs_key: str | None = None,
    labels_key: str | None = None,
    ids_key: str | None = None,
    labels: str | PathLike[str] | None = None,
    score_columns: Sequence[str] = (),
    class_names: Sequence[str] | None = None,
    positive: str | int | None = None,
    labels_are: LabelsAre | None = None,
    ignore_index: int | None = None,
    renormalize: bool = False,
    drop_duplicates: bool = False,
    read_as: str | None = None,
    decimal: str | None = None,
    normalize: str | None = None,
    gold: str | PathLike[str] | None = None,
    missing_confidence: str | None = None,
    confidence_unit: str | None = None,
    confidence_means: str | None = None,
    max_bytes: int | None = None,
    max_memory: int | None = None,
    checksums: bool = True,
    engine: Engine | None = None,
) -> ReadOptions:
    """The options of `read` in the form that readers take.

    Raises: UsageError for an unknown kind, role or format.
    """
    short = {"logits": logits_key, "probs": probs_key, "labels": labels_key, "ids": ids_key}
    return ReadOptions(
        kind=None if kind is None else as_kind(kind),
        keys=Keys(in_full=frozenset(key or ()), **named_roles(key or {}, short, OF_DUMPS)),
        labels=None if labels is None else place_of(labels),
        score_columns=tuple(score_columns),
        class_names=None if class_names is None else tuple(class_names),
        positive=None if positive is None else str(positive),
        labels_are=as_labels_are(labels_are),
        ignore_index=ignore_index,
        renormalize=renormalize,
        drop_duplicates=truth("drop_duplicates", drop_duplicates),
        read_as=as_suffix(read_as),
        decimal=as_decimal(decimal),
        logs=log_options(
            key or {},
            normalize=normalize,
            gold=gold,
            missing_confidence=missing_confidence,
            confidence_unit=confidence_unit,
            confidence_means=confidence_means,
        ),
        limits=Limits(max_bytes, quarter_of_memory() if max_memory is None else max_memory, checksums, engine),
    )
