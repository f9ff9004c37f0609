"""Optimizers against real Keras, their options, states and errors."""

import copy
import inspect
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import kerasish.optimizers as optimizers
from kerasish import constraints, registry
from kerasish.optimizers import SGD, Adam, MultiOptimizer, Optimizer, OptimizerMap, OptimizerState
from kerasish.store import Runs, Store, Weight, gather

FOLDER = Path(__file__).parent / "golden"
with np.load(FOLDER / "optimizers.npz") as golden:
    CASES = [json.loads(line) for line in golden["cases"].tobytes().decode().split("\n")]
    FIRST, GRADS = golden["first"], golden["grads"]
    WEIGHTS = golden["weights"]
    VALUES = np.split(golden["values"], np.cumsum(golden["sizes"])[:-1])
KEPT = (0, 3, 9)
PATHS = {
    "model/embedding/embeddings": (4, 2),
    "model/dense/kernel": (3, 2),
    "model/dense/bias": (2,),
    "model/conv/kernel": (2, 2, 2),
}
API = json.loads((FOLDER / "keras_api.json").read_text())
OURS = {
    cls.__name__: cls
    for cls in registry.known("optimizer").values()
    if cls.__module__.startswith("kerasish.") and cls is not MultiOptimizer
}


def make_weights(first=FIRST, dtype="float32"):
    weights, start = [], 0
    for path, shape in PATHS.items():
        size = int(np.prod(shape))
        weight = Weight(first[start : start + size].reshape(shape).astype(dtype))
        weight.path, weight.name = path, path.rpartition("/")[2]
        weights.append(weight)
        start += size
    return weights


def flat(weights):
    return np.concatenate([w.numpy().ravel() for w in weights])


def make(case):
    case = dict(case)
    cls = getattr(optimizers, case.pop("optimizer"))
    constrained, exclude = case.pop("constrained", False), case.pop("exclude", None)
    optimizer = cls(**case)
    weights = make_weights()
    if constrained:
        weights[1].constraint = constraints.get("non_neg")
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=exclude)
    return optimizer, weights


def close(ours, theirs):
    assert np.abs(ours - theirs).max() <= 1e-5 * max(1, np.abs(theirs).max())


def label(i):
    case = CASES[i][0]
    return case["optimizer"] + "-" + "-".join(k for k in case if k not in ("optimizer",)) + f"-{i}"


# --- golden numbers -----------------------------------------------------------------------------


SCALED = [i for i, (case, _) in enumerate(CASES) if "loss_scale_factor" in case]


@pytest.mark.parametrize("i", [i for i in range(len(CASES)) if i not in SCALED], ids=label)
def test_ten_steps_agree_with_keras(i):
    case, variables = CASES[i]
    optimizer, weights = make(case)
    packed = Store(weights)
    state = OptimizerState(optimizer, Runs(weights))
    for step, gradient in enumerate(GRADS):
        before = gradient.copy()
        state.apply(gradient)
        np.testing.assert_array_equal(gradient, before)
        if step in KEPT:
            close(packed.values, WEIGHTS[i, KEPT.index(step)])
    variables = [[re.sub(r"^variable_\d+$", "variable", name), shape] for name, shape in variables]
    assert [[v.name, list(v.shape)] for v in optimizer.variables] == variables
    close(np.concatenate([np.ravel(v) for v in optimizer.variables]), VALUES[i])


@pytest.mark.parametrize("i", SCALED, ids=label)
def test_loss_scale_factor_divides_gradients_given_by_hand(i):
    optimizer, weights = make(CASES[i][0])
    runs = Runs(weights)
    for gradient in GRADS:
        optimizer.apply([runs.view(gradient, w) for w in weights], weights)
    close(flat(weights), WEIGHTS[i, -1])
    assert optimizer.scale_loss(2.0) == 16.0
    fitted = trained(make(CASES[i][0] | {"loss_scale_factor": None})[0], 10)
    neutral = trained(make(CASES[i][0])[0], 10)
    np.testing.assert_array_equal(flat(neutral.runs.weights), flat(fitted.runs.weights))


def test_every_optimizer_has_golden_cases():
    assert {case["optimizer"] for case, _ in CASES} == set(OURS)


