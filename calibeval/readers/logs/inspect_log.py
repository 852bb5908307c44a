"""Logs of inspect (`.eval`): one document a sample and epoch, with the scores of one or several scorers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.readers.formats.json_values import Unfit, named
from calibeval.readers.logs.answer import Answer
from calibeval.readers.logs.answers import HALF, Log
from calibeval.readers.logs.confidence import with_confidence
from calibeval.readers.logs.eval_zip import MOST_MEMBERS, open_eval
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.logs.values import as_name
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

WHAT = "inspect samples"
LETTERS = {"C": 1.0, "I": 0.0, "N": 0.0, "P": HALF}
CONFIDENCE = "confidence"
UNSCORED, PARTIAL = "unscored", "partially right, counted as half right and half wrong"
FAILED = "whose sample ended in an error"
ABSENT = "whose sample is not in the log"
ENDED = "success"


def read_evals(files: Sequence[SteadyFile], options: LogOptions, limits: Limits) -> Log:
    """The samples of all files that one scorer judged, with the confidence in the metadata of the score.

    Raises: InputError for several scorers until one is named, and for values that do not say right or wrong.
    """
    log = Log(WHAT, "confidence", by="task")
    rows: list[tuple[Answer, Any]] = []
    scorers: dict[str, None] = {}
    key, known = options.confidence or CONFIDENCE, dict[str, None]()
    found: list[tuple[str, str, dict[str, Any]]] = []
    for file in files:
        with open_eval(file, limits) as archive:
            header = archive.header()
            task = _task(header, file.name)
            _unfinished(log, header, len(archive.samples), task)
            for info in archive.samples:
                place = f"{file.name}: {info.filename[:120]}"
                sample = _in_short(archive.document(info), place, key, known)
                scorers.update(dict.fromkeys(sample["scores"]))
                found.append((task, place, sample))
    if not found:
        raise InputError(f"{files[0].name}: the log holds no samples")
    scorer = _scorer([*scorers], options, files[0].name)
    texts = {(task, sample["id"]) for task, _, sample in found if sample["text"]}
    for task, place, sample in found:
        score = sample["scores"].get(scorer)
        if score is None:
            log.count(FAILED if sample["error"] else UNSCORED, task)
            continue
        right = _right(score[0], place, scorer)
        if right is None:
            log.count(UNSCORED, task)
            continue
        own = sample["id"]
        if not sample["text"] and (task, own) in texts:
            own = f"{own} (number)"  # beside a text of the same digits, which is another sample
        document = f"{task}/{own}" if task else own
        answer = Answer(
            place, f"{document}/{sample['epoch']}", document, correct=right, columns={"task": task} if task else {}
        )
        if right == HALF:
            log.count(PARTIAL, task, measured=True)
        rows.append((answer, score[1]))
    log.how.append(f'scorer "{scorer}"')
    if rows and all(value is None for _, value in rows):
        names = ", ".join(list(known)[:8]) or "nothing"
        raise InputError(
            f'{files[0].name}: no score of "{scorer}" has a "{key}" in its metadata, which holds {names}; name the '
            "confidence with --key confidence=NAME"
        )
    log.how.append(f'confidence from "{key}" in the metadata of its scores')
    with_confidence(log, rows, options, files[0].name)
    return log


def _unfinished(log: Log, header: dict[str, Any], held: int, task: str) -> None:
    """Count the samples that the header tells of, and the archive does not hold. held: how many it does."""
    status = header.get("status", ENDED)
    if status != ENDED:
        log.how.append(f'the run ended with the status "{str(status)[:40]}"')
    results = header.get("results")
    expected = results.get("total_samples") if isinstance(results, dict) else None
    if not isinstance(expected, int):
        expected = _planned(header.get("eval"))
    for _ in range(min(expected, MOST_MEMBERS) - held):
        log.count(ABSENT, task)


def _planned(about: Any) -> int:
    """The number of samples that were to be run, each in every epoch; 0 if it is unknown."""
    data, settings = (about.get(key) if isinstance(about, dict) else None for key in ("dataset", "config"))
    ids = data.get("sample_ids") if isinstance(data, dict) else None
    epochs = settings.get("epochs") if isinstance(settings, dict) else None
    return len(ids) * (epochs if isinstance(epochs, int) else 1) if isinstance(ids, list) else 0


def _task(header: dict[str, Any], file: str) -> str:
    about = header.get("eval")
    found = about.get("task") if isinstance(about, dict) else None
    return as_name(found, f"{file}: the task in the header") if found else ""


def _in_short(sample: dict[str, Any], place: str, key: str, known: dict[str, None]) -> dict[str, Any]:
    """What is needed of a sample; the rest, its messages and events, is not kept. known: keys of metadata."""
    scores = sample.get("scores") or {}
    if not isinstance(scores, dict):
        raise InputError(f'{place}: "scores" must be an object by scorer')
    own = sample.get("metadata")
    kept: dict[str, tuple[Any, Any]] = {}
    for name, score in scores.items():
        if not isinstance(score, dict) or "value" not in score:
            raise InputError(f'{place}: the score of "{name[:80]}" has no value')
        metadata = score.get("metadata")
        known.update(dict.fromkeys(metadata if isinstance(metadata, dict) else ()))
        places = [one for one in (metadata, own) if isinstance(one, dict)]
        kept[name] = score["value"], next((one[key] for one in places if key in one), None)
    return {
        "id": as_name(sample.get("id"), f'{place}: "id"'),
        "text": isinstance(sample.get("id"), str),
        "epoch": sample.get("epoch", 1),
        "scores": kept,
        "error": bool(sample.get("error")),
    }


def _scorer(names: Sequence[str], options: LogOptions, file: str) -> str:
    if options.scorer is not None:
        if options.scorer not in names:
            raise UsageError(
                f"--key scorer={options.scorer}: there is no such scorer{nearest(options.scorer, names)}; there are "
                f"{', '.join(names[:8]) or 'none'}"
            )
        return options.scorer
    if not names:
        raise InputError(f"{file}: no sample has a score")
    if len(names) > 1:
        raise InputError(
            f"{file}: there are {len(names)} scorers, {', '.join(names[:8])}; say which one decides: "
            f"--key scorer={names[0]}"
        )
    return names[0]


def _right(value: Any, place: str, scorer: str) -> float | None:
    """1 for right, 0 for wrong, one half for partially right; None for no score.

    Raises: InputError for any other value.
    """
    if value is None or isinstance(value, Unfit):
        return None
    if isinstance(value, str) and value.strip().upper() in LETTERS:
        return LETTERS[value.strip().upper()]
    if isinstance(value, bool | int | float) and value in (0, 1):
        return float(value)
    shown = f"{value:g}" if isinstance(value, int | float) else named(value)
    raise InputError(
        f'{place}: the score of "{scorer[:80]}" is {shown}, but right (C, 1) or wrong (I, 0) is needed; name another '
        "scorer with --key scorer=NAME"
    )
