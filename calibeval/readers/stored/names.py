"""The usual names of the arrays and columns that calibeval reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from calibeval.core.data.row_source import Kind
from calibeval.readers.stored.stored import Stored

SCORE_KEYS: dict[Kind, tuple[str, ...]] = {
    "logits": ("logits", "logit", "scores", "outputs"),
    "probs": ("probs", "prob", "probabilities", "proba", "softmax", "y_prob"),
    "log_probs": ("log_probs", "logprobs", "log_probabilities"),
    "confidence": ("confidence", "confidences"),
}
LABEL_KEYS = ("labels", "label", "targets", "target", "y", "y_true", "gt", "label_ids", "ground_truth")
CORRECT_KEYS = ("correct",)
PREDICTION_KEYS = ("prediction", "predicted")
ID_KEYS = ("ids", "id", "sample_id", "filename")
# Columns in which data frames keep their index: of pandas and R in text, read back, reset, in parquet.
INDEX_KEYS = ("", "unnamed: 0", "index", "__index_level_0__")
# If there is also an array called ids or id, that array holds the ids.
LESSER_ID = "filename"
BY_SCORE = "listed by score"  # the origin of class names that each row has in another order
NAME_KEYS = ("class_names", "classes")
IGNORE_KEYS = ("ignore_label", "ignore_index")
FEATURE_KEYS = ("features", "feats", "embeddings", "x")
# The kind of the array "predictions", by another array in the file: HF Trainer writes logits, netcal probabilities.
PREDICTIONS_BESIDE: dict[str, Kind] = {"label_ids": "logits", "ground_truth": "probs"}
# One probability per row, P(class 1), and its label, as in {"p": 0.83, "y": 1}.
PAIR = ("p", "y")
# What is measured, or trained on: a prefix that it shares with labels is a split.
MEASURED_KEYS = (*(name for names in SCORE_KEYS.values() for name in names), *FEATURE_KEYS, "predictions", PAIR[0])
# Other names that labels often have: they are proposed, never taken.
TRUTHS = (
    "truth", "true", "actual", "gold", "expected", "observed", "obs", "class", "y_test", "y_val", "mask", "masks",
)  # fmt: skip
PREDICTED = ("pred", "guess", "model", "output", "y_pred", "y_hat", "yhat")  # how names of predicted labels begin
OBJECTS = ("object", "list of", "Python objects", "struct<", "map<", "list<")  # what no score is
INDEX = re.compile(r"^(.+)_index$")
# Columns of a table that together are one array: logit_0, logit_1, ... or prob_cat, prob_dog, ...
COLUMN_STEMS = {"logit": "logits", "prob": "probs", "proba": "probs", "log_prob": "log_probs"}
COLUMN = re.compile(r"^(log_prob|logit|proba|prob)_(.+)\Z", re.DOTALL)
# What is computed of a row's scores is no class, where the classes are numbers: logit_max beside logit_0, logit_1.
COMPUTED = {
    "argmax", "average", "avg", "best", "bias", "correct", "diff", "energy", "entropy", "gap", "gt", "label",
    "logsumexp", "lse", "margin", "max", "mean", "median", "min", "norm", "pred", "predicted", "prediction",
    "range", "scale", "second", "std", "sum", "target", "temp", "temperature", "threshold", "top", "top1",
    "total", "true", "uncertainty", "var", "variance",
}  # fmt: skip


def prefixes(arrays: Mapping[str, Stored]) -> list[str]:
    """Prefixes of the splits in a file, such as val for val_labels, if scores or features have the same prefix.

    true_label and pred_label by themselves are columns.
    """
    labelled = dict.fromkeys(_before(key, LABEL_KEYS) for key, stored in arrays.items() if stored.shape)
    return [prefix for prefix in labelled if prefix in measured(arrays)]


def measured(arrays: Mapping[str, Stored]) -> set[str]:
    """Prefixes of scores or features, such as val for val_logits."""
    return {_before(key, MEASURED_KEYS) for key in arrays} - {""}


def score_candidates(arrays: Mapping[str, Stored]) -> dict[Kind, list[str]]:
    """The arrays with a usual name for scores, by kind, without those that never are, if any others are there.

    Texts and objects are never scores: {"outputs": "The answer is B", "probs": [...]}.
    """
    usual = {name for names in SCORE_KEYS.values() for name in names}
    named = [key for key in arrays if key.lower() in usual]
    sound = [key for key in named if not _is_no_score(arrays[key])]
    return {kind: [key for key in sound or named if key.lower() in SCORE_KEYS[kind]] for kind in SCORE_KEYS}


def _is_no_score(stored: Stored) -> bool:
    """Whether an array holds texts or objects; one that is only broken in some row does not."""
    return stored.dtype.kind in "OUS" if stored.refusal is None else stored.refusal.startswith(OBJECTS)


def label_like(arrays: Mapping[str, Stored]) -> list[str]:
    """Names that end like those of labels, such as true_label, or say the same, such as truth.

    Those that sound like predictions come last.
    """
    alike = [key for key in arrays if _before(key, LABEL_KEYS)] or [key for key in arrays if key.lower() in TRUTHS]
    found = [key for key in alike if arrays[key].shape]
    return sorted(found, key=sounds_predicted)


def sounds_predicted(key: str) -> bool:
    """Whether an array of this name holds predictions rather than what is true.

    >>> sounds_predicted("predict"), sounds_predicted("label_pred"), sounds_predicted("true_label")
    (True, True, False)
    """
    return key.lower().startswith(PREDICTED) or key.lower().endswith(("_pred", "_hat", "_predicted", "_prediction"))


def _before(key: str, names: Iterable[str]) -> str:
    """What stands before an underscore and one of these names; empty where nothing does."""
    ending = max((f"_{name}" for name in names if key.lower().endswith(f"_{name}")), key=len, default="")
    return key[: -len(ending)] if ending else ""


def index_splits(arrays: Mapping[str, Stored]) -> list[str]:
    """Names of splits that are stored as arrays of row numbers, such as val for val_index.

    Not counted: an array as long as the labels, which numbers all rows, and an array with the prefix of a split.
    """
    under_prefix = tuple(f"{prefix}_" for prefix in prefixes(arrays))
    lengths = {stored.shape[0] for key, stored in arrays.items() if key.lower() in LABEL_KEYS and stored.shape}
    return [
        match[1]
        for key, stored in arrays.items()
        if (match := INDEX.match(key))
        and key.lower() not in IGNORE_KEYS
        and stored.dtype.kind in "iu"
        and len(stored.shape) == 1
        and stored.shape[0] not in lengths
        and not (under_prefix and key.startswith(under_prefix))
    ]


def index_column(arrays: Mapping[str, Stored]) -> str | None:
    """The column that is the index of a data frame, if there is one: beside others, such a name says nothing else."""
    found = [key for key, stored in arrays.items() if key.lower() in INDEX_KEYS and len(stored.shape) == 1]
    return found[0] if found and len(arrays) > 1 else None


def unnamed_scores(arrays: Mapping[str, Stored]) -> bool:
    """Whether an array without a name can be scores; a column of a table without one is the index of its rows."""
    return "" in arrays and (len(arrays) == 1 or len(arrays[""].shape) != 1)


def columns_in_words(columns: Sequence[str]) -> str:
    """The columns of a table that are one array.

    >>> columns_in_words(["prob_cat", "prob_dog"]), columns_in_words(["p0", "p1", "p2"]), columns_in_words(["p"])
    ('columns prob_cat and prob_dog', 'columns p0 to p2', 'column p')
    """
    if len(columns) == 1:
        return f"column {columns[0]}"
    return f"columns {columns[0]} {'and' if len(columns) == 2 else 'to'} {columns[-1]}"


def _called(key: str) -> str:
    return f'"{key}"' if key else "an array without a name"


def show(arrays: Mapping[str, Stored], only: Iterable[str] | None = None) -> str:
    """Keys with shapes, for messages; a long list is shortened."""
    keys = list(arrays if only is None else only)
    shown = [f"{_called(key)} {arrays[key].describe()}" for key in keys[:8]]
    return ", ".join(shown) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")
