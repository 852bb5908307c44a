"""The class-wise errors of two models on the same rows: what the rows, or groups of rows, tell of their difference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.class_groups import class_group_totals
from calibeval.core.sums.class_pairs import PairedClasses
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.debiased_difference import ClassDifference, Debiased, cell_errors, class_difference

BothSums = tuple[BinSums, BinSums]
Squares = Callable[[tuple[Floats, Floats]], float]
# What moves a group moves the cells of all its classes, beyond the correlation within each class; by simulation.
BY_GROUPS = 1.25


def difference_by_rows(classes: PairedClasses, labels: Codes, sums: BothSums) -> ClassDifference:
    """The difference on independent rows, in one pass over the scores of both models.

    labels: (n,) of the pair's rows. sums: (k, m) class-wise sums of base and candidate.
    """
    n, cells = len(labels), len(labels) * len(sums[0].count)
    errors = cell_errors(sums[0]), cell_errors(sums[1])
    sides = Debiased.of(sums[0], n, errors[0]), Debiased.of(sums[1], n, errors[1])
    found = classes.products(labels, (sides[0].weights, sides[1].weights))
    more, centred = n / len(found.scores), found.scores - found.scores.mean()
    linear = more * float(centred @ centred) / float(cells) ** 2
    return class_difference(sides, linear, _correlation(more * found.products, errors))


def difference_by_products(products: Floats, squares: Squares, n: int, sums: BothSums) -> ClassDifference:
    """The difference on n independent rows, from sums of products.

    products: (k, m, l) of both models' gaps within each class. squares: gives, for the weights of the cells of both
    models, the sum over rows of the square of the weighted gaps of the candidate minus those of the base.
    """
    errors = cell_errors(sums[0]), cell_errors(sums[1])
    sides = Debiased.of(sums[0], n, errors[0]), Debiased.of(sums[1], n, errors[1])
    weights = sides[0].weights, sides[1].weights
    one, other = (float(np.sum(own * sum_.surplus)) for own, sum_ in zip(weights, sums, strict=True))
    linear = max(squares(weights) - (other - one) ** 2 / n, 0.0) / float(n * len(sums[0].count)) ** 2
    return class_difference(sides, linear, _correlation(products, errors))


def difference_by_groups(classes: PairedClasses, labels: Codes, groups: Codes, sums: BothSums) -> ClassDifference:
    """The difference if only groups are independent, from the variation between their sums, by the jackknife.

    labels, sums: as for `difference_by_rows`. groups: (n,) of numbers in [0, j), each of which occurs.
    Memory: 8 bytes for each group and class-wise bin. The error of a gap is at least that of independent rows.
    """
    one, other = (class_group_totals(model, labels, groups, classes.jobs) for model in classes.models)
    return difference_by_totals((one, other), Clusters.of(groups), sums)


def difference_by_totals(both: tuple[Floats, Floats], clusters: Clusters, sums: BothSums) -> ClassDifference:
    """As `difference_by_groups`. both: sums of the gaps of both models by group, (j, k, m), which are changed."""
    n = float(clusters.sizes.sum())
    cells = n * len(sums[0].count)
    share, scale = (clusters.sizes / n)[:, None, None], clusters.scale[:, None, None]
    totals = []
    for by_group, own in zip(both, sums, strict=True):
        np.subtract(by_group, share * own.surplus, out=by_group)
        totals.append(np.multiply(by_group, scale, out=by_group))
    errors = [
        np.sqrt(np.maximum(np.einsum("jkm,jkm->km", own, own), cell_errors(sum_) ** 2))
        for own, sum_ in zip(totals, sums, strict=True)
    ]
    sides = Debiased.of(sums[0], n, errors[0]), Debiased.of(sums[1], n, errors[1])
    moved = [np.einsum("jkm,km->j", own, side.weights) for own, side in zip(totals, sides, strict=True)]
    change = moved[1] - moved[0]
    linear = float(change @ change) / float(cells) ** 2
    products = np.einsum("jkm,jkl->kml", totals[0], totals[1], optimize=True)
    found = class_difference(sides, linear, _correlation(products, (errors[0], errors[1])))
    return found._replace(error=BY_GROUPS * found.error)


def _correlation(products: Floats, errors: tuple[Floats, Floats]) -> Floats:
    """(k, m, l) correlation of the gaps of both models' bins within each class."""
    scale = errors[0][:, :, None] * errors[1][:, None, :]
    return np.clip(np.divide(products, scale, out=np.zeros_like(scale), where=scale > 0.0), -1.0, 1.0)