# --- names and arguments ------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", sorted(API["optimizers"]))
def test_every_symbol_of_keras_is_there_or_refused_with_a_reason(symbol):
    if symbol in optimizers.REFUSED:
        with pytest.raises(AttributeError, match=f"has no {symbol}: "):
            getattr(optimizers, symbol)
        return
    theirs, ours = API["optimizers"][symbol], getattr(optimizers, symbol)
    if theirs["kind"] == "module":
        assert inspect.ismodule(ours)
        return
    wanted = [p for p in theirs["parameters"] if p[1] != "**"]
    given = list(inspect.signature(ours).parameters.values())
    assert [p.name for p in given] == [p[0] for p in wanted]
    for parameter, row in zip(given, wanted, strict=True):
        if len(row) == 3:
            assert parameter.default == row[2], parameter.name
        assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD


@pytest.mark.parametrize("symbol", sorted(API["optimizers.schedules"]))
def test_every_symbol_of_schedules_is_there(symbol):
    theirs = API["optimizers.schedules"][symbol]["parameters"]
    given = inspect.signature(getattr(optimizers.schedules, symbol)).parameters.values()
    wanted = [(p[0], p[2] if len(p) == 3 else inspect.Parameter.empty) for p in theirs]
    if symbol != "LearningRateSchedule":
        assert [(p.name, p.default) for p in given] == wanted


METHODS = {
    "add_optimizer_variables", "add_variable", "add_variable_from_reference", "apply",
    "apply_gradients", "assign", "assign_add", "assign_sub", "build",
    "exclude_from_weight_decay", "finalize_variable_values", "from_config", "get_config",
    "iterations", "learning_rate", "load_own_variables", "save_own_variables", "scale_loss",
    "set_weights", "stateless_apply", "update_step", "variables",
}  # fmt: skip


def test_every_method_of_keras_is_there():
    assert not METHODS - set(dir(Optimizer))


def test_default_configs_are_those_of_keras():
    base = {
        "weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None,
        "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None,
        "loss_scale_factor": None, "gradient_accumulation_steps": None,
    }  # fmt: skip
    own = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": False}
    config = Adam(name="adam").get_config()
    expected = {"name": "adam", "learning_rate": 0.0010000000474974513, **base, **own}
    assert list(config.items()) == list(expected.items())
    assert list(optimizers.Muon().get_config())[-6:] == [
        "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay", "rms_rate",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(OURS))
def test_strings_configs_and_positions(name):
    for spelling in (name, name.lower(), name.upper()):
        assert type(optimizers.get(spelling)) is OURS[name]
    assert type(optimizers.get(OURS[name])) is OURS[name]
    one = OURS[name](0.25, name="mine", clipnorm=1.0, use_ema=True)
    config = json.loads(json.dumps(optimizers.serialize(one)))
    assert (config["module"], config["registered_name"]) == ("keras.optimizers", None)
    again = optimizers.deserialize(config)
    assert again.get_config() == one.get_config()
    assert optimizers.get(config).get_config() == one.get_config()
    assert optimizers.get({"class_name": name, "learning_rate": 0.25}).rate() == 0.25
    assert optimizers.get(one) is one
    assert repr(one).startswith(f"{name}(name='mine', learning_rate=0.25, ")


def test_automatic_names():
    registry.clear_names()
    assert [cls().name for cls in (Adam, Adam, optimizers.RMSprop)] == [
        "adam",
        "adam_1",
        "rm_sprop",
    ]


def test_configs_of_older_files():
    old = {"name": "SGD", "lr": 0.5, "decay": 0.0, "momentum": 0.5, "nesterov": False}
    assert SGD.from_config(old).rate() == 0.5
    old = {"learning_rate": 0.5, "jit_compile": True, "is_legacy_optimizer": False}
    assert SGD.from_config(old).rate() == 0.5


# --- bad input ----------------------------------------------------------------------------------

