"""Cases are added up in threads, one in memory for each, with the same result for any number of threads."""

import weakref

import numpy as np
import pytest

from calibeval import InputError, Predictions, evaluate
from calibeval.core.data.source import Source
from calibeval.core.dense.case import Case, Facts
from calibeval.core.evaluation.of_cases import evaluate_cases
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import Resources


class InMemory:
    """Cases that are made when they are read. alive: how many of those before were in memory at each reading."""

    def __init__(self, sizes, k=3, kind="probs", ignore=None):
        self.sizes, self.k, self.seen, self.alive = sizes, k, [], []
        self.facts = Facts(tuple(f"case {i}" for i in range(len(sizes))), kind, ignore_index=ignore)

    def read(self, number):
        self.alive.append(sum(one() is not None for one in self.seen))
        p, labels = made(number, self.sizes[number], self.k if np.isscalar(self.k) else self.k[number])
        self.seen.append(weakref.ref(p))
        return Case(self.facts.names[number], p, labels)

    def source(self, found):  # noqa: ARG002 - of the protocol
        return Source("memory")


def made(seed, size, k):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(k, 0.4), size=size)
    labels = np.where(rng.random(size) < 0.6, p.argmax(axis=-1), rng.integers(0, k, size))
    return np.ascontiguousarray(np.moveaxis(p, -1, 0)), labels.astype(np.uint8)


def close(own, other, what):
    assert (own is None) == (other is None), what
    assert own is None or own == pytest.approx(other, rel=1e-9, abs=1e-12), what


def test_any_number_of_threads_gives_the_same_report():
    sizes = [(20 + 3 * i, 31 - i) for i in range(9)]
    found = [evaluate_cases(InMemory(sizes), Settings(), Resources(jobs=jobs)) for jobs in (1, 2)]
    assert repr(found[0]) == repr(found[1])


@pytest.mark.parametrize("units", [None, list("aabbccddeeffgghh")])
def test_cases_of_one_size_are_the_images_of_an_array(units):
    scores, labels = (np.stack(part) for part in zip(*(made(i, (24, 18), 3) for i in range(16)), strict=True))
    columns = {} if units is None else {"patient": np.repeat(units, 24 * 18)}
    settings = Settings(group=None if units is None else "patient")
    (own,) = evaluate_cases(InMemory([(24, 18)] * 16), settings, units=units)
    whole = evaluate(Predictions(probs=scores, labels=labels, columns=columns), group=settings.group).dumps[0]
    for name, one in whole.metrics.items():
        other = own.metrics[name]
        for part in ("value", "low", "high"):
            close(getattr(other, part), getattr(one, part), (name, part))
    for name, number in whole.per_image.numbers.items():
        for part in ("pooled", "pooled_low", "mean", "mean_high"):
            close(getattr(own.per_image.numbers[name], part), getattr(number, part), (name, part))
    assert own.per_image.units == whole.per_image.units


def test_cases_larger_than_a_piece_are_cut():
    # 2^21 / 40 = 52,428 pixels with 40 classes are added up at once
    scores, labels = made(0, (300, 400), 40)
    (own,) = evaluate_cases(InMemory([(300, 400), (10, 10)], k=40), Settings())
    alone = evaluate(Predictions(probs=scores[np.newaxis], labels=labels[np.newaxis])).dumps[0]
    worst = {one.image: one.value for one in own.per_image.numbers["ece"].worst}
    assert worst["case 0"] == pytest.approx(alone["ece"].value, rel=1e-12)
    assert own.n == 120_100


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_case_of_other_classes_is_named(jobs):
    cases = InMemory([(8, 8)] * 5, k=(3, 3, 3, 4, 3))
    with pytest.raises(InputError, match=r"^case 3: the scores have 4 classes, but those of the batches before had 3"):
        evaluate_cases(cases, Settings(), Resources(jobs=jobs))


def test_one_case_is_in_memory():
    cases = InMemory([(30, 30)] * 5)
    evaluate_cases(cases, Settings())
    assert cases.alive == [0] * 5


def test_cases_without_labelled_pixels_count_as_images_without_numbers():
    class OneIgnored(InMemory):
        def read(self, number):
            found = super().read(number)
            return found._replace(labels=np.full((12, 12), 9)) if number == 1 else found

    (own,) = evaluate_cases(OneIgnored([(12, 12)] * 4, ignore=9), Settings())
    assert (own.n, own.ignored) == (3 * 144, 144)
    assert (own.per_image.images, own.per_image.units, own.per_image.numbers["ece"].undefined) == (4, 3, 1)
