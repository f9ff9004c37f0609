"""A softmax over few classes, and what its probabilities are worth for given labels."""

import numpy as np

from kerasish.kernels.compiled.jit import kernel

ZERO = np.float32(0)
ONE = np.float32(1)


@kernel
def softmax(z, y):
    """``y = exp(z) / sum(exp(z))`` for z and y (N, C), less the largest of each row first."""
    for n in range(z.shape[0]):
        a, out = z[n], y[n]
        top = a[0]
        for c in range(1, a.shape[0]):
            if not a[c] <= top:  # NaN takes the place, and all of the row becomes NaN
                top = a[c]
        total = ZERO
        for c in range(a.shape[0]):
            e = np.exp(a[c] - top)
            out[c] = e
            total += e
        for c in range(a.shape[0]):
            out[c] /= total


@kernel
def label_losses(p, labels, coefficients, tiny, dz):
    """Sum of ``coefficients * -log p[label]`` for p (N, C), hits, and dLoss/dz before softmax.

    Hits are -1, and nothing else is valid, if a label is none of the classes, or its probability
    not above `tiny`.
    """
    loss, hits = 0.0, 0
    for n in range(p.shape[0]):
        row, out, label, weight = p[n], dz[n], labels[n], coefficients[n]
        if label < 0 or label >= row.shape[0]:
            return loss, -1
        own = row[label]
        if not own > tiny:
            return loss, -1
        best = 0
        for c in range(row.shape[0]):
            out[c] = row[c] * weight
            if row[c] > row[best]:
                best = c
        out[label] = (own - ONE) * weight
        hits += best == label
        loss -= np.log(own) * weight
    return loss, hits