REFUSED = [
    (lambda: SGD(-0.1), "SGD expects a learning_rate that is finite and not negative"),
    (lambda: Adam(float("nan")), "Adam expects a learning_rate that is finite"),
    (lambda: Adam([0.1, 0.2]), "Adam expects learning_rate to be a float"),
    (lambda: Adam(None), "Adam expects learning_rate to be a float"),
    (lambda: Adam(clipnorm=1.0, clipvalue=1.0), "only one of clipnorm, clipvalue and global_clip"),
    (lambda: Adam(clipnorm=-1.0), "Adam expects clipnorm to be not negative"),
    (lambda: Adam(weight_decay=-1.0), "Adam expects weight_decay to be not negative"),
    (lambda: Adam(use_ema=True, ema_momentum=1.5), r"ema_momentum to be in \[0, 1\]"),
    (
        lambda: Adam(use_ema=True, ema_overwrite_frequency=-1),
        "ema_overwrite_frequency to be an int",
    ),
    (lambda: Adam(gradient_accumulation_steps=1), "gradient_accumulation_steps to be an integer"),
    (lambda: Adam(beta_1=1.0), r"Adam expects beta_1 to be in \[0, 1\)"),
    (lambda: optimizers.AdamW(weight_decay=None), "AdamW expects weight_decay to be a float"),
    (lambda: SGD(momentum=1.5), r"SGD expects momentum to be in \[0, 1\]"),
    (lambda: optimizers.Lion(beta_1=0.0), "Lion expects beta_1"),
    (lambda: optimizers.Ftrl(learning_rate_power=0.5), "Ftrl expects learning_rate_power"),
    (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "l1_regularization_strength"),
    (lambda: optimizers.Adagrad(initial_accumulator_value=-1.0), "initial_accumulator_value"),
    (lambda: optimizers.Adafactor(clip_threshold=0.0), "Adafactor expects clip_threshold"),
    (lambda: optimizers.get("addam"), "optimizer identifier: 'addam'. Did you mean 'adam'?"),
    (lambda: optimizers.get(3), "Could not interpret optimizer identifier: 3"),
    (lambda: optimizers.get(len), "Could not interpret optimizer identifier"),
    (lambda: optimizers.get("LossScaleOptimizer"), "float32; use the inner optimizer"),
    (lambda: optimizers.deserialize({"class_name": "LossScaleOptimizer", "config": {}}), "float16"),
    (lambda: Adam().apply([1.0]), "Adam.apply needs to know the weights"),
    (lambda: Adam().set_weights([]), "set_weights needs the slots"),
    (lambda: Adam().stateless_apply([], [], []), "stateless_apply needs the slots"),
    (lambda: Adam().apply_gradients([(None, Weight(1.0))]), "no gradient for any weight"),
    (lambda: Adam().apply([np.ones(2)], [Weight(np.ones(3))]), r"of shape \(2,\) for the weight"),
    (lambda: Adam().apply([np.ones(3), 0], [Weight(np.ones(3))]), "one gradient for each of the 1"),
]


@pytest.mark.parametrize(("call", "match"), REFUSED)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_unknown_argument_and_wrong_weights():
    with pytest.raises(TypeError, match=r"Unrecognized keyword.*Adam.*Did you mean 'beta_1'"):
        Adam(beta1=0.9)
    with pytest.raises(TypeError, match=r"Adam expects weights .* got ndarray"):
        Adam().apply([np.ones(3)], [np.ones(3)])
    optimizer = Adam()
    optimizer.build([Weight(np.ones(2))])
    with pytest.raises(ValueError, match="does not know the weight 'other'"):
        optimizer.apply([np.ones(2)], [Weight(np.ones(2), "other")])
    with pytest.raises(ValueError, match="set_weights expects 4 arrays"):
        optimizer.set_weights([1, 2])


def test_weights_without_a_gradient_stay_with_a_warning():
    weights = make_weights()
    optimizer = Adam(0.1)
    optimizer.apply([np.ones(w.shape) for w in weights], weights)
    before = flat(weights)
    grads = [None if w.name == "bias" else np.ones(w.shape) for w in weights]
    with pytest.warns(UserWarning, match=r"Gradients do not exist for weights \['model/dense/bias"):
        optimizer.apply(grads, weights)
    moved = flat(weights) != before
    np.testing.assert_array_equal(moved, [True] * 14 + [False] * 2 + [True] * 8)


