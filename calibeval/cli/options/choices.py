"""Names from tables that need numpy or torch, repeated here because help texts must import neither.

`tests/cli/options/test_choices.py` compares every line with its table. Names from other tables are not repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from calibeval.core.errors import UsageError, nearest
from calibeval.render.ci.exports import OF_REPORTS

KINDS = ("logits", "probs", "log_probs", "confidence")  # of core.data.row_source
LABELS_ARE = ("names", "positions")  # of core.data.class_names
METRICS = (  # of core.metrics.table
    "accuracy",
    "confidence_gap",
    "ece",
    "mce",
    "mce_all_bins",
    "aece",
    "cwce",
    "oe",
    "rmsce",
    "nll",
    "brier",
    "temperature",
    "gap_positive",
    "ece_positive",
    "brier_positive",
    "cox_slope",
    "cox_intercept",
)
REQUESTED = (  # of core.metrics.requested
    "ecce",
    "ks",
    "spiegelhalter",
    "mcb",
    "dsc",
    "unc",
    "ici",
    "e50",
    "e90",
    "emax",
    "smece",
    "mcb_log",
    "dsc_log",
    "unc_log",
    "citl",
    "rmsce_debiased",
    "ece_top2",
    "ece_rank2",
    "cwce_adaptive",
    "tace",
    "tace_kept",
    "auroc",
    "aurc",
    "eaurc",
    "augrc",
    "coverage@error=0.01",
    "coverage@error=0.05",
    "phi_nll",
    "phi_brier",
)
EVERY_METRIC = "all"
FORMATS = (  # of readers.load, without the dot
    "npz",
    "npy",
    "pt",
    "pth",
    "csv",
    "csv.gz",
    "tsv",
    "tsv.gz",
    "parquet",
    "feather",
    "arrow",
    "ipc",
    "h5",
    "hdf5",
    "safetensors",
    "jsonl",
    "jsonl.gz",
    "ndjson",
    "ndjson.gz",
    "json",
    "json.gz",
    "txt",
    "lm-eval",
    "judged",
    "decisions",
    "eval",
)
LEVEL = 0.95  # of core.report.settings
# Of recalibrate.fitting.methods, and the one where none is given.
METHODS = (
    "none",
    "temperature",
    "ets",
    "platt",
    "beta",
    "quadratic",
    "spline",
    "vector",
    "svs",
    "sms",
    "isotonic",
    "top-temperature",
    "top-platt",
    "top-beta",
    "top-spline",
    "top-isotonic",
)
DEFAULT_METHOD = "temperature"
OBJECTIVES = ("nll", "ece", "accuracy")  # of recalibrate.temperature.objectives
# Of losses.table.
LOSSES = (
    "ce",
    "ls",
    "ecp",
    "focal",
    "flsd",
    "dual_focal",
    "brier",
    "mbls",
    "acls",
    "mdca",
    "mbls_dice",
    "cals",
    "cals_hr",
)
TABLE_FORMATS = ("md", "csv", "latex")  # of render.tables.losses, and of reports and comparisons
RISK = "risk"  # the risk-coverage curve, as a figure
PICTURES, IMAGES = "pictures", "images"  # pictures of single images; gaps of regions and the ECE of single images
TABLE_EXPORTS = ("markdown", "csv", "latex")  # of the same tables, into files
REPORT_EXPORTS = (*TABLE_EXPORTS, *OF_REPORTS, RISK, IMAGES, PICTURES)
SOME_EXPORTS = "markdown, csv, latex, cases, images or another KIND"  # those of reports take more than a line
PRESETS = ("recommended", "strict")  # of core.gating.presets
ON_INCONCLUSIVE = ("fail", "warn", "pass")  # of core.gating.rules
CELLS = ("worst", "mean")  # of core.gating.rules
DECIDE = ("interval", "point")  # of core.gating.rules


def either(names: Iterable[str], usual: str | None = None) -> str:
    """The names as a choice in a sentence, with the usual one marked.

    >>> either(["nll", "ece", "accuracy"]), either(["nll", "ece"], "nll")
    ('nll, ece or accuracy', 'nll (default) or ece')
    """
    *others, last = (f"{name} (default)" if name == usual else name for name in names)
    return f"{', '.join(others)} or {last}" if others else last


def check_choices(asked: Mapping[str, tuple[str | None, Collection[str]]]) -> None:
    """Check options that were given, each with the values that it can have. Raises: as `check_choice`."""
    for flag, (value, known) in asked.items():
        if value is not None:
            check_choice(flag, value, known)


def check_choice(flag: str, value: str, known: Iterable[str]) -> None:
    """Refuse a value that is not among the known ones.

    Raises: UsageError with the nearest name.
    """
    names = (*known,)
    if value not in names:
        raise UsageError(f'{flag} "{value}" is unknown{nearest(value, names)}; there are {", ".join(names)}')


def table_format(text: str | None, known: Iterable[str]) -> str | None:
    """The format of a table to print; None: none was asked for.

    Raises: UsageError with the nearest name.

    >>> table_format("markdown", TABLE_FORMATS)
    'md'
    """
    if text == "json":
        raise UsageError('--format "json": use --json')
    if text is None:
        return None
    name = "md" if text == "markdown" else text
    check_choice("--format", name, known)
    return name


def exclude(given: Mapping[str, object]) -> None:
    """Refuse more than one of these options; None stands for an option that was not given.

    Raises: UsageError.
    """
    flags = [flag for flag, value in given.items() if value is not None]
    if len(flags) > 1:
        raise UsageError(f"{' and '.join(flags)} exclude each other")


def needed(given: Mapping[str, object], what: str, *, there: bool) -> None:
    """Refuse options that change nothing because what they belong to is not there; None stands for one not given.

    Raises: UsageError.

    >>> needed({"--method": None, "--seed": 1}, "--fit-on", there=True)
    """
    for flag, value in given.items():
        if value is not None and not there:
            raise UsageError(f"{flag} belongs to {what}")


def pairs(flag: str, texts: Iterable[str], known: Iterable[str], what: str) -> dict[str, str]:
    """The values of a repeated option NAME=VALUE, by name. what: its form, such as KIND=FILE.

    Raises: UsageError for text of another form, an unknown name (with the nearest), and two values of one name.

    >>> pairs("--export", ["junit=gate.xml"], ["junit", "markdown"], "KIND=FILE")
    {'junit': 'gate.xml'}
    """
    names, found = (*known,), dict[str, str]()
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (sign and name and value):
            raise UsageError(f'{flag} "{text}" must be {what}, such as {names[0]}={what.partition("=")[2]}')
        check_choice(flag, name, names)
        if found.get(name, value) != value:
            raise UsageError(f"{flag} {name} is given twice, as {found[name]} and as {value}")
        found[name] = value
    return found
