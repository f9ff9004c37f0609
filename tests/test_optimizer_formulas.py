"""Every optimizer with every option against its formula written plainly in float64."""

import tracemalloc

import numpy as np
import pytest

import kerasish.optimizers as optimizers
from kerasish import registry
from kerasish.optimizers import OptimizerState
from kerasish.store import Runs, Store, Weight

SHAPES = {"embedding/table": (5, 3), "dense/kernel": (4, 6), "dense/bias": (6,), "conv": (2, 3, 4)}
STEPS = 6


def sgd(w, g, s, t, lr, c):
    m = s["m"] = c["momentum"] * s.get("m", 0) - lr * g
    return w + (c["momentum"] * m - lr * g if c["nesterov"] else m)


def rmsprop(w, g, s, t, lr, c):
    v = s["v"] = c["rho"] * s.get("v", 0) + (1 - c["rho"]) * g**2
    a = s["a"] = c["rho"] * s.get("a", 0) + (1 - c["rho"]) * g
    step = lr * g / np.sqrt(v - (a**2 if c["centered"] else 0) + c["epsilon"])
    m = s["m"] = c["momentum"] * s.get("m", 0) + step
    return w - m


def moments(g, s, b1, b2):
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    return s["m"], s["v"]


def adam(w, g, s, t, lr, c):
    m, v = moments(g, s, c["beta_1"], c["beta_2"])
    if c["amsgrad"]:
        v = s["greatest"] = np.maximum(s.get("greatest", 0), v)
    alpha = lr * np.sqrt(1 - c["beta_2"] ** t) / (1 - c["beta_1"] ** t)
    return w - alpha * m / (np.sqrt(v) + c["epsilon"])


def adamax(w, g, s, t, lr, c):
    m, _ = moments(g, s, c["beta_1"], 0.5)
    u = s["u"] = np.maximum(c["beta_2"] * s.get("u", 0), np.abs(g))
    return w - lr * m / ((1 - c["beta_1"] ** t) * (u + c["epsilon"]))


def nadam(w, g, s, t, lr, c):
    m, v = moments(g, s, c["beta_1"], c["beta_2"])

    def u(t):
        return c["beta_1"] * (1 - 0.5 * 0.96**t)

    product = np.prod([u(k) for k in range(1, t + 1)])
    m_hat = u(t + 1) * m / (1 - product * u(t + 1)) + (1 - u(t)) * g / (1 - product)
    return w - lr * m_hat / (np.sqrt(v / (1 - c["beta_2"] ** t)) + c["epsilon"])


def adagrad(w, g, s, t, lr, c):
    a = s["a"] = s.get("a", c["initial_accumulator_value"]) + g**2
    return w - lr * g / np.sqrt(a + c["epsilon"])


def adadelta(w, g, s, t, lr, c):
    a = s["a"] = c["rho"] * s.get("a", 0) + (1 - c["rho"]) * g**2
    delta = np.sqrt(s.get("d", 0) + c["epsilon"]) / np.sqrt(a + c["epsilon"]) * g
    s["d"] = c["rho"] * s.get("d", 0) + (1 - c["rho"]) * delta**2
    return w - lr * delta


def ftrl(w, g, s, t, lr, c):
    p, l1 = -c["learning_rate_power"], c["l1_regularization_strength"]
    old = s.get("a", c["initial_accumulator_value"])
    new = s["a"] = old + g**2
    shrunk = g + 2 * c["l2_shrinkage_regularization_strength"] * w
    z = s["z"] = s.get("z", 0) + shrunk - (new**p - old**p) / lr * w
    l2 = c["l2_regularization_strength"] + c["beta"] / (2 * lr)
    return (np.clip(z, -l1, l1) - z) / (new**p / lr + 2 * l2)


def lion(w, g, s, t, lr, c):
    m = s.get("m", np.zeros_like(g))
    s["m"] = c["beta_2"] * m + (1 - c["beta_2"]) * g
    return w - lr * np.sign(c["beta_1"] * m + (1 - c["beta_1"]) * g)


def lamb(w, g, s, t, lr, c):
    m, v = moments(g, s, c["beta_1"], c["beta_2"])
    u = m / (1 - c["beta_1"] ** t) / (np.sqrt(v / (1 - c["beta_2"] ** t)) + c["epsilon"])
    norms = np.linalg.norm(w), np.linalg.norm(u)
    return w - lr * u * (norms[0] / norms[1] if min(norms) > 0 else 1)