# --- learning rate ------------------------------------------------------------------------------


def test_learning_rate_is_a_float_that_can_be_set_while_training():
    w = Weight(np.zeros(1, "float32"))
    optimizer = SGD(0.5)
    state = OptimizerState(optimizer, Runs([w]))
    g = np.ones(1, "float32")
    state.apply(g)
    for rate in (0.25, np.array(0.25), np.float32(0.25), Weight(0.25)):
        optimizer.learning_rate = rate
        assert float(optimizer.learning_rate) == 0.25
    state.apply(g)
    optimizer.learning_rate.assign(1.0)
    state.apply(g)
    optimizer.learning_rate = optimizers.schedules.ExponentialDecay(1.0, 1, 0.5)
    state.apply(g)  # step 3
    np.testing.assert_array_equal(w.numpy(), [-(0.5 + 0.25 + 1.0 + 0.125)])
    with pytest.raises(TypeError, match=r"which cannot be set to 0\.1"):
        optimizer.learning_rate = 0.1
    with pytest.raises(ValueError, match="not negative"):
        Adam().learning_rate = -1.0


def test_learning_rate_reads_as_a_float32_number():
    rate = Adam(0.001).learning_rate
    assert rate.numpy().dtype == np.float32
    assert float(rate) == 0.0010000000474974513
    assert f"{rate:.4f}" == "0.0010"
    assert rate * 2 == pytest.approx(0.002)
    assert rate > 0
    assert rate.assign_add(1.0).assign_sub(0.5) == pytest.approx(0.501)
    with pytest.raises(ValueError, match="learning_rate' has shape"):
        rate.assign([1.0, 2.0])


# --- states -------------------------------------------------------------------------------------


def trained(optimizer, steps=3, weights=None):
    weights = make_weights() if weights is None else weights
    Store(weights)
    state = OptimizerState(optimizer, Runs(weights))
    for gradient in GRADS[:steps]:
        state.apply(gradient)
    return state


@pytest.mark.parametrize("name", sorted(OURS))
def test_one_optimizer_serves_several_models(name):
    shared = OURS[name](0.05)
    a, b = make_weights(), make_weights()
    first, second = OptimizerState(shared, Runs(a)), OptimizerState(shared, Runs(b))
    for k, gradient in enumerate(GRADS):
        first.apply(gradient)
        if k % 2:
            second.apply(gradient)
    np.testing.assert_array_equal(flat(a), flat(trained(OURS[name](0.05), 10).runs.weights))
    assert (first.iterations, second.iterations) == (10, 5)
    assert int(shared.iterations) == 5
    assert np.shares_memory(shared.variables[0], second.count)


@pytest.mark.parametrize("name", sorted(OURS))
def test_carry_over_to_other_weights_and_order(name):
    options = {"use_ema": True, "gradient_accumulation_steps": 2}
    optimizer, straight = OURS[name](0.05, **options), OURS[name](0.05, **options)
    whole = trained(straight, 6)
    state = trained(optimizer, 3)
    weights = state.runs.weights
    turned = OptimizerState(optimizer, Runs(weights[::-1]))
    turned.carry_over(state)
    for gradient in GRADS[3:6]:
        packed = np.concatenate([state.runs.view(gradient, w).ravel() for w in weights[::-1]])
        turned.apply(packed)
    np.testing.assert_array_equal(flat(weights), flat(whole.runs.weights))
    assert int(optimizer.iterations) == 3
    unrelated = OptimizerState(optimizer, Runs(make_weights()))
    unrelated.carry_over(turned)
    assert unrelated.iterations == 0


