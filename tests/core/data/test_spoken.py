"""Options of the command line, in the words of Python."""

import re

import pytest

from calibeval.core.data.spoken import LIMITS, LISTS, NAMES, NUMBERS, SWITCHES, in_python
from tests.conftest import ROOT

# Of the command line alone, or of other tools.
LEFT = ("export", "format", "full", "images", "recursive", "save", "show", "topk")


@pytest.mark.parametrize(
    ("said", "in_keywords"),
    [
        ("say --device cpu or --device auto", 'say device="cpu" or device="auto"'),
        ("lower --batch-size, --hidden or --trials", "lower batch_size, hidden or trials"),
        ("say them for all files: --class-names FILE", "say them for all files: class_names=[...]"),
        ("say --features-key pc.", 'say features_key="pc".'),
        ("--hidden belongs to --head mlp", 'hidden belongs to head="mlp"'),
        ("raise --max-bytes.", "raise max_bytes."),
        ("Say --clip 1e-12 to raise", "Say clip=1e-12 to raise"),
        ("--score-columns: there is no column", "score_columns: there is no column"),
        ('--head "x" is neither', 'head "x" is neither'),
        ("say --slice COLUMN, or slices", 'say slices=["COLUMN"], or slices'),
        ("or say --max ece=0.03, or", 'or say {"metric": "ece", "max": 0.03}, or'),
        ("say --no-crc.", "say checksums=False."),
        ("timm: --topk 0", "timm: --topk 0"),
        ("say --decimal , for it, --decimal . if not", 'say decimal="," for it, decimal="." if not'),
        ('--decimal must be "," here', 'decimal must be "," here'),
        ("say --labels-are names, or --labels-are WHAT", 'say labels_are="names", or labels_are WHAT'),
        ("say --score-columns '*,!id'.", 'say score_columns=["*", "!id"].'),
        ("('say --score-columns a,b')", '(\'say score_columns=["a", "b"]\')'),
        ("--key log_probs: there is no", 'key={"log_probs": ...}: there is no'),
        ("--engine dask=tcp://node1:8786: none", 'engine="dask=tcp://node1:8786": none'),
        ("make the sums with --base, or give", "make the sums with base=..., or give"),
        ("of a voxel, --spacing Z,Y,X, or --spacing 1,1,1 for", 'of a voxel, spacing="Z,Y,X", or spacing="1,1,1" for'),
        ("two --- dashes -- here", "two --- dashes -- here"),
    ],
)
def test_a_message(said, in_keywords):
    assert in_python(said) == in_keywords
    assert in_python(in_keywords) == in_keywords


def test_every_option_that_messages_name_is_known():
    known = {*SWITCHES, *NUMBERS, *NAMES, *LISTS, *LIMITS, *LEFT, "key", "help"}
    for path in (ROOT / "calibeval").rglob("*.py"):
        if "cli" in path.relative_to(ROOT).parts or path.name == "spoken.py":
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            for option in re.findall(r"""["' (]--([a-z]+(?:-[a-z]+)*)""", line):
                assert option in known, (path, line)
