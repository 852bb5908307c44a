"""The pairs in a run's table are the comparisons of its saved logits; the history's ECE is that of the saved logits."""

from __future__ import annotations

import json

import pytest

import calibeval
from calibeval.core.heads.results import SHOWN, Finetuned, best_of, rival_of
from tests.cli import feature_files as files

LOSSES = ("ce", "ls(alpha=0.3)", "mbls(margin=1)")
FOLDERS = ("ce", "ls-alpha=0.3", "mbls-margin=1")


def train(folder, out, **options):
    calibeval.finetune(
        folder / "train.npz",
        val=folder / "val.npz",
        test=folder / "test.npz",
        out=folder / out,
        losses=LOSSES,
        lr=0.05,
        epochs=4,
        **options,
    )
    return Finetuned.from_json((folder / out / "finetune.json").read_bytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return files.splits(tmp_path_factory.mktemp("caches"))


@pytest.fixture(scope="module")
def bare(folder):
    return train(folder, "bare", temperature="none")


def test_pairs_are_comparisons_of_the_saved_logits(folder, bare):
    dumps = {
        name: folder / "bare" / "losses" / part / "test_logits.npz" for name, part in zip(LOSSES, FOLDERS, strict=True)
    }
    before = [pair for pair in bare.pairs if not pair.after]
    assert before
    for pair in before:
        found = calibeval.compare(dumps[pair.base], dumps[pair.candidate], metrics=",".join(SHOWN)).candidates[0]
        assert pair.differences == found.differences


def test_the_best_of_every_column_is_compared_with_every_other(bare):
    there = {(pair.base, pair.candidate, pair.after) for pair in bare.pairs}
    for after in (False, True):
        for metric in SHOWN:
            best = LOSSES[best_of(bare.losses, metric, after=after)]
            assert {(best, other, after) for other in LOSSES if other != best} <= there


@pytest.mark.parametrize("temperature", ["fold", "none"])
def test_the_first_pair_is_of_the_heads_as_they_are_saved(folder, temperature, bare):
    found = bare if temperature == "none" else train(folder, "folded")
    rival = found.losses[rival_of(found.losses, found.chosen)].name
    first = found.pairs[0]
    assert (first.candidate, first.base, first.after) == (found.losses[found.chosen].name, rival, temperature == "fold")


def test_several_seeds_have_the_pair_of_the_choice_alone(folder):
    assert len(train(folder, "seeds", seeds=2).pairs) == 1


def test_the_ece_in_the_history_is_that_of_the_logits(folder, bare):
    lines = [json.loads(line) for line in (folder / "bare" / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    for i, (loss, part) in enumerate(zip(bare.losses, FOLDERS, strict=True)):
        kept = lines[loss.kept.epoch - 1]["heads"][i]
        saved = calibeval.evaluate(folder / "bare" / "losses" / part / "val_logits.npz", level=None)
        assert kept["val_ece"] == pytest.approx(saved["ece"].value, rel=1e-4)
