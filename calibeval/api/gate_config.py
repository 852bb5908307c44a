"""The rules of a gate from calibeval.toml or pyproject.toml, and from options, which override the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from calibeval.api.cases import as_layout
from calibeval.api.image_options import ImageOptions
from calibeval.core.conventions.table import OWN, find_convention
from calibeval.core.data.notices import Notice
from calibeval.core.data.positive import class_title, with_positive
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.shots import beside
from calibeval.core.data.toml import read_toml
from calibeval.core.errors import FileProblem, InputError, UsageError, nearest
from calibeval.core.evaluation.settings import as_background
from calibeval.core.gating.config import GateConfig, config_from_table, overlaid
from calibeval.core.gating.presets import PRESETS, about_top_label, few_rows, for_two_classes, left_out, preset_rules
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.report import Report
from calibeval.readers.cases.names import as_spacing
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.small_files import is_there, read_small
from calibeval.readers.stored.place import as_shown, is_remote, place_of

OWN_FILE, PROJECT_FILE = "calibeval.toml", "pyproject.toml"


class Found(NamedTuple):
    """A configuration, and its file, or None."""

    config: GateConfig
    path: Path | None


class Asked(NamedTuple):
    """The rules and settings from file, preset and options together.

    slices: columns, without those named in rules. group, weights: the columns of groups and of weights. origin: which
    rules are the file's, if others came with them. left_out: about rules of a preset that cannot be checked, and rules
    that limit something else than the report is about. preset: the name of the preset. positive: the positive class of
    two. class_names: of the classes, in their order. images: how they are read and counted.
    """

    rules: tuple[Rule, ...]
    settings: GateSettings
    baseline: str | None
    slices: tuple[str, ...]
    group: str | None
    weights: str | None
    origin: str
    left_out: tuple[Notice, ...]
    preset: str | None
    positive: str | None = None
    class_names: tuple[str, ...] | None = None
    images: ImageOptions = ImageOptions()

    def reading(self, options: ReadOptions) -> ReadOptions:
        """With the class names and the positive class of the file, where the options have none."""
        return replace(
            options,
            class_names=self.class_names if options.class_names is None else options.class_names,
            positive=self.positive,
        )

    def for_dump(self, dump: Predictions, base: Predictions | Report | None, convention: str) -> Asked:
        """With the rules of a preset that suit this dump: those on P(positive class) if there are two classes.

        Of two classes it is also noted which rules are not about P(positive class).

        They stay as they are where such metrics do not exist: under another convention, and with an earlier report.
        """
        lacking = isinstance(base, Report) and any("gap_positive" not in one.metrics for one in base.dumps)
        if dump.k != 2 or find_convention(convention).name != OWN or lacking:
            return self
        chosen = with_positive(dump, self.positive)
        rules = for_two_classes(self.preset, self.rules)
        notes = about_top_label(rules, class_title(chosen, chosen.positive))
        return self._replace(rules=rules, left_out=(*self.left_out, *notes))

    def told(self, n: float, verdict: Verdict) -> tuple[Notice, ...]:
        """What to say of a preset: rules that cannot be checked; and n rows that are far too few to decide all."""
        undecided = any(rule.verdict == "inconclusive" for rule in verdict.rules)
        return (*self.left_out, *(few_rows(self.preset, n) if undecided else ()))


def find_config(named: Path | None) -> Found:
    """The configuration in the named file, or else in calibeval.toml or pyproject.toml of the working folder.

    The path of a baseline in the file is relative to the file's folder.
    Raises: FileProblem if the file cannot be read; UsageError for anything in it that cannot work.
    """
    if named is not None and is_remote(named):
        raise FileProblem(
            f"{place_of(named)}: a configuration must be a file on this machine; what it names may be remote"
        )
    if named is not None:
        return _found(named, _table(named, needed=True))
    for path in (Path(OWN_FILE), Path(PROJECT_FILE)):
        if is_there(path):
            table = _table(path, needed=False)
            if table is not None:
                return _found(path, table)
    return Found(GateConfig(), None)


def combined(
    found: Found,
    *,
    rules: Sequence[Rule],
    settings: Mapping[str, Any],
    baseline: str | None,
    preset: str | None,
    slices: Sequence[str],
    group: str | None = None,
    positive: str | None = None,
    planned: bool = False,
    inside: bool = False,
) -> Asked:
    """The configuration of file and options together; None: not given.

    An option overrides the file: a preset that is asked for replaces rules of the file, as single rules replace both. A
    preset that the file names gives way to the file's own rules. planned: for a plan, in which a preset's rules on
    changes need no baseline. inside: whether the dump is of sums that hold a base.

    Raises: UsageError if there is no rule to check, or a setting cannot work.
    """
    config, preset_asked = found.config, preset is not None
    of_file_base = config.baseline if baseline is None else None
    against = baseline or config.baseline
    columns = tuple(dict.fromkeys((*slices, *config.slices)))
    name = preset or config.preset
    ready = (
        ()
        if name is None
        else preset_rules(name, with_baseline=planned or inside or against is not None, with_slices=bool(columns))
    )
    of_file, of_options = (config.rules, (*ready, *rules)) if preset_asked else ((*ready, *config.rules), (*rules,))
    asked = overlaid(of_file, of_options)
    if not asked:
        raise UsageError(
            f"there are no rules: write [[gate.rule]] tables into {OWN_FILE}, or say --max ece=0.03, or --preset NAME; "
            "--init writes a first configuration"
        )
    if all(rule.severity == "off" for rule in asked):
        raise UsageError("every rule is off, so there is nothing to check")
    given = {key: value for key, value in settings.items() if value is not None}
    return Asked(
        asked,
        GateSettings(**{**config.settings, **given}),
        against,
        columns,
        group or config.group,
        config.weights,
        "" if found.path is None else _origin(found.path, overlaid(of_file), overlaid(of_options), of_file_base),
        () if name is None else left_out(name, asked),
        name,
        config.positive if positive is None else positive,
        config.class_names,
        ImageOptions(config.layout, config.background, config.spacing),
    )


def _origin(path: Path, of_file: Sequence[Rule], of_options: Sequence[Rule], baseline: str | None = None) -> str:
    """Which rules come from the file, which of them options replace, and whether the baseline comes from it.

    Empty if the file has neither a baseline that counts, nor rules beside others.

    >>> _origin(Path("a.toml"), [Rule("ece", "max", 0.1), Rule("nll", "max", 1)], [Rule("ece", "max", 0.03)])
    "1 rule comes from a.toml and 1 from the command line, which replaces the file's max of ece"
    >>> _origin(Path("a.toml"), [Rule("ece", "max", 0.1)], [], "main.npz")
    'the baseline main.npz comes from a.toml'
    """
    base = [] if baseline is None else [f"the baseline {as_shown(baseline)} comes from {path}"]
    return "; ".join([*_both(path, of_file, of_options), *base])


def _both(path: Path, of_file: Sequence[Rule], of_options: Sequence[Rule]) -> list[str]:
    if not of_file or not of_options:
        return []
    theirs = {rule.place for rule in of_options}
    replaced = [_called(rule) for rule in of_file if rule.place in theirs]
    count = len(of_file) - len(replaced)
    text = f"{count or 'no'} rule{' comes' if count == 1 else 's come'} from {path} and {len(of_options)} from"
    text += " the command line"
    return [f"{text}, which replaces the file's {', '.join(replaced)}" if replaced else text]


def _called(rule: Rule) -> str:
    return f"{rule.kind} of {rule.metric}" + (f" in {rule.part}" if rule.part else "")


def _found(path: Path, table: Mapping[str, Any] | None) -> Found:
    config = config_from_table(table or {}, str(path))
    if config.preset is not None and config.preset not in PRESETS:
        hint, known = nearest(config.preset, PRESETS), ", ".join(PRESETS)
        raise UsageError(f'{path}: preset "{config.preset}" is unknown{hint}; presets are {known}')
    config = replace(config, slices=tuple(beside(word, str(path.parent)) for word in config.slices))
    try:
        _check_images(config)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if config.baseline is None:
        return Found(config, path)
    baseline = config.baseline
    if not is_remote(baseline):
        baseline = str(path.parent / baseline)
    return Found(replace(config, baseline=baseline), path)


def _check_images(config: GateConfig) -> None:
    """Check what a file says of images. Raises: UsageError."""
    as_layout(config.layout)
    as_spacing(config.spacing)
    as_background(config.background)


def _table(path: Path, *, needed: bool) -> Mapping[str, Any] | None:
    """The gate table of a file; None if pyproject.toml has none and needs none."""
    document = _document(path)
    if path.name == PROJECT_FILE:
        for key in ("tool", "calibeval"):
            document = document.get(key, {})
            if not isinstance(document, Mapping):
                raise UsageError(f'{path}: "{key}" must be a table')
        if "gate" not in document and needed:
            raise UsageError(f"{path}: there is no [tool.calibeval.gate]")
    for key in document:
        if key != "gate":
            raise UsageError(f'{path}: key "{key}" is unknown{nearest(key, ["gate"])}; the only table is "gate"')
    table = document.get("gate")
    if table is not None and not isinstance(table, Mapping):
        raise UsageError(f'{path}: "gate" must be a table')
    return table


def _document(path: Path) -> Mapping[str, Any]:
    content = read_small(path)
    try:
        return read_toml(content)
    except InputError as error:
        raise UsageError(f"{path}: {error}") from None