@pytest.mark.parametrize("name", sorted(OURS))
@pytest.mark.parametrize("options", [{}, {"use_ema": True, "gradient_accumulation_steps": 2}])
def test_exact_resume(name, options):
    one = trained(OURS[name](0.05, **options), 5)
    saved = pickle.loads(pickle.dumps(one.get_state()))
    weights = [w.numpy() for w in one.runs.weights]
    for gradient in GRADS[5:]:
        one.apply(gradient)
    other = trained(OURS[name](0.3, **options), 2)
    for w, value in zip(other.runs.weights, weights, strict=True):
        w.assign(value)
    other.set_state(saved)
    for gradient in GRADS[5:]:
        other.apply(gradient)
    np.testing.assert_array_equal(flat(one.runs.weights), flat(other.runs.weights))
    for (_, a, _), (_, b, _) in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_set_state_refuses_what_does_not_fit_and_changes_nothing():
    state = trained(Adam())
    before = state.get_state()
    for wrong in (trained(SGD(momentum=0.5)).get_state(), {}, before | {"9:more": np.zeros(1)}):
        with pytest.raises(ValueError, match="saved optimizer state does not fit"):
            state.set_state(wrong)
    for key, value in state.get_state().items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize("name", sorted(OURS))
def test_weights_that_move_to_another_store_keep_their_slots(name):
    straight = trained(OURS[name](0.05, weight_decay=0.1), 9)
    weights = make_weights()
    Store(weights)
    state = OptimizerState(OURS[name](0.05, weight_decay=0.1), Runs(weights))
    others = [Weight(np.zeros(5, "float32")), Weight(np.zeros(3, "float32"))]
    for k, gradient in enumerate(GRADS[:9]):
        if k == 3:
            gather([others[0], *weights[2:], others[1]])
        elif k == 6:
            Store([weights[1], others[1], weights[3], weights[2], weights[0]])
        state.apply(gradient)
    np.testing.assert_array_equal(flat(weights), flat(straight.runs.weights))
    assert not any(w.numpy().any() for w in others)


def test_weights_without_a_store_and_in_fortran_order():
    weight = Weight(np.asfortranarray(np.arange(6.0, dtype="float32").reshape(2, 3)))
    SGD(1.0).apply_gradients([(np.ones((2, 3)), weight)])
    np.testing.assert_array_equal(weight.numpy(), np.arange(6).reshape(2, 3) - 1.0)


@pytest.mark.parametrize("name", sorted(OURS))
def test_slices_on_threads_give_the_same_bits(name, monkeypatch):
    def run(thunks):
        for thunk in reversed(thunks):
            thunk()

    rng = np.random.default_rng(0)
    values, gradient = rng.normal(size=(2, 600)).astype("float32")
    results = []
    for block, runner in ((16384, None), (7, None), (7, run), (100, run)):
        monkeypatch.setattr("kerasish.optimizers.plan.BLOCK", block)
        weights = [Weight(values[:400].reshape(20, 20)), Weight(values[400:])]
        Store(weights)
        options = {"weight_decay": 0.1, "use_ema": True, "ema_overwrite_frequency": 2}
        state = OptimizerState(OURS[name](0.05, global_clipnorm=1.0, **options), Runs(weights))
        for _ in range(3):
            state.apply(gradient, runner)
        results.append(flat(weights))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_copies_are_unbound():
    state = trained(Adam(0.1, name="mine"))
    for other in (copy.deepcopy(state.optimizer), pickle.loads(pickle.dumps(state.optimizer))):
        assert other.get_config() == state.optimizer.get_config()
        assert (int(other.iterations), other.built) == (0, False)
        assert other.learning_rate.path == "mine/learning_rate"
        other.learning_rate = 0.5
    assert state.optimizer.rate() == np.float32(0.1)
    assert state.optimizer.built


def test_slots_that_copy_weights_see_those_loaded_after_compile():
    weights = make_weights(np.zeros_like(FIRST))
    optimizer = optimizers.ScheduleFreeAdamW(0.05)
    state = OptimizerState(optimizer, Runs(weights))
    for w, right in zip(weights, make_weights(), strict=True):
        w.assign(right.value)
    for gradient in GRADS:
        state.apply(gradient)
    straight = trained(optimizers.ScheduleFreeAdamW(0.05), 10)
    np.testing.assert_array_equal(flat(weights), flat(straight.runs.weights))


