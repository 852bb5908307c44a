"""Sums of a dump: threads change no byte of the file, also where weights, groups and ignored rows come in."""

import numpy as np
import pytest

import calibeval
from calibeval.core.sums import engine

RNG = np.random.default_rng(12)
N = 3000
LOGITS = 3.0 * RNG.normal(size=(N, 4))
LABELS = (LOGITS + RNG.gumbel(size=(N, 4))).argmax(axis=1)
WEIGHTS = {
    "none": None,
    "even": np.full(N, 2.5),
    "uneven from the middle": np.where(np.arange(N) < 1234, 2.0, RNG.random(N) + 0.5),
    "uneven from the start": RNG.random(N) + 0.5,
}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(engine, "CHUNK_ROWS", 100)


def saved(folder, dump, jobs, **settings):
    """The bytes of the file, and the report, of sums that so many threads made."""
    part = calibeval.Accumulator.read(dump, jobs=jobs, **settings)
    part.save(folder / "a.sums", exact=bool(settings.get("exact")))
    return (folder / "a.sums").read_bytes(), part.report().to_json()


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("exact", [False, True])
def test_threads_change_no_byte(weights, exact, tmp_path):
    extra = {} if WEIGHTS[weights] is None else {"weights": WEIGHTS[weights]}
    labels = np.where(np.arange(N) % 7 == 3, -1, LABELS)
    labels[500:650] = -1  # a chunk without a row that counts
    dump = calibeval.Predictions(logits=LOGITS, labels=labels, ignore_index=-1, **extra)
    one, *others = (saved(tmp_path, dump, jobs, exact=exact) for jobs in (1, 2, 5))
    assert others == [one, one]
    part = calibeval.Accumulator(4, ignore_index=-1, exact=exact)
    part.update(logits=LOGITS, labels=labels, **extra)
    assert part.report().to_json() == one[1]


def test_threads_change_no_byte_of_groups_classes_and_metrics_on_request(tmp_path):
    dump = calibeval.Predictions(logits=LOGITS, labels=LABELS, columns={"site": np.arange(N) // 40})
    settings = {"group": "site", "classes": [1, 2], "metrics": ["ece", "tace", "ece_top2", "auroc"]}
    one, other = (saved(tmp_path, dump, jobs, **settings) for jobs in (1, 4))
    assert one == other


def test_a_bad_value_is_told_with_its_row_whatever_the_threads():
    logits = LOGITS.copy()
    logits[2345, 1] = np.nan
    dump = calibeval.Predictions(logits=logits, labels=LABELS)
    messages = set()
    for jobs in (1, 3):
        with pytest.raises(calibeval.InputError, match="row 2345 holds nan in column 1") as refused:
            calibeval.Accumulator.read(dump, jobs=jobs)
        messages.add(str(refused.value))
    assert len(messages) == 1
