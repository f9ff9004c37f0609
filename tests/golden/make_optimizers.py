"""Make optimizers.npz: ten steps of every optimizer with each option, by real Keras.

Run ``KERAS_BACKEND=torch python make_optimizers.py`` where ``keras`` 3.15 and ``torch`` are
installed. Every case is run by the class as it is, which on torch may be an implementation of its
own, and by the formula of the base class; where the two differ (it is said on the terminal) the
base formula is kept. The one that does: ScheduleFreeAdamW on torch means to read the momentum as
it was before its update, but has overwritten it in place.
"""

import json
import os

import numpy as np

STEPS, KEPT = 10, (0, 3, 9)
SHAPES = {
    "model/embedding/embeddings": (4, 2),
    "model/dense/kernel": (3, 2),
    "model/dense/bias": (2,),
    "model/conv/kernel": (2, 2, 2),
}
VARIANTS = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "RMSprop": [
        {},
        {"momentum": 0.9},
        {"centered": True},
        {"rho": 0.7, "momentum": 0.5, "centered": True, "epsilon": 1e-3},
    ],
    "Adam": [{}, {"amsgrad": True}, {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}],
    "AdamW": [{}, {"weight_decay": 0.1, "amsgrad": True}],
    "Adagrad": [{}, {"initial_accumulator_value": 0.5, "epsilon": 1e-2}],
    "Adadelta": [{"learning_rate": 1.0}, {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-4}],
    "Adamax": [{}, {"beta_1": 0.8, "beta_2": 0.9}],
    "Nadam": [{}, {"beta_1": 0.8, "beta_2": 0.9}],
    "Ftrl": [
        {},
        {"l1_regularization_strength": 0.05},
        {"l2_regularization_strength": 0.1, "l2_shrinkage_regularization_strength": 0.1},
        {"learning_rate_power": -0.7, "beta": 0.2, "initial_accumulator_value": 0.5},
        {"learning_rate_power": 0.0},
    ],
    "Lion": [{}, {"beta_1": 0.5, "beta_2": 0.8}],
    "Adafactor": [
        {},
        {"clip_threshold": 0.5, "epsilon_2": 0.1, "beta_2_decay": -0.5},
        {"learning_rate": 1.0, "relative_step": False},
    ],
    "Lamb": [{}, {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}],
    "Muon": [
        {},
        {"nesterov": False, "rms_rate": None},
        {"exclude_layers": ["dense"], "exclude_embeddings": False, "adam_lr_ratio": 0.5},
        {"weight_decay": 0.1, "adam_weight_decay": None, "momentum": 0.8, "ns_steps": 3},
    ],
    "ScheduleFreeAdamW": [{}, {"warmup_steps": 4, "beta_1": 0.8}],
}
SCHEDULE = {
    "class_name": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
}
OPTIONS = [
    {"weight_decay": 0.2},
    {"weight_decay": 0.2, "exclude": ["bias"]},
    {"clipnorm": 0.5},
    {"global_clipnorm": 0.8},
    {"clipvalue": 0.3},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3, "constrained": True},
    {"gradient_accumulation_steps": 3},
    {"loss_scale_factor": 8.0},
    {"learning_rate": SCHEDULE, "weight_decay": 0.1},
    {
        "gradient_accumulation_steps": 2,
        "global_clipnorm": 0.4,
        "weight_decay": 0.1,
        "use_ema": True,
        "ema_momentum": 0.9,
        "ema_overwrite_frequency": 2,
        "constrained": True,
    },
]

SCHEDULES = [
    ["ExponentialDecay", [0.1, 7, 0.5], {}],
    ["ExponentialDecay", [0.1, 7, 0.5], {"staircase": True}],
    ["InverseTimeDecay", [0.1, 7, 0.5], {}],
    ["InverseTimeDecay", [0.1, 7, 0.5], {"staircase": True}],
    ["PolynomialDecay", [0.1, 8], {}],
    ["PolynomialDecay", [0.1, 8, 0.02, 2.0], {}],
    ["PolynomialDecay", [0.1, 8, 0.02, 0.5, True], {}],
    ["PiecewiseConstantDecay", [[5, 10, 20], [0.1, 0.05, 0.02, 0.01]], {}],
    ["PiecewiseConstantDecay", [[5], [1.0, 0.5]], {}],
    ["CosineDecay", [0.1, 20], {}],
    ["CosineDecay", [0.1, 20, 0.2], {}],
    ["CosineDecay", [0.0, 20], {"warmup_target": 0.1, "warmup_steps": 5}],
    ["CosineDecay", [0.05, 20, 0.1], {"warmup_target": 0.2, "warmup_steps": 0}],
    ["CosineDecayRestarts", [0.1, 4], {}],
    ["CosineDecayRestarts", [0.1, 4, 1.0, 0.8, 0.1], {}],
    ["CosineDecayRestarts", [0.1, 4, 1.5, 0.5], {}],
    ["CosineDecayRestarts", [0.1, 4, 3.0, 0.9], {}],
]