def test_options_set_after_the_state_was_made():
    state = trained(SGD(1.0), 0)
    before = flat(state.runs.weights)
    state.optimizer.clipvalue = 0.25
    state.apply(np.full(24, 4.0, "float32"))
    np.testing.assert_allclose(flat(state.runs.weights), before - 0.25, rtol=1e-6)
    state.optimizer.clipvalue, state.optimizer.weight_decay = None, 0.5
    before = flat(state.runs.weights)
    state.apply(np.zeros(24, "float32"))
    np.testing.assert_allclose(flat(state.runs.weights), before * 0.5, rtol=1e-6)


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "spared"),
    [
        (["bias"], {"model/dense/bias"}),
        (["dense"], {"model/dense/kernel", "model/dense/bias"}),
        (["conv/ker", "embeddings"], {"model/conv/kernel", "model/embedding/embeddings"}),
        (["model"], set()),
    ],
)
def test_exclude_from_weight_decay_by_name(names, spared):
    weights = make_weights()
    optimizer = SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=names)
    optimizer.apply([np.zeros(w.shape) for w in weights], weights)
    same = {
        w.path for w, a in zip(weights, make_weights(), strict=True) if (w.value == a.value).all()
    }
    assert same == spared


def test_exclude_from_weight_decay_by_weight_and_while_training():
    weights = make_weights()
    optimizer = SGD(1.0, weight_decay=0.5)
    zeros = [np.zeros(w.shape) for w in weights]
    optimizer.apply(zeros, weights)
    optimizer.exclude_from_weight_decay(var_list=weights[:2])
    optimizer.apply(zeros, weights)
    np.testing.assert_allclose(flat(weights), FIRST * ([0.5] * 14 + [0.25] * 10), rtol=1e-6)


def test_finalize_gives_the_average():
    state = trained(SGD(0.5, use_ema=True, ema_momentum=0.5), 4)
    average = np.array(state.average)
    assert not np.allclose(flat(state.runs.weights), average)
    state.optimizer.finalize_variable_values(state.runs.weights)
    np.testing.assert_array_equal(flat(state.runs.weights), average)
    plain = trained(SGD(0.5), 4)
    before = flat(plain.runs.weights)
    plain.finalize()
    np.testing.assert_array_equal(flat(plain.runs.weights), before)


@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm"])
def test_clipping_shows_gradients_that_are_not_finite(option):
    for bad in (np.nan, np.inf):
        weights = make_weights()
        gradient = np.ones(24, "float32")
        gradient[0] = bad
        with np.errstate(invalid="ignore"):
            OptimizerState(SGD(**{option: 1.0}), Runs(weights)).apply(gradient)
        assert not np.isfinite(flat(weights)).all()


def test_clipping_leaves_small_and_zero_gradients():
    for option in ("clipnorm", "global_clipnorm", "clipvalue"):
        for size in (0.0, 1e-3):
            weights = make_weights()
            state = OptimizerState(SGD(1.0, **{option: 1.0}), Runs(weights))
            state.apply(np.full(24, size, "float32"))
            np.testing.assert_allclose(flat(weights), FIRST - np.float32(size), rtol=1e-6)


def test_learning_rate_zero_changes_no_weight():
    for cls in OURS.values():
        state = trained(cls(0.0), 3)
        np.testing.assert_allclose(flat(state.runs.weights), FIRST, rtol=1e-6)


# --- the ways of Keras --------------------------------------------------------------------------


def test_surface_by_hand():
    weights = make_weights()
    optimizer = Adam(0.1, name="mine")
    assert [v.path for v in optimizer.variables] == ["mine/iteration", "mine/learning_rate"]
    optimizer.iterations.assign(4)
    assert int(optimizer.iterations) == 4
    optimizer.iterations.assign(0)
    optimizer.build(weights)
    optimizer.build(weights)
    assert optimizer.built
    count = optimizer.apply_gradients(
        zip([np.ones(w.shape) for w in weights], weights, strict=True)
    )
    assert count == 1
    optimizer.apply([])
    assert optimizer.iterations == 1
    assert optimizer.variables[2].path == "mine/model_embedding_embeddings_momentum"
    store = {}
    optimizer.save_own_variables(store)
    other = Adam(0.2)
    with pytest.warns(UserWarning, match="has 2 variables and the saved one 10"):
        other.load_own_variables(store)
    other.build(make_weights())
    other.load_own_variables(store)
    assert (int(other.iterations), other.rate()) == (1, np.float32(0.1))
    np.testing.assert_array_equal(other.variables[3], optimizer.variables[3])
    optimizer.set_weights([v.numpy() * 0 for v in optimizer.variables])
    assert not any(v.any() for v in optimizer.variables)


