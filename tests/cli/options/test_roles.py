"""Names on the command line: unknown ones are answered from the table that knows them, and a shell completes them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from calibeval.cli.options.choices import METRICS, REQUESTED
from tests.cli.invoking import ENVIRONMENT, failure, run
from tests.cli.test_main import loaded

DIGITS, VAL = "sample_data/digits_test.npz", "sample_data/digits_val.npz"
FEATURES = "sample_data/diamonds_features.npz"

UNKNOWN = [
    (["report", DIGITS, "--metrix", "ece"], "--metrics"),
    (["report", DIGITS, "--metrics", "nll,eec"], "ece"),
    (["compare", VAL, VAL, "--metrics", "breir"], "brier"),
    (["report", DIGITS, "--convention", "gou"], "guo"),
    (["report", DIGITS, "--format", "latx"], "latex"),
    (["compare", VAL, VAL, "--format", "mdd"], "md"),
    (["report", DIGITS, "--kind", "logit"], "logits"),
    (["report", DIGITS, "--read-as", "nzp"], "npz"),
    (["report", DIGITS, "--key", "lables=y"], "labels"),
    (["predict", "run", FEATURES, "-o", "x.npz", "--key", "feature=x"], "features"),
    (["report", DIGITS, "--cross-fit", "3", "--method", "temprature"], "temperature"),
    (["fit", VAL, "--method", "isotnic"], "isotonic"),
    (["fit", VAL, "--objective", "acuracy"], "accuracy"),
    (["gate", DIGITS, "--max", "eec=0.1"], "ece"),
    (["gate", DIGITS, "--max", "ece=0.1", "--export", "junti=x.xml"], "junit"),
    (["gate", DIGITS, "--preset", "stict"], "strict"),
    (["gate", DIGITS, "--max", "ece=0.1", "--on-inconclusive", "wran"], "warn"),
    (["gate", DIGITS, "--max", "ece=0.1", "--decide", "pont"], "point"),
    *(
        (["finetune", FEATURES, "--val", FEATURES, "-o", "run", option, value], near)
        for option, value, near in (
            ("--loss", "mlbs", "mbls"),
            ("--optimizer", "adam", "adamw"),
            ("--schedule", "cosin", "cosine"),
            ("--device", "gpu", "cpu"),
            ("--tune-on", "nl", "nll"),
            ("--temperature", "fld", "fold"),
            ("--format", "latx", "latex"),
        )
    ),
]


@pytest.mark.parametrize(("words", "near"), UNKNOWN, ids=[" ".join(words) for words, _ in UNKNOWN])
def test_an_unknown_name_is_answered_with_the_nearest(words, near, capsys):
    result = run(capsys, *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert f'(did you mean "{near}"?)' in result.err
    as_json = run(capsys, *words, "--json").err
    assert as_json == "" or f'did you mean \\"{near}\\"?' in as_json


def test_commands_and_options_that_do_not_exist(capsys):
    assert run(capsys, "reprot", DIGITS).err == "No such command 'reprot'. Did you mean 'report'?\n"
    assert run(capsys, "report", DIGITS, "--zzzzzz") == (2, "", "No such option: --zzzzzz\n")


def completed(*words):
    """What bash is offered for the last word."""
    environment = {
        **ENVIRONMENT,
        "_CALIBEVAL_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("calibeval", *words)),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-m", "calibeval"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


COMPLETED = [
    (["insp"], ["inspect"]),
    (["report", "--metr"], ["--metrics"]),
    (["report", "--help-"], ["--help-all"]),
    (["report", "--metrics", "nll,ec"], ["nll,ece", "nll,ece_positive", "nll,ecce", "nll,ece_top2", "nll,ece_rank2"]),
    (["compare", "--metrics", "al"], ["all"]),
    (["report", "--convention", "m"], ["mbls", "minderer", "monai"]),
    (["report", "--kind", "log"], ["logits", "log_probs"]),
    (["report", "--format", "l"], ["latex"]),
    (["report", "--read-as", "csv"], ["csv", "csv.gz"]),
    (["report", "--key", "pr"], ["probs=", "prediction="]),
    (["fit", "--method", "v"], ["vector"]),
    (["fit", "--objective", "a"], ["accuracy"]),
    (["finetune", "--loss", "ce,m"], ["ce,mbls", "ce,mdca", "ce,mbls_dice"]),
    (["gate", "--export", "m"], ["markdown="]),
    (["gate", "--max-drop", "acc"], ["accuracy="]),
    (["gate", "--preset", "s"], ["strict"]),
]


@pytest.mark.parametrize(("words", "offered"), COMPLETED, ids=[" ".join(words) for words, _ in COMPLETED])
def test_the_shell_completes(words, offered):
    assert completed(*words) == offered


def test_completion_imports_nothing_heavy():
    code = """
import os, sys
os.environ.update(_CALIBEVAL_COMPLETE="complete_bash", COMP_WORDS="calibeval report --metrics e", COMP_CWORD="3")
from calibeval.cli.main import main
main([])
print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.split() == [name for name in (*METRICS, *REQUESTED) if name.startswith("e")]
    assert loaded(done.stderr) == []


def test_contradictions(capsys):
    words = ["report", DIGITS, "--labels-key", "labels"]
    assert run(capsys, *words, "--key", "labels=labels", "-q", "--json").code == 0
    message = "--key labels=y and --labels-key labels contradict each other"
    assert run(capsys, *words, "--key", "labels=y") == (2, "", f"{message}\n")
    assert run(capsys, *words, "--key", "labels=y", "--json").err == f"{json.dumps(failure(2, message))}\n"
    twice = run(capsys, "report", DIGITS, "--key", "labels=y", "--key", "labels=z")
    assert twice == (2, "", "--key labels is given twice, as y and as z\n")


@pytest.mark.parametrize(
    ("role", "hint"),
    [
        ("groups", "name the column with --group"),
        ("features", "finetune and predict read features"),
    ],
)
def test_roles_that_dumps_do_not_have(role, hint, capsys):
    result = run(capsys, "report", DIGITS, "--key", f"{role}=x")
    assert result == (2, "", f'--key {role}: no role "{role}" is read here; {hint}\n')


def test_weights_are_a_column(capsys):
    result = run(capsys, "report", DIGITS, "--key", "weights=x")
    assert result.code == 3
    assert '--key weights=x: there is no column "x" with one number per row; columns are' in result.err


@pytest.mark.parametrize("text", ["labels", "=y", "labels=", "="])
def test_a_key_is_a_role_and_a_name(text, capsys):
    result = run(capsys, "report", DIGITS, "--key", text)
    assert result == (2, "", f'--key "{text}" must be ROLE=NAME, such as logits=NAME\n')
