"""The losses in plain numpy, one row at a time, as the papers write them."""

from __future__ import annotations

import math

import numpy as np


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def cross_entropy(z, y):
    return -math.log(softmax(z)[y])


def label_smoothing(z, y, alpha, spread="all"):
    k = len(z)
    target = np.full(k, alpha / k if spread == "all" else alpha / (k - 1))
    target[y] = 1 - alpha + alpha / k if spread == "all" else 1 - alpha
    return float(-(target * np.log(softmax(z))).sum())


def confidence_penalty(z, y, beta):
    p = softmax(z)
    return cross_entropy(z, y) + beta * float((p * np.log(p)).sum())


def focal(z, y, gamma):
    p = softmax(z)[y]
    return (1 - p) ** gamma * -math.log(p)


def flsd(z, y):
    return focal(z, y, 5.0 if softmax(z)[y] < 0.2 else 3.0)


def dual_focal(z, y, gamma):
    p = softmax(z)
    lower = [p[j] for j in range(len(z)) if z[j] < z[y]]
    return (1 - p[y] + max(lower, default=0.0)) ** gamma * -math.log(p[y])


def brier(z, y):
    return sum((p - (j == y)) ** 2 for j, p in enumerate(softmax(z)))


def mdca(logits, labels, beta, gamma=0.0):
    """The mean over the batch, which is what the paper defines."""
    n, k = logits.shape
    gaps = [abs(sum(softmax(z)[j] - (y == j) for z, y in zip(logits, labels, strict=True)) / n) for j in range(k)]
    return float(np.mean([focal(z, y, gamma) for z, y in zip(logits, labels, strict=True)])) + beta * sum(gaps) / k


def mbls_dice(logits, labels, margin, alpha, dice=1.0, background=False, smooth=1e-5):
    """All rows are one image."""
    probs = np.array([softmax(z) for z in logits])
    missed = []
    for j in range(0 if background else 1, logits.shape[1]):
        both = sum(p[j] for p, y in zip(probs, labels, strict=True) if y == j)
        missed.append(1 - (2 * both + smooth) / (probs[:, j].sum() + sum(y == j for y in labels) + smooth))
    plain = np.mean([mbls(z, y, margin, alpha) for z, y in zip(logits, labels, strict=True)])
    return float(plain) + dice * float(np.mean(missed))


def acls(z, y, margin, alpha, pos_lambda=1.0, neg_lambda=0.1):
    high = max(0.0, z.max() - margin) ** 2
    low = sum(max(0.0, z.max() - value - margin) ** 2 for value in z) / (len(z) - 1)
    return cross_entropy(z, y) + alpha * (pos_lambda * high + neg_lambda * low)


def mbls(z, y, margin, alpha):
    return cross_entropy(z, y) + alpha * float(np.maximum(0, z.max() - z - margin).mean())


def phi(h, lambd, rho, penalty):
    """The penalty of one constraint, its value and its derivative."""
    if penalty == "phr":
        return (max(0.0, lambd + rho * h) ** 2 - lambd**2) / (2 * rho), max(0.0, lambd + rho * h)
    if h < 0:
        return lambd * h / (1 - rho * h), lambd / (1 - rho * h) ** 2
    if penalty == "p2":
        value = lambd * h + lambd * rho * h**2 + rho**2 * h**3 / 6
        return value, lambd + 2 * lambd * rho * h + rho**2 * h**2 / 2
    return lambd * h + lambd * rho * h**2, lambd + 2 * lambd * rho * h


def cals(z, y, margin, lambd, rho, penalty="phr", normalize=True):
    h = (z.max() - z - margin) / (margin if normalize else 1)
    terms = [phi(h[k], lambd[k], rho[k], penalty)[0] for k in range(len(z))]
    return cross_entropy(z, y) + float(np.mean(terms))


def cals_hr(z, y, margin, lambd):
    return cross_entropy(z, y) + float(np.mean(np.array(lambd) * np.maximum(0, z.max() - z - margin)))
