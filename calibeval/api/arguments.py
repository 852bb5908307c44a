"""What the arguments of the public functions can be, by their names; one name means the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from calibeval.api.save import read_map
from calibeval.core.data.arguments import (
    Check,
    by_name,
    class_names,
    column_names,
    number,
    one_class,
    path,
    refused,
    some_classes,
    text,
    texts,
    truth,
    watcher,
    whole,
)
from calibeval.core.data.labels import check_ignore_index
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.public import ARRAYS, ARRAYS_BY_NAME, PREDICTIONS_OF_ARRAYS
from calibeval.core.data.ranges import MOST_JOBS, MOST_ROWS, MOST_SEED
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.settings import check_level
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.heads.features import Features
from calibeval.core.report.report import Report
from calibeval.engines.choice import check_engine
from calibeval.readers.cases.names import as_spacing
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.cross_fit import CrossFitted
from calibeval.recalibrate.fitting.methods import AUTO, check_objective, method_spec
from calibeval.training.settings import RANGES


def listed(name: str, value: Any) -> Any:
    """A text with commas, or several texts."""
    return text(name, value) if isinstance(value, str) else texts(name, value)


def dump(name: str, value: Any, *, hint: str = PREDICTIONS_OF_ARRAYS) -> Any:
    """A path, or predictions; of what `cross_fit` returned, the predictions."""
    if isinstance(value, CrossFitted):
        return value.predictions
    if isinstance(value, Predictions):
        return value
    return _path(name, value, "a path or calibeval.Predictions", hint=f"; {hint}")


def dumps(name: str, value: Any) -> Any:
    """A path or predictions, a list of such, or such by their names."""
    by_keyword = ARRAYS_BY_NAME.format("evaluate")
    if isinstance(value, Mapping):
        if arrays := [key for key in value if key in ARRAYS]:
            raise UsageError(f'{name} is a dict with "{arrays[0]}"; {by_keyword}, or evaluate(**the_dict)')
        if not value:
            raise refused(name, value, "a dict of paths or calibeval.Predictions by their names")
        return {text(f"a name in {name}", key): dump(f'{name}["{key}"]', one) for key, one in value.items()}
    if not isinstance(value, list | tuple):
        return dump(name, value, hint=by_keyword)
    if not value:
        raise UsageError(f"the list of {name} is empty")
    return [dump(f"{name}[{i}]", one, hint=by_keyword) for i, one in enumerate(value)]


def base(name: str, value: Any) -> Any:
    """A path, predictions, or a report."""
    if isinstance(value, CrossFitted):
        return value.predictions
    if isinstance(value, Predictions | Report):
        return value
    return _path(name, value, "a path, calibeval.Predictions or calibeval.Report", hint=f"; {PREDICTIONS_OF_ARRAYS}")


def saved_map(name: str, value: Any) -> Map:
    """A map, read from its file if it is a path."""
    if isinstance(value, Map):
        return value
    return read_map(_path(name, value, "a path or calibeval.Map"))


def features(name: str, value: Any) -> Any:
    """A path, or features."""
    return value if isinstance(value, Features) else _path(name, value, "a path or calibeval.Features")


def rules(name: str, value: Any) -> Any:
    """Rules, one or several, or the path of a configuration."""
    if isinstance(value, Rule | Mapping):
        return value
    needed = "a rule, a list of rules, or the path of a configuration"
    if isinstance(value, str | PathLike):
        return _path(name, value, needed)
    if isinstance(value, bytes | bytearray) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) != 1:
        raise refused(name, value, needed)
    return list(value)


def settings(name: str, value: Any) -> GateSettings:
    """Settings of a gate."""
    if not isinstance(value, GateSettings):
        raise refused(name, value, "calibeval.GateSettings")
    return value


def method(name: str, value: Any) -> str:
    """A method of recalibration."""
    found = text(name, value)
    return found if found == AUTO else method_spec(found).name


def objective(name: str, value: Any) -> str:
    """What a temperature optimises."""
    found = text(name, value)
    check_objective(found)
    return found


def level(name: str, value: Any) -> Any:  # noqa: ARG001 - as every check
    """A level of intervals."""
    check_level(value)
    return value


def ignored_label(name: str, value: Any) -> int:  # noqa: ARG001 - as every check
    """A label of rows to leave out."""
    check_ignore_index(value)
    return int(value)


def clip(name: str, value: Any) -> float:
    """The least probability; 1/k, which it must be below, is 1/2 at most."""
    found: float = number()(name, value)
    if not 0 < found < 0.5:
        raise refused(name, value, "above 0 and below 1/k, as 1e-12 is")
    return found


def key(name: str, value: Any) -> dict[str, str]:
    """Names of arrays by their roles."""
    return {role: text(f'{name}["{role}"]', one) for role, one in by_name(name, value).items()}


def engine(name: str, value: Any) -> Any:
    """Who reads the rows: "local", "dask", "dask=ADDRESS", or a client of `distributed`."""
    if isinstance(value, str):
        check_engine(value)
        return value
    if hasattr(value, "submit") and hasattr(value, "nthreads"):
        return value
    raise refused(name, value, '"local", "dask", "dask=ADDRESS" or a client of `distributed`')


def voxel(name: str, value: Any) -> tuple[float, ...] | None:
    """The size of a voxel: "3,0.5,0.5" or numbers."""
    if not isinstance(value, str) and not hasattr(value, "__iter__"):
        raise refused(name, value, 'two or three numbers above 0, or a text such as "3,0.5,0.5"')
    return as_spacing(value)


def some_cases(name: str, value: Any) -> tuple[str, ...]:
    """Cases by their names or numbers; one may stand alone."""
    found = [value] if isinstance(value, str | int) else value
    if isinstance(found, list | tuple) and all(isinstance(one, str | int) and one is not True for one in found):
        return tuple(map(str, found))
    raise refused(name, value, "the name or the number of a case, or a list of such")


READING: dict[str, Check] = {
    "kind": text,
    "key": key,
    **dict.fromkeys(("logits_key", "probs_key", "labels_key", "ids_key", "features_key"), text),
    "labels": path,
    "score_columns": column_names,
    "class_names": class_names,
    "ignore_index": ignored_label,
    "renormalize": truth,
    "labels_are": text,
    "drop_duplicates": truth,
    "read_as": text,
    "decimal": text,
    **dict.fromkeys(("normalize", "missing_confidence", "confidence_unit", "confidence_means"), text),
    "gold": path,
    "max_bytes": whole(0),
    "max_memory": whole(0),
    "checksums": truth,
    "need_labels": truth,
}
SETTINGS: dict[str, Check] = {
    "metrics": listed,
    "bins": whole(),
    "convention": text,
    "level": level,
    "slices": texts,
    "positive": one_class,
    "classes": some_classes,
    "min_rows": whole(1, MOST_ROWS),
    "background": text,
    "layout": text,
    "spacing": voxel,
    "show": some_cases,
    "images": path,
    "method": method,
    "objective": objective,
    "clip": clip,
    "seed": whole(0, MOST_SEED),
    "jobs": whole(1, MOST_JOBS),
    "engine": engine,
    "progress": watcher,
    "allow_leak": truth,
}
ARGUMENTS = READING | SETTINGS
OF_GATES: dict[str, Check] = {
    **ARGUMENTS,
    "candidate": dump,
    "rules": rules,
    "baseline": base,
    "why": truth,
    "preset": text,
    "settings": settings,
    "decide": text,
    "on_inconclusive": text,
}
OF_TRAININGS: dict[str, Check] = {
    **ARGUMENTS,
    **dict.fromkeys(("train", "val", "test", "features"), features),
    **dict.fromkeys(("out", "head", "run"), path),
    **dict.fromkeys(("tune", "standardize", "amp", "resume", "overwrite"), truth),
    **dict.fromkeys(("temperature", "tune_on", "optimizer", "schedule", "device"), text),
    **{name: whole(*bounds) for name, bounds in RANGES.items()},
    **dict.fromkeys(("weight_decay", "clip_norm", "mixup"), number(0)),
    "losses": listed,
    "lr": number(0, above=True),
}


def _path(name: str, value: Any, needed: str, *, hint: str = "") -> str | PathLike[str]:
    if isinstance(value, str | PathLike):
        return path(name, value)
    error = refused(name, value, needed)
    raise UsageError(f"{error}{hint if isinstance(value, Sequence) or hasattr(value, 'shape') else ''}")
