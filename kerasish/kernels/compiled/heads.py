"""The end of a model: softmax over few classes or sigmoid, and what their outputs are worth."""

import numpy as np

from kerasish.kernels.compiled.jit import inlined, kernel
from kerasish.kernels.compiled.simd import (
    LANES,
    exponential,
    load,
    positive,
    store,
    total,
    where_above,
    zeros,
)

ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
# log(1 + e) = s P(s^2) with s = e / (2 + e), for e in 0..1: a fit of the least relative error,
# 1e-10 before rounding; coefficients from the highest power down.
L5, L4, L3, L2, L1, L0 = (
    np.float32(c)
    for c in (0.24413065612, 0.21393251419, 0.2862072289, 0.39998692274, 0.66666680574, 2.0)
)


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


@kernel
def sigmoid(z, y):
    """``y = 1 / (1 + exp(-z))`` for z and y of one axis, LANES long at least."""
    last = z.shape[0] - LANES
    for i in range(0, last + LANES, LANES):
        j = min(i, last)  # the last eight may have been there before
        store(y, j, ONE / (exponential(zeros() - load(z, j)) + ONE))


@kernel
def sigmoid_squares(p, targets, coefficients, dz):
    """Sum of ``coefficients * mean((p - y)^2)`` over rows, for p and targets y (N, C).

    `dz` becomes its gradient before the sigmoid that has made p.
    """
    loss = 0.0
    for n in range(p.shape[0]):
        row, y, out = p[n], targets[n], dz[n]
        share = coefficients[n] / np.float32(row.shape[0])
        squares = ZERO
        for c in range(row.shape[0]):
            error = row[c] - y[c]
            squares += error * error
            out[c] = TWO * share * error * (row[c] * (ONE - row[c]))
        loss += squares * share
    return loss


@kernel
def sigmoid_crossentropy(z, p, targets, coefficients, dz):
    """The same for binary crossentropy, ``max(z, 0) - z y + log(1 + exp(-|z|))``."""
    loss = 0.0
    length = z.shape[1]
    inputs, outputs, flat, gradient = (
        z.reshape(-1),
        p.reshape(-1),
        targets.reshape(-1),
        dz.reshape(-1),
    )
    whole = length - length % LANES
    for n in range(z.shape[0]):
        share = coefficients[n] / np.float32(length)
        first = n * length
        sums = zeros()
        for i in range(first, first + whole, LANES):
            x, y = load(inputs, i), load(flat, i)
            below = where_above(x, zeros(), zeros() - x, x)
            sums = sums + (positive(x) - x * y + _log_1_plus(exponential(below)))
            store(gradient, i, (load(outputs, i) - y) * share)
        losses = total(sums)
        for i in range(first + whole, first + length):
            losses += max(inputs[i], ZERO) - inputs[i] * flat[i] + np.log1p(np.exp(-abs(inputs[i])))
            gradient[i] = (outputs[i] - flat[i]) * share
        loss += losses * share
    return loss


@inlined
def _log_1_plus(e):
    s = e / (e + TWO)
    q = s * s
    return s * (((((q * L5 + L4) * q + L3) * q + L2) * q + L1) * q + L0)