def test_stateless_apply_changes_nothing():
    weights = make_weights()
    optimizer = Adam(0.1)
    optimizer.build(weights)
    grads = [np.ones(w.shape) for w in weights]
    inputs = [v.numpy() for v in optimizer.variables], [w.numpy() for w in weights]
    new_weights, new_variables = optimizer.stateless_apply(inputs[0], grads, inputs[1])
    assert (int(new_variables[0]), int(optimizer.iterations)) == (1, 0)
    np.testing.assert_array_equal(flat(weights), FIRST)
    optimizer.apply(grads)
    np.testing.assert_array_equal(flat(weights), np.concatenate([w.ravel() for w in new_weights]))


class KerasMomentum(Optimizer):
    """Written as a user of Keras would."""

    def __init__(self, learning_rate=0.05, momentum=0.9, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, np.subtract(m * self.momentum, gradient * learning_rate))
        self.assign_add(variable, m)

    def get_config(self):
        return super().get_config() | {"momentum": self.momentum}


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "clipnorm": 0.5, "use_ema": True}])
def test_an_optimizer_written_weight_by_weight(options):
    theirs, ours = trained(KerasMomentum(**options), 6), trained(SGD(0.05, 0.9, **options), 6)
    np.testing.assert_allclose(flat(theirs.runs.weights), flat(ours.runs.weights), rtol=1e-5)
    names = [name for name, _, _ in theirs.variables]
    assert names == [name for name, _, _ in ours.variables]
    by_hand, weights = KerasMomentum(**options), make_weights()
    for gradient in GRADS[:6]:
        by_hand.apply([theirs.runs.view(gradient, w) for w in theirs.runs.weights], weights)
    np.testing.assert_array_equal(flat(weights), flat(theirs.runs.weights))
    again = KerasMomentum.from_config(by_hand.get_config())
    assert again.get_config() == by_hand.get_config()


def test_an_optimizer_written_weight_by_weight_serves_several_models():
    shared = KerasMomentum()
    first, second = trained(shared, 4), trained(shared, 4)
    np.testing.assert_array_equal(flat(first.runs.weights), flat(second.runs.weights))
    third = OptimizerState(shared, Runs(first.runs.weights))
    third.carry_over(first)
    third.apply(GRADS[4])
    np.testing.assert_array_equal(
        flat(first.runs.weights), flat(trained(KerasMomentum(), 5).runs.weights)
    )


def test_a_subclass_that_changes_gradients_on_their_way():
    class Halved(Adam):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient * 0.5, variable, learning_rate)

    ours = OptimizerState(Adam(0.1), Runs(make_weights()))
    for gradient in GRADS:
        ours.apply(gradient * np.float32(0.5))
    np.testing.assert_allclose(
        flat(trained(Halved(0.1), 10).runs.weights), flat(ours.runs.weights), rtol=1e-5
    )


def test_variables_made_in_build():
    class Own(KerasMomentum):
        def build(self, variables):
            super().build(variables)
            self.total = self.add_variable((), "ones", name="total")
            self.a, self.b = self.add_optimizer_variables(variables, ["a", "b"], ["ones", "zeros"])
            with pytest.raises(ValueError, match="one initializer or one for each"):
                self.add_optimizer_variables(variables, ["a", "b", "c"], ["ones", "zeros"])

    state = trained(Own(), 1)
    names = [v.path for v in state.optimizer.variables[-9:]]
    assert names[0] == f"{state.optimizer.name}/total"
    assert [n.rpartition("_")[2] for n in names[1:]] == ["a", "b"] * 4
    assert state.optimizer.total == 1
    assert state.get_state().keys() > {"6:total"}


def test_an_optimizer_without_a_formula():
    with pytest.raises(TypeError, match="Optimizer has no formula"):
        Optimizer(0.1).apply([np.ones(2)], [Weight(np.ones(2))])


# --- several optimizers -------------------------------------------------------------------------


