"""What `--help` of each command shows: the usual options, and examples, which the tests run."""

from __future__ import annotations

from textwrap import wrap
from typing import NamedTuple

from calibeval.cli.options.choices import LOSSES, METHODS, METRICS, REQUESTED


class First(NamedTuple):
    """The options that `--help` shows, by their long names and in this order, and the examples below them.

    notes: what `--help-all` also says, above the examples.
    """

    options: tuple[str, ...]
    examples: str
    notes: tuple[str, ...] = ()


def _wrapped(title: str, text: str) -> str:
    return "\n".join(wrap(text, 78, initial_indent=f"{title}: ", subsequent_indent="  ", break_on_hyphens=False))


_SHORT = {"confidence_gap": "gap", "ece_positive": '"ECE P(pos)"', "mce_all_bins": ""}  # of core.metrics.table
_NAMES = (f"{name} (or {_SHORT[name]})" if _SHORT.get(name) else name for name in METRICS)
METRIC_NAMES = _wrapped(
    "Metrics", f"{', '.join(_NAMES)}; on request only, or with all: {', '.join(REQUESTED)}; in capitals or not"
)
METHOD_NAMES = _wrapped("Maps", f"{', '.join(METHODS)}, or auto, which chooses")
LOSS_NAMES = _wrapped("Losses", f"{', '.join(LOSSES)}; with parameters, as mbls(margin=6,alpha=0.1)")
EXIT_CODES = _wrapped(
    "Exit codes",
    "0 passed, 1 failed, 5 inconclusive, 2 wrong usage, 3 data that cannot be used or rules that cannot be evaluated, "
    "4 files that cannot be read or written",
)
CONFIGURED = _wrapped(
    "Rules", "--max, --preset and the like are added to those of the file, and replace its limits on the same metric"
)


REPORT = First(
    (
        "--out",
        "--json",
        "--full",
        "--format",
        "--figure",
        "--metrics",
        "--slice",
        "--group",
        "--convention",
        "--fit-on",
        "--map",
        "--cross-fit",
        "--method",
        "--kind",
        "--key",
        "--labels",
        "--score-columns",
        "--positive",
    ),
    """\b
Examples:
  $ calibeval report sample_data/diamonds.npz#test
  $ calibeval report sample_data/digits_val.npz sample_data/digits_test.csv
  $ calibeval report sample_data/diamonds.npz#test --slice color -o release
  $ calibeval report sample_data/digits_test.npz \\
      --fit-on sample_data/digits_val.npz
  $ calibeval report sample_data/digits_test.npz --cross-fit 5
  $ calibeval report sample_data/digits_test.npz --metrics ece,nll --json
  $ calibeval report sample_data/digits_test.npz --format latex
  $ calibeval report sample_data/digits_test.npz --figure fig.pdf --width 3.5
""",
    (METRIC_NAMES, METHOD_NAMES),
)

INSPECT = First(
    ("--json", "--kind", "--key", "--labels", "--score-columns", "--class-names", "--read-as"),
    """\b
Examples:
  $ calibeval inspect sample_data/diamonds.npz
  $ calibeval inspect sample_data/diamonds.npz#val --json
  $ calibeval inspect sample_data/digits_test.csv --kind logits
""",
)

CONVENTIONS = First(
    ("--bins", "--json", "--kind", "--key", "--labels", "--score-columns"),
    """\b
Examples:
  $ calibeval conventions sample_data/digits_test.npz
  $ calibeval conventions sample_data/digits_test.npz --bins 20 --json
""",
)

FIT = First(
    (
        "--out",
        "--json",
        "--method",
        "--objective",
        "--clip",
        "--seed",
        "--group",
        "--kind",
        "--key",
        "--labels",
        "--score-columns",
        "--positive",
    ),
    """\b
Examples:
  $ calibeval fit sample_data/diamonds.npz#val --out map.json
  $ calibeval fit sample_data/digits_val.npz --method auto
""",
    (METHOD_NAMES,),
)

