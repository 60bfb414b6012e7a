"""
Reference values for the laws over size and tokens in lib/analysis, by SciPy:  pip install numpy scipy && python grid.py
Writes grid.json beside itself: noisy losses of three arms on a grid, and what scipy.optimize.least_squares finds on them, with standard errors
from its Jacobian. Each law is written out here once more, in other words than in lib/analysis.
"""
import json
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import f as F

random = np.random.default_rng(11)
ENTROPY = 0.804
SIZES = [1_700, 3_700, 10_000, 25_000, 66_000, 157_000]
LENGTHS = [108_000, 216_000, 432_000, 864_000, 1_728_000, 3_456_000]
WORTH = {"full": 1.0, "ternary": 0.45, "binary": 0.3}
places = [(n, d) for n in SIZES for d in LENGTHS]


def truth(n, d, k):
    return ENTROPY + 60 * (k * n) ** -0.45 + 900 * d**-0.55


cells = {
    arm: [
        {"parameters": n, "tokens": d, "loss": round(ENTROPY + (truth(n, d, k) - ENTROPY) * np.exp(0.03 * random.standard_normal()), 6)}
        for n, d in places
    ]
    for arm, k in WORTH.items()
}


def centred(values):
    logs = np.log([value for value in values])
    return logs - logs.mean()


def columns(rows):
    n = np.array([row["parameters"] for row in rows], float)
    d = np.array([row["tokens"] for row in rows], float)
    return centred(n), centred(d), np.log(np.array([row["loss"] for row in rows]) - ENTROPY)


def solve(residuals, start):
    fit = least_squares(residuals, start, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=20000)
    degrees = len(fit.fun) - len(start)
    variance = (fit.fun**2).sum() / degrees
    return fit.x, variance * np.linalg.inv(fit.jac.T @ fit.jac), degrees, np.sqrt(variance)


def estimate(x, covariance, gradient):
    return {"value": float(x), "standardError": float(np.sqrt(gradient @ covariance @ gradient))}


def unit(size, *places):
    gradient = np.zeros(size)
    for place, value in places:
        gradient[place] = value
    return gradient


result = {"entropy": ENTROPY, "cells": cells}

n, d, y = columns(cells["full"])
law = lambda c, n, d: np.log(np.exp(c[0] - c[1] * n) + np.exp(c[2] - c[3] * d))
c, v, degrees, scatter = solve(lambda c: law(c, n, d) - y, [-1, 0.4, -1, 0.4])
result["law"] = {
    "alpha": estimate(c[1], v, unit(4, (1, 1))),
    "beta": estimate(c[3], v, unit(4, (3, 1))),
    "tokensOverSize": estimate(c[3] - c[1], v, unit(4, (1, -1), (3, 1))),
    "scatter": float(scatter),
    "degrees": degrees,
}

share = 1 / (1 + np.exp(c[2] - c[3] * d - c[0] + c[1] * n))
slopes = np.column_stack([share, -share * n, 1 - share, -(1 - share) * d, -share * n**2, -(1 - share) * d**2])
b, rest, *_ = np.linalg.lstsq(slopes, y - law(c, n, d), rcond=None)
v = rest[0] / (len(y) - 6) * np.linalg.inv(slopes.T @ slopes)
scales = [2 * np.ptp(n) / c[1], 2 * np.ptp(d) / c[3]]
result["bends"] = {
    "size": estimate(scales[0] * b[4], v, unit(6, (4, scales[0]))),
    "tokens": estimate(scales[1] * b[5], v, unit(6, (5, scales[1]))),
}

rows = [(i, row) for i, arm in enumerate(WORTH) for row in cells[arm]]
arm = np.array([i for i, _ in rows])
n3, d3, y3 = columns([row for _, row in rows])
joint = lambda c: np.log(np.exp(c[0] - c[1] * (n3 + np.array([0, c[4], c[5]])[arm])) + np.exp(c[2] - c[3] * d3)) - y3
w, v, _, _ = solve(joint, [-1, 0.4, -1, 0.4, -0.7, -0.7])
result["logWorth"] = [estimate(w[4], v, unit(6, (4, 1))), estimate(w[5], v, unit(6, (5, 1)))]

gap = np.array([q["loss"] - f["loss"] for q, f in zip(cells["ternary"], cells["full"])])
x10, y10 = n / np.log(10), d / np.log(10)
design = np.column_stack([np.ones(len(gap)), x10, y10])
p, rest, *_ = np.linalg.lstsq(design, gap, rcond=None)
v = rest[0] / (len(gap) - 3) * np.linalg.inv(design.T @ design)
quadratic = np.column_stack([design, x10**2, x10 * y10, y10**2])
_, left, *_ = np.linalg.lstsq(quadratic, gap, rcond=None)
ratio = (rest[0] - left[0]) / 3 / (left[0] / (len(gap) - 6))
result["plane"] = {
    "size": estimate(p[1], v, unit(3, (1, 1))),
    "tokens": estimate(p[2], v, unit(3, (2, 1))),
    "together": estimate(p[1] + p[2], v, unit(3, (1, 1), (2, 1))),
    "bendP": float(F.sf(ratio, 3, len(gap) - 6)),
}
g, v, _, _ = solve(lambda c: 10 ** (c[0] - c[1] * x10 + c[2] * y10) - gap, [np.log10(gap.mean()), 0, 0])
result["gapLaw"] = {"gammaN": estimate(g[1], v, unit(3, (1, 1))), "gammaD": estimate(g[2], v, unit(3, (2, 1)))}

json.dump(result, open(Path(__file__).with_suffix(".json"), "w"), indent=1)