def adafactor(w, g, s, t, lr, c):
    def rms(x):
        return np.sqrt(np.mean(x**2))

    b, q = 1 - t ** c["beta_2_decay"], g**2 + c["epsilon_1"]
    if w.ndim < 2:
        v = s["v"] = b * s.get("v", 0) + (1 - b) * q
    else:
        r = s["r"] = b * s.get("r", 0) + (1 - b) * q.mean(-1)
        k = s["k"] = b * s.get("k", 0) + (1 - b) * q.mean(-2)
        v = (r / r.mean(-1, keepdims=True))[..., None] * k[..., None, :]
    u = g / np.sqrt(v)
    size = max(c["epsilon_2"], rms(w)) * min(lr, 1 / np.sqrt(t))
    return w - size * u / max(1, rms(u) / c["clip_threshold"])


def muon(w, g, s, t, lr, c):
    if w.ndim != 2 or w.shape == SHAPES["embedding/table"]:
        as_adam = {"beta_1": c["adam_beta_1"], "beta_2": c["adam_beta_2"], "amsgrad": False}
        return adam(w, g, s, t, lr * c["adam_lr_ratio"], c | as_adam)
    m = s["m"] = c["momentum"] * s.get("m", 0) + g
    x = g + c["momentum"] * m if c["nesterov"] else m
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(c["ns_steps"]):  # not transposed: the polynomial is the same either way
        a = x.T @ x
        x = c["muon_a"] * x + x @ (c["muon_b"] * a + c["muon_c"] * a @ a)
    return w - lr * x * (1 if c["rms_rate"] is None else c["rms_rate"] * max(w.shape) ** 0.5)


def schedule_free(w, g, s, t, lr, c):
    if c["warmup_steps"]:
        lr = lr * min(1, t / c["warmup_steps"])
    b1, b2 = c["beta_1"], c["beta_2"]
    z = s.get("z", s["first"])
    x = (w - (1 - b1) * z) / b1  # what decay, averages and constraints do to w they do to x
    v = s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    z = s["z"] = z - lr * g / (np.sqrt(v / (1 - b2**t)) + c["epsilon"])
    x = (1 - 1 / t) * x + 1 / t * z
    return (1 - b1) * z + b1 * x


FORMULAS = {
    "SGD": (sgd, [{}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}]),
    "RMSprop": (rmsprop, [{}, {"momentum": 0.5}, {"centered": True, "momentum": 0.9, "rho": 0.5}]),
    "Adam": (adam, [{}, {"amsgrad": True, "beta_2": 0.5}]),
    "AdamW": (adam, [{}, {"amsgrad": True, "beta_1": 0.5}]),
    "Adamax": (adamax, [{}, {"beta_1": 0.5, "beta_2": 0.5}]),
    "Nadam": (nadam, [{}, {"beta_1": 0.5, "beta_2": 0.5}]),
    "Adagrad": (adagrad, [{}, {"initial_accumulator_value": 0.0, "epsilon": 1e-3}]),
    "Adadelta": (adadelta, [{}, {"rho": 0.5, "epsilon": 1e-3}]),
    "Ftrl": (
        ftrl,
        [
            {},
            {"l1_regularization_strength": 0.1, "beta": 0.5, "learning_rate_power": -0.3},
            {"l2_regularization_strength": 0.1, "l2_shrinkage_regularization_strength": 0.2},
        ],
    ),
    "Lion": (lion, [{}, {"beta_1": 0.5, "beta_2": 0.5}]),
    "Lamb": (lamb, [{}, {"beta_1": 0.5, "epsilon": 1e-2}]),
    "Adafactor": (adafactor, [{}, {"clip_threshold": 0.3, "beta_2_decay": -0.3}]),
    "Muon": (muon, [{}, {"nesterov": False, "rms_rate": None}, {"adam_lr_ratio": 0.3}]),
    "ScheduleFreeAdamW": (schedule_free, [{}, {"warmup_steps": 3, "beta_1": 0.5}]),
}
OPTIONS = [
    {},
    {"weight_decay": 0.3},
    {"clipnorm": 0.7},
    {"global_clipnorm": 0.7},
    {"clipvalue": 0.2},
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 3},
    {"constrained": True},
    {
        "weight_decay": 0.2,
        "global_clipnorm": 1.0,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
        "constrained": True,
    },
]


def clipped(grads, c):
    if c["clipnorm"]:
        return [g * min(1, c["clipnorm"] / np.linalg.norm(g)) for g in grads]
    if c["global_clipnorm"]:
        norm = np.sqrt(sum((g**2).sum() for g in grads))
        return [g * min(1, c["global_clipnorm"] / norm) for g in grads]
    return [g if c["clipvalue"] is None else g.clip(-c["clipvalue"], c["clipvalue"]) for g in grads]


