"""From the reading options of a command line to predictions."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from calibeval.cli.options import logs
from calibeval.cli.options import shared as options
from calibeval.cli.options.engine import EngineName
from calibeval.cli.options.positive import Positive
from calibeval.cli.options.roles import named_keys
from calibeval.core.errors import InputError
from calibeval.readers.meaning.named import OF_DUMPS, OF_FEATURES
from calibeval.readers.remote.told import listening, sentences
from calibeval.words.names import visible

if TYPE_CHECKING:
    from calibeval.core.data.far_rows import Engine
    from calibeval.readers.meaning.read_options import ReadOptions
    from calibeval.readers.stored.limits import Limits


@dataclass(frozen=True, slots=True)
class ReadingFlags:
    """The options that say how files are read; every command that reads dumps has them all."""

    kind: options.Kind = None
    key: options.Key = None
    logits_key: options.LogitsKey = None
    probs_key: options.ProbsKey = None
    labels_key: options.LabelsKey = None
    ids_key: options.IdsKey = None
    labels: options.Labels = None
    score_columns: options.ScoreColumns = None
    class_names: options.ClassNames = None
    positive: Positive = None
    labels_are: options.LabelsAre = None
    ignore_index: options.IgnoreIndex = None
    renormalize: options.Renormalize = False
    drop_duplicates: options.DropDuplicates = False
    read_as: options.ReadAs = None
    decimal: options.Decimal = None
    normalize: logs.Normalize = None
    gold: logs.Gold = None
    missing_confidence: logs.Missing = None
    confidence_unit: logs.Unit = None
    confidence_means: logs.Means = None
    max_bytes: options.MaxBytes = None
    max_memory: options.MaxMemory = None
    no_crc: options.NoCrc = False

    @property
    def files(self) -> tuple[Path | None, ...]:
        """The files that are read in addition to the dumps."""
        return self.labels, self.class_names, self.gold

    def of_rows(self) -> dict[str, object]:
        """The options about rows, by their names; the others limit memory."""
        limits = ("max_bytes", "max_memory", "no_crc")
        every = (one.name for one in fields(self) if one.name not in limits and not one.name.startswith("_"))
        return {f"--{name.replace('_', '-')}": getattr(self, name) for name in every}

    def options(self) -> ReadOptions:
        """The options as the readers take them.

        Raises: UsageError for an unknown kind, role or format; FileProblem or InputError for the file of class names.
        """
        from calibeval.core.data.class_names import as_labels_are
        from calibeval.core.data.row_source import as_kind
        from calibeval.readers.load import as_decimal, as_suffix
        from calibeval.readers.logs.options import log_options
        from calibeval.readers.meaning.keys import Keys
        from calibeval.readers.meaning.read_options import ReadOptions
        from calibeval.readers.stored.place import place_of

        columns = () if self.score_columns is None else tuple(name.strip() for name in self.score_columns.split(","))
        short = {"logits": self.logits_key, "probs": self.probs_key, "labels": self.labels_key, "ids": self.ids_key}
        named, in_full = named_keys(self.key or (), short, OF_DUMPS)
        return ReadOptions(
            kind=None if self.kind is None else as_kind(self.kind),
            keys=Keys(**named, in_full=in_full),
            labels=None if self.labels is None else place_of(self.labels),
            score_columns=columns,
            class_names=_names(self.class_names),
            positive=self.positive,
            labels_are=as_labels_are(self.labels_are),
            ignore_index=self.ignore_index,
            renormalize=self.renormalize,
            drop_duplicates=self.drop_duplicates,
            read_as=as_suffix(self.read_as, "--read-as"),
            decimal=as_decimal(self.decimal, "--decimal"),
            logs=log_options(
                named,
                normalize=self.normalize,
                gold=self.gold,
                missing_confidence=self.missing_confidence,
                confidence_unit=self.confidence_unit,
                confidence_means=self.confidence_means,
            ),
            limits=replace(_limits(self), engine=self.running),
        )

    @property
    def running(self) -> Engine | None:
        """The engine whose workers read the scores, while the command runs; None: this process reads them."""
        return None


@dataclass(frozen=True, slots=True)
class EngineFlags(ReadingFlags):
    """The same, and who reads the rows, for the commands that measure or fit."""

    engine: EngineName = None
    _running: Any = None  # an Engine, for which no option stands

    @property
    def running(self) -> Engine | None:
        """The engine while the command runs."""
        running: Engine | None = self._running
        return running


@dataclass(frozen=True, slots=True)
class FeatureFlags:
    """The options that say how feature caches are read."""

    key: options.Key = None
    features_key: options.FeaturesKey = None
    labels_key: options.LabelsKey = None
    ids_key: options.IdsKey = None
    labels: options.Labels = None
    class_names: options.ClassNames = None
    labels_are: options.LabelsAre = None
    ignore_index: options.IgnoreIndex = None
    read_as: options.ReadAs = None
    decimal: options.Decimal = None
    max_bytes: options.MaxBytes = None
    max_memory: options.MaxMemory = None
    no_crc: options.NoCrc = False

    @property
    def files(self) -> tuple[Path | None, Path | None]:
        """The files that are read in addition to the features."""
        return self.labels, self.class_names

    def options(self) -> ReadOptions:
        """The options as the readers take them.

        Raises: UsageError for an unknown role or format; FileProblem or InputError for the file of class names.
        """
        from calibeval.core.data.class_names import as_labels_are
        from calibeval.readers.load import as_decimal, as_suffix
        from calibeval.readers.meaning.keys import Keys
        from calibeval.readers.meaning.read_options import ReadOptions
        from calibeval.readers.stored.place import place_of

        short = {"features": self.features_key, "labels": self.labels_key, "ids": self.ids_key}
        named, in_full = named_keys(self.key or (), short, OF_FEATURES)
        return ReadOptions(
            keys=Keys(**named, in_full=in_full),
            labels=None if self.labels is None else place_of(self.labels),
            class_names=_names(self.class_names),
            labels_are=as_labels_are(self.labels_are),
            ignore_index=self.ignore_index,
            read_as=as_suffix(self.read_as, "--read-as"),
            decimal=as_decimal(self.decimal, "--decimal"),
            limits=_limits(self),
        )


def with_reading_flags(command: Callable[..., int]) -> Callable[..., int]:
    """The command with an option for each field of ReadingFlags in place of its parameter `flags`."""
    return _with_flags(command, ReadingFlags)


def with_engine_flags(command: Callable[..., int]) -> Callable[..., int]:
    """The command with an option for each field of EngineFlags; the engine runs as long as the command does."""

    def run(flags: EngineFlags, **values: Any) -> int:
        from calibeval.engines.choice import opened_engine, read_here

        jobs = values["jobs"]
        with opened_engine(flags.engine, threads(jobs)) as engine:
            code = command(flags=replace(flags, _running=engine), **values)
        say([f"note: {one}" for one in read_here(engine)], quiet=values["quiet"])
        return code

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.signature(command, eval_str=True)  # type: ignore[attr-defined]  # of the command
    return _with_flags(run, EngineFlags)


def with_feature_flags(command: Callable[..., int]) -> Callable[..., int]:
    """The command with an option for each field of FeatureFlags in place of its parameter `flags`."""
    return _with_flags(command, FeatureFlags)


def _with_flags(command: Callable[..., int], kind: type[ReadingFlags | FeatureFlags]) -> Callable[..., int]:
    hints = get_type_hints(kind, include_extras=True)
    own = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        if parameter.name != "flags":
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        parameters += [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
            for f in fields(kind)
            if not f.name.startswith("_")
        ]

    def run(**values: Any) -> int:
        flags = kind(**{f.name: values.pop(f.name) for f in fields(kind) if not f.name.startswith("_")})
        with listening() as heard:
            code = command(flags=flags, **values)
        say([f"note: {one}" for one in sentences(heard)], quiet=values.get("quiet", False))
        return code

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    return run


def refuse_overwriting(inputs: Sequence[str | Path | None], outputs: Sequence[Path]) -> None:
    """Refuse outputs that must not be written: see `check_outputs`. Raises: UsageError."""
    from calibeval.api.outputs import check_outputs

    check_outputs(outputs, inputs)


def threads(jobs: int | None) -> int:
    """The chosen number of threads, or one for each processor that this process may use."""
    from calibeval.core.sums.threads import processors

    return processors() if jobs is None else jobs


def say(lines: Sequence[str], *, quiet: bool) -> None:
    """Write lines to standard error: warnings, and the names of written files."""
    if not quiet and sys.stderr is not None:
        with contextlib.suppress(OSError):  # a closed standard error is not a reason to fail
            for line in lines:
                sys.stderr.write(f"{visible(line)}\n")
            sys.stderr.flush()


def _limits(flags: ReadingFlags | FeatureFlags) -> Limits:
    from calibeval.readers.stored.limits import Limits, quarter_of_memory

    max_memory = quarter_of_memory() if flags.max_memory is None else flags.max_memory
    return Limits(flags.max_bytes, max_memory, checksums=not flags.no_crc)


def _names(path: Path | None) -> tuple[str, ...] | None:
    """The class names in a file: one per line or, in .json, a list, or an object by the number of the class."""
    if path is None:
        return None
    from calibeval.readers.small_files import names_in_json, read_small
    from calibeval.readers.stored.place import place_of

    place = place_of(path)
    if path.suffix.lower() == ".json":
        return names_in_json(read_small(place), place)

    try:
        text = read_small(place).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: class names must be UTF-8 text with one name per line") from None
    names = tuple(line.strip() for line in text.strip().splitlines())
    if not all(names):
        raise InputError(f"{path}: line {names.index('') + 1} is blank, but every class needs a name")
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise InputError(f'{path}: two classes are called "{twice}"')
    if not names:
        raise InputError(f"{path}: holds no class names")
    return names
