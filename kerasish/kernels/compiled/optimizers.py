"""Steps of optimizers, each in one pass over flat arrays; `kerasish.optimizers` defines them.

The arguments are weights, gradient, slots, what is the same for all elements in a step
(`Optimizer.scalars`) and constants (`Optimizer.kernel`), all of them float32.
"""

import numpy as np

from kerasish.kernels.compiled.jit import kernel


@kernel
def add(total, part):
    """``total += part``."""
    for i in range(total.shape[0]):
        total[i] += part[i]


@kernel
def sgd(w, g, lr):
    """Plain gradient descent."""
    for i in range(w.shape[0]):
        w[i] -= lr * g[i]


@kernel
def sgd_momentum(w, g, m, lr, momentum):
    """Gradient descent with momentum."""
    for i in range(w.shape[0]):
        mi = momentum * m[i] - lr * g[i]
        m[i] = mi
        w[i] += mi


@kernel
def sgd_nesterov(w, g, m, lr, momentum):
    """Gradient descent with Nesterov's momentum."""
    for i in range(w.shape[0]):
        step = lr * g[i]
        mi = momentum * m[i] - step
        m[i] = mi
        w[i] += momentum * mi - step


@kernel
def adam(w, g, m, v, alpha, beta_1, beta_2, rest_1, rest_2, epsilon):
    """Adam; ``rest = 1 - beta``."""
    for i in range(w.shape[0]):
        gi = g[i]
        mi = beta_1 * m[i] + rest_1 * gi
        vi = beta_2 * v[i] + rest_2 * (gi * gi)
        m[i] = mi
        v[i] = vi
        w[i] -= alpha * mi / (np.sqrt(vi) + epsilon)


@kernel
def amsgrad(w, g, m, v, greatest, alpha, beta_1, beta_2, rest_1, rest_2, epsilon):
    """Adam that divides by the greatest second moment so far."""
    for i in range(w.shape[0]):
        gi = g[i]
        mi = beta_1 * m[i] + rest_1 * gi
        vi = beta_2 * v[i] + rest_2 * (gi * gi)
        m[i] = mi
        v[i] = vi
        before = greatest[i]
        top = before if before > vi or before != before else vi
        greatest[i] = top
        w[i] -= alpha * mi / (np.sqrt(top) + epsilon)


@kernel
def adamax(w, g, m, u, alpha, beta_1, beta_2, rest_1, epsilon):
    """Adam with the infinity norm."""
    for i in range(w.shape[0]):
        gi = g[i]
        mi = beta_1 * m[i] + rest_1 * gi
        before, size = beta_2 * u[i], abs(gi)
        top = before if before > size or before != before else size
        m[i] = mi
        u[i] = top
        w[i] -= alpha * (mi / (top + epsilon))


@kernel
def nadam(w, g, m, v, of_m, of_g, of_root, beta_1, beta_2, rest_1, rest_2, epsilon):
    """Adam with Nesterov momentum."""
    for i in range(w.shape[0]):
        gi = g[i]
        mi = beta_1 * m[i] + rest_1 * gi
        vi = beta_2 * v[i] + rest_2 * (gi * gi)
        m[i] = mi
        v[i] = vi
        w[i] -= (of_g * gi + of_m * mi) / (np.sqrt(vi) * of_root + epsilon)


@kernel
def rmsprop(w, g, v, lr, rho, rest, epsilon):
    """RMSprop."""
    for i in range(w.shape[0]):
        gi = g[i]
        vi = rho * v[i] + rest * (gi * gi)
        v[i] = vi
        w[i] -= lr * (gi / np.sqrt(vi + epsilon))


@kernel
def rmsprop_momentum(w, g, v, m, lr, rho, rest, epsilon, momentum):
    """RMSprop with momentum."""
    for i in range(w.shape[0]):
        gi = g[i]
        vi = rho * v[i] + rest * (gi * gi)
        v[i] = vi
        mi = momentum * m[i] + lr * (gi / np.sqrt(vi + epsilon))
        m[i] = mi
        w[i] -= mi


@kernel
def rmsprop_centered(w, g, v, a, lr, rho, rest, epsilon):
    """RMSprop by the variance of the gradient."""
    for i in range(w.shape[0]):
        gi = g[i]
        vi = rho * v[i] + rest * (gi * gi)
        ai = rho * a[i] + rest * gi
        v[i] = vi
        a[i] = ai
        w[i] -= lr * (gi / np.sqrt(vi - ai * ai + epsilon))


@kernel
def rmsprop_centered_momentum(w, g, v, m, a, lr, rho, rest, epsilon, momentum):
    """RMSprop by the variance of the gradient, with momentum."""
    for i in range(w.shape[0]):
        gi = g[i]
        vi = rho * v[i] + rest * (gi * gi)
        ai = rho * a[i] + rest * gi
        v[i] = vi
        a[i] = ai
        mi = momentum * m[i] + lr * (gi / np.sqrt(vi - ai * ai + epsilon))
        m[i] = mi
        w[i] -= mi


@kernel
def adagrad(w, g, a, lr, epsilon):
    """Adagrad."""
    for i in range(w.shape[0]):
        gi = g[i]
        ai = a[i] + gi * gi
        a[i] = ai
        w[i] -= lr * (gi / np.sqrt(ai + epsilon))


@kernel
def adadelta(w, g, a, d, lr, rho, rest, epsilon):
    """Adadelta."""
    for i in range(w.shape[0]):
        gi, di = g[i], d[i]
        ai = rho * a[i] + rest * (gi * gi)
        delta = np.sqrt((di + epsilon) / (ai + epsilon)) * gi
        a[i] = ai
        d[i] = rho * di + rest * (delta * delta)
        w[i] -= lr * delta


@kernel
def ftrl(w, g, a, z, lr, added, shrinkage, l1):
    """Ftrl of the usual power, -0.5. A learning rate of 0 changes nothing."""
    if lr == 0:
        return
    for i in range(w.shape[0]):
        gi, ai, wi = g[i], a[i], w[i]
        ni = ai + gi * gi
        root = np.sqrt(ni)
        zi = z[i] + gi + shrinkage * wi + (np.sqrt(ai) - root) / lr * wi
        a[i] = ni
        z[i] = zi
        divisor = (root + added) / lr
        divisor = np.float32(1e-30) if divisor < np.float32(1e-30) else divisor
        held = -l1 if zi < -l1 else (l1 if zi > l1 else zi)
        w[i] = (held - zi) / divisor


@kernel
def lion(w, g, m, lr, beta_1, rest_1, beta_2, rest_2):
    """Lion."""
    for i in range(w.shape[0]):
        gi, mi = g[i], m[i]
        w[i] -= lr * np.sign(beta_1 * mi + rest_1 * gi)
        m[i] = beta_2 * mi + rest_2 * gi


@kernel
def schedule_free(w, g, z, v, lr, of_root, share, of_step, beta_2, rest_2, epsilon):
    """Schedule-free AdamW; `w` is where gradients are taken."""
    for i in range(w.shape[0]):
        gi, zi, wi = g[i], z[i], w[i]
        vi = beta_2 * v[i] + rest_2 * (gi * gi)
        v[i] = vi
        step = lr * (gi / (np.sqrt(vi) * of_root + epsilon))
        w[i] = wi + share * (zi - wi) - of_step * step
        z[i] = zi - step