def test_multi_optimizer_is_its_parts():
    def multi():
        chosen = {"model/dense/.*": Adam(0.1), "model/conv/kernel": optimizers.Lamb(0.1)}
        return MultiOptimizer(OptimizerMap(SGD(0.05, 0.9, weight_decay=0.1), chosen))

    state = trained(multi(), 5)
    weights = make_weights()
    for inner, part in (
        (SGD(0.05, 0.9, weight_decay=0.1), weights[:1]),
        (Adam(0.1), weights[1:3]),
        (optimizers.Lamb(0.1), weights[3:]),
    ):
        for gradient in GRADS[:5]:
            views = dict(zip(weights, state.runs.weights, strict=True))
            inner.apply([state.runs.view(gradient, views[w]) for w in part], part)
    np.testing.assert_array_equal(flat(weights), flat(state.runs.weights))
    optimizer = state.optimizer
    assert int(optimizer.iterations) == 5
    assert len(optimizer.variables) == 2 + (2 + 4) + (2 + 2) + (2 + 1)
    assert [v.shape for v in optimizer.variables] == [a.shape for _, a, _ in state.variables]
    saved, fresh = state.get_state(), trained(multi(), 0)
    fresh.set_state(saved)
    for w, value in zip(fresh.runs.weights, weights, strict=True):
        w.assign(value.value)
    turned = OptimizerState(optimizer, Runs(state.runs.weights))
    turned.carry_over(state)
    turned.apply(GRADS[5])
    fresh.apply(GRADS[5])
    np.testing.assert_array_equal(flat(fresh.runs.weights), flat(turned.runs.weights))


def test_multi_optimizer_configs_and_errors():
    optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"a": Adam(0.25)}))
    config = json.loads(json.dumps(optimizers.serialize(optimizer)))
    again = optimizers.get(config)
    assert again.get_config() == optimizer.get_config()
    assert [type(o) for o in again.optimizers] == [Adam, SGD]
    for act in (
        lambda: optimizer.learning_rate,
        lambda: setattr(optimizer, "learning_rate", 0.1),
    ):
        with pytest.raises(AttributeError, match=r"[Ss]et it on each"):
            act()
    with pytest.raises(ValueError, match="is no MultiOptimizer itself"):
        MultiOptimizer(OptimizerMap(optimizer))
    with pytest.raises(TypeError, match="default_optimizer to be an Optimizer"):
        OptimizerMap("sgd")
    with pytest.raises(TypeError, match="optimizer_map to be a dict"):
        OptimizerMap(SGD(), [Adam()])
    chosen = OptimizerMap(SGD(), {"x/.*": Adam(), "x/y": SGD(), ".*/z": SGD()})
    assert type(chosen["x/y"]) is SGD
    assert len(chosen) == 3
    for act, match in (
        (lambda: chosen["x/z"], "several optimizers for 'x/z'"),
        (lambda: chosen.__setitem__("x/y", Adam()), "has an optimizer for 'x/y' already"),
        (lambda: chosen.__setitem__(3, Adam()), "keys to be str"),
        (lambda: chosen.__setitem__("w", "adam"), "must be an Optimizer"),
        (lambda: MultiOptimizer(lambda w: 3).build(make_weights()), "must be an Optimizer"),
    ):
        with pytest.raises(ValueError, match=match):
            act()
    del chosen["x/y"]
    assert type(chosen["x/y"]) is Adam


def test_multi_optimizer_with_a_function_and_average():
    slow, fast = SGD(0.1, use_ema=True), SGD(1.0)
    optimizer = MultiOptimizer(lambda w: slow if w.name == "bias" else fast)
    weights = make_weights()
    optimizer.apply([np.ones(w.shape) for w in weights], weights)
    np.testing.assert_allclose(
        flat(weights), FIRST - ([1.0] * 14 + [0.1] * 2 + [1.0] * 8), rtol=1e-5
    )
    optimizer.finalize_variable_values(weights)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, np.ones((3, 2)), None, None], weights)
    np.testing.assert_allclose(flat(weights)[8:14], FIRST[8:14] - 2.0, rtol=1e-5)
    assert (int(fast.iterations), int(slow.iterations)) == (2, 1)