def plainly(formula, c, weights, gradients, lr, constraint):
    """The whole step, weight by weight; returns weights and averages."""
    every = c["gradient_accumulation_steps"] or 1
    slots, averages = [{"first": w} for w in weights], [np.zeros_like(w) for w in weights]
    sums = [np.zeros_like(w) for w in weights]
    for raw, grads in enumerate(gradients):
        done = raw // every
        sums = [a + g for a, g in zip(sums, grads, strict=True)]
        if (raw + 1) % every == 0:
            for i, g in enumerate(clipped([a / every for a in sums], c)):
                decay = c["weight_decay"] or 0
                if "adam_weight_decay" in c and i != 1:  # only the dense kernel is Muon's
                    decay = c["adam_weight_decay"] or 0
                w = weights[i] - weights[i] * decay * lr
                weights[i] = formula(w, g, slots[i], done + 1, lr, c)
            sums = [np.zeros_like(w) for w in weights]
        if c["use_ema"]:
            momentum = c["ema_momentum"] if done else 0
            averages = [
                momentum * a + (1 - momentum) * w for a, w in zip(averages, weights, strict=True)
            ]
            if c["ema_overwrite_frequency"] and (done + 1) % c["ema_overwrite_frequency"] == 0:
                weights = [a.copy() for a in averages]
        if constraint:
            weights[1] = constraint(weights[1])
    return weights, averages


def test_every_optimizer_has_a_formula_here():
    ours = {c for c in registry.known("optimizer").values() if c.__module__[:8] == "kerasish"}
    assert {c.__name__ for c in ours} - {"MultiOptimizer"} == set(FORMULAS)


@pytest.mark.parametrize("option", range(len(OPTIONS)))
@pytest.mark.parametrize(
    ("name", "variant"), [(n, i) for n, (_, v) in FORMULAS.items() for i in range(len(v))]
)
def test_agrees_with_the_formula(name, variant, option):
    formula, variants = FORMULAS[name]
    options = {**variants[variant], **OPTIONS[option]}
    constraint = (lambda w: w.clip(-0.4, 0.9)) if options.pop("constrained", False) else None
    lr, rng = 0.0625, np.random.default_rng(variant)  # exact in float32
    values = [rng.uniform(0.3, 1, s) * rng.choice([-1, 1], s) for s in SHAPES.values()]
    gradients = [
        [rng.uniform(0.1, 1, s) * rng.choice([-1, 1], s) for s in SHAPES.values()]
        for _ in range(STEPS)
    ]
    config = getattr(optimizers, name)(lr, **options).get_config()
    expected, averages = plainly(formula, config, list(values), gradients, lr, constraint)
    for dtype, tolerance in (("float64", 1e-9), ("float32", 1e-5)):
        weights = [Weight(v.astype(dtype), path) for v, path in zip(values, SHAPES, strict=True)]
        weights[1].constraint = constraint
        Store(weights)
        state = OptimizerState(getattr(optimizers, name)(lr, **options), Runs(weights))
        for grads in gradients:
            state.apply(np.concatenate([g.ravel() for g in grads]).astype(dtype))
        for weight, value in zip(weights, expected, strict=True):
            assert weight.dtype == dtype
            limit = tolerance * max(1, np.abs(value).max())
            assert np.abs(weight.value - value).max() <= limit, weight.path
        if state.average is not None:
            flat = np.concatenate([a.ravel() for a in averages])
            assert np.abs(state.average - flat).max() <= tolerance * max(1, np.abs(flat).max())


def test_weights_of_no_and_of_one_element():
    for name in FORMULAS:
        weights = [Weight(np.zeros((0, 3), "float32")), Weight(np.float32(2.0)), Weight([1.0])]
        Store(weights, "float32")
        state = OptimizerState(getattr(optimizers, name)(0.0625, clipnorm=1.0), Runs(weights))
        for _ in range(3):
            state.apply(np.ones(2, "float32"))
        assert 0 < float(weights[1]) < 2, name


@pytest.mark.parametrize("name", [n for n in FORMULAS if getattr(optimizers, n).elementwise])
def test_a_step_allocates_no_arrays(name):
    weights = [Weight(np.ones((300, 300), "float32")), Weight(np.ones(300, "float32"))]
    Store(weights)
    options = {"weight_decay": 0.1, "use_ema": True, "global_clipnorm": 1.0}
    state = OptimizerState(getattr(optimizers, name)(0.0625, **options), Runs(weights))
    gradient = np.ones(state.runs.size, "float32")
    state.apply(gradient)
    tracemalloc.start()
    try:
        state.apply(gradient)
        assert tracemalloc.get_traced_memory()[1] < 16384
    finally:
        tracemalloc.stop()