def cases():
    for name, variants in VARIANTS.items():
        for variant in variants:
            yield {"optimizer": name, "learning_rate": 0.05, **variant}
        for option in OPTIONS:
            first = {"momentum": 0.9} if name in ("SGD", "RMSprop") else variants[0]
            yield {"optimizer": name, "learning_rate": 0.05, **first, **option}


def inputs():
    """Values away from zero, so that no sign hangs on rounding."""
    rng = np.random.Generator(np.random.PCG64(7))
    total = sum(int(np.prod(shape)) for shape in SHAPES.values())
    weights = rng.uniform(0.3, 1.0, total) * rng.choice([-1, 1], total)
    grads = rng.uniform(0.1, 1.0, (STEPS, total)) * rng.choice([-1, 1], (STEPS, total))
    return weights.astype("float32"), grads.astype("float32")


def split(flat):
    sizes = [int(np.prod(shape)) for shape in SHAPES.values()]
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, SHAPES.values(), strict=True)]


def base_formula(cls):
    """A class that torch's own implementation does not replace, assigning out of place."""

    def assign_sub(self, variable, value):
        variable._value = type(variable._value)(variable.value - value, requires_grad=False)

    return type(cls.__name__, (cls,), {"assign_sub": assign_sub})


def run(case, base):
    import keras
    from keras.src import backend

    case = dict(case)
    make = getattr(keras.optimizers, case.pop("optimizer"))
    make = base_formula(make) if base else make
    constrained, exclude = case.pop("constrained", False), case.pop("exclude", None)
    if isinstance(case["learning_rate"], dict):
        case["learning_rate"] = keras.optimizers.schedules.deserialize(case["learning_rate"])
    optimizer = make(**case)
    first, grads = inputs()
    weights = []
    for path, value in zip(SHAPES, split(first), strict=True):
        scope, _, name = path.rpartition("/")
        model, _, layer = scope.partition("/")
        with backend.name_scope(model), backend.name_scope(layer):
            weights.append(keras.Variable(value, name=name))
    assert [w.path for w in weights] == list(SHAPES)
    if constrained:
        weights[1].constraint = keras.constraints.NonNeg()
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=exclude)
    kept = []
    for step in range(STEPS):
        g = [keras.ops.convert_to_tensor(part) for part in split(grads[step])]
        optimizer.apply(g, weights)
        if step in KEPT:
            kept.append(np.concatenate([np.ravel(w.numpy()) for w in weights]))
    values = [np.ravel(np.asarray(v.numpy(), "float32")) for v in optimizer.variables]
    shapes = [[v.name, list(v.shape)] for v in optimizer.variables]
    return np.array(kept, "float32"), np.concatenate(values), shapes


def rates(name, args, options):
    import keras

    schedule = getattr(keras.optimizers.schedules, name)(*args, **options)
    return [float(schedule(step)) for step in range(40)]


def main():
    results = [run(case, base=True) for case in cases()]
    for case, (weights, _, _) in zip(cases(), results, strict=True):
        difference = np.abs(run(case, base=False)[0] - weights).max()
        if difference > 1e-5:
            print("torch departs from the base formula by", difference, "in", case)
    described = [
        json.dumps([case, shapes]) for case, (_, _, shapes) in zip(cases(), results, strict=True)
    ]
    first, grads = inputs()
    np.savez_compressed(
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.npz"),
        cases=np.frombuffer("\n".join(described).encode(), np.uint8),
        first=first,
        grads=grads,
        weights=np.array([w for w, _, _ in results]),
        values=np.concatenate([v for _, v, _ in results]),
        schedules=np.frombuffer(json.dumps(SCHEDULES).encode(), np.uint8),
        rates=np.array([rates(*schedule) for schedule in SCHEDULES], "float32"),
        sizes=np.array([len(v) for _, v, _ in results]),
    )


if __name__ == "__main__":
    main()