APPLY = First(
    ("--out", "--json", "--kind", "--key", "--labels", "--score-columns", "--positive"),
    """\b
Examples:
  $ calibeval apply map.json sample_data/diamonds.npz#test --out repaired.npz
""",
)

SUMS = First(
    (
        "--out",
        "--json",
        "--base",
        "--exact",
        "--min-cell",
        "--bins",
        "--group",
        "--kind",
        "--key",
        "--labels",
        "--score-columns",
        "--positive",
    ),
    """\b
Examples:
  $ calibeval sums sample_data/digits_test.npz -o part-1.sums
  $ calibeval sums sample_data/digits_test.npz -o site.sums --min-cell 10
""",
    (METRIC_NAMES,),
)

COMPARE = First(
    (
        "--out",
        "--json",
        "--format",
        "--metrics",
        "--slice",
        "--group",
        "--level",
        "--kind",
        "--key",
        "--labels",
        "--score-columns",
        "--positive",
    ),
    """\b
Examples:
  $ calibeval compare sample_data/diamonds.npz#test repaired.npz
  $ calibeval compare sample_data/diamonds.npz#test repaired.npz \\
      --slice color --out comparison
  $ calibeval compare sample_data/digits_test.npz \\
      sample_data/digits_test.csv --metrics ece,nll --format md
""",
    (METRIC_NAMES,),
)

FINETUNE = First(
    (
        "--val",
        "--test",
        "--out",
        "--loss",
        "--head",
        "--tune",
        "--epochs",
        "--batch-size",
        "--lr",
        "--weight-decay",
        "--seed",
        "--seeds",
        "--device",
        "--resume",
        "--json",
        "--format",
        "--key",
    ),
    """\b
Examples:
  $ calibeval finetune sample_data/diamonds_features.npz#train \\
      --val sample_data/diamonds_features.npz#val -o run \\
      --loss 'ce,mbls(margin=6)' --epochs 3
  $ calibeval finetune sample_data/diamonds_features.npz#train \\
      --val sample_data/diamonds_features.npz#val -o tuned \\
      --loss ce,mbls --tune --trials 2 --epochs 2
  $ calibeval finetune sample_data/diamonds_features.npz#train \\
      --val sample_data/diamonds_features.npz#val -o continued \\
      --head sample_data/diamonds_features.npz#head --epochs 2
""",
    (LOSS_NAMES,),
)

PREDICT = First(
    ("--out", "--json", "--key", "--class-names", "--read-as"),
    """\b
Examples:
  $ calibeval predict run sample_data/diamonds_features.npz#test -o new.npz
""",
)

GATE = First(
    (
        "--max",
        "--min",
        "--max-increase",
        "--max-drop",
        "--baseline",
        "--config",
        "--preset",
        "--slice",
        "--group",
        "--on-inconclusive",
        "--init",
        "--plan",
        "--why",
        "--out",
        "--json",
        "--export",
        "--kind",
        "--key",
        "--positive",
    ),
    """\b
Examples:
  $ calibeval gate sample_data/diamonds.npz#test --max ece=.2 \\
      --min accuracy=0.7
  $ calibeval gate sample_data/digits_test.npz --max ece=0.08 \\
      --export junit=gate.xml --export markdown=gate.md
  $ calibeval gate sample_data/diamonds.npz#test --init --slice color
  $ calibeval gate sample_data/diamonds.npz#test --max ece=.2 --why
""",
    (CONFIGURED, METRIC_NAMES, EXIT_CODES),
)

SURVEY = First(
    (
        "--index",
        "--blocks",
        "--reference",
        "--rank",
        "--fit-on",
        "--method",
        "--out",
        "--json",
        "--full",
        "--rows",
        "--columns",
        "--metric",
        "--metrics",
        "--group",
        "--jobs",
        "--kind",
        "--key",
        "--labels",
        "--positive",
    ),
    """\b
Examples:
  $ calibeval survey 'sample_data/digits_{part}.npz'
  $ calibeval survey 'sample_data/digits_{part}.{format:npz|csv|pt}' \\
      --rows format --metric nll -o formats
""",
    (METRIC_NAMES,),
)
