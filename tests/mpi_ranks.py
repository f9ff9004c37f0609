"""What two ranks of an MPI job agree on, and what each does alone: ``mpi_ranks FOLDER``.

Every function is a test that both ranks run, in order. The first assertion that fails ends the job.
"""

import inspect
import os
import pathlib
import sys
import time
import warnings

import numpy as np
import pytest

import kerasish as ks
from kerasish import callbacks, layers
from kerasish.callbacks import LambdaCallback
from kerasish.data import DataLoader
from kerasish.distributed import RankError, connect, is_first
from kerasish.distributed.memory import shared_memory
from kerasish.training import shards
from kerasish.training.agreement import checksum

RANK, SIZE = ks.distributed.rank(), ks.distributed.size()
RNG = np.random.default_rng(0)
X = RNG.standard_normal((48, 5)).astype("float32")
Y = RNG.integers(0, 3, 48)
LOSS = "sparse_categorical_crossentropy"


def made(*more, optimizer="sgd", loss=LOSS, units=3, seed=1, **options):
    model = ks.Sequential([*more, layers.Dense(units, "softmax")], seed=seed)
    return model.compile(optimizer, loss, distribute="mpi", **options)


def on_all(value):
    """What the ranks have, in order."""
    return connect().exchange("a test", value)


def weights_of(model):
    return b"".join(weight.numpy().tobytes() for weight in model.weights)


def test_the_first_ranks_weights_are_everybodys(folder):
    model = made(layers.Dropout(0.5), seed=None)
    model.build((None, 5))
    first, second = on_all(weights_of(model))
    assert first != second  # no seed: each rank has drawn its own
    model.fit(X, Y, epochs=2, verbose=0)
    first, second = on_all((weights_of(model), model.seed))
    assert first == second


def test_weights_that_one_rank_has_changed_are_put_right_with_a_warning(folder):
    model = made()
    change = LambdaCallback(
        on_epoch_end=lambda *_: RANK == 1 and model.layers[-1].bias.assign(np.ones(3))
    )
    if is_first():
        with pytest.warns(UserWarning, match=r"weights of rank\(s\) \[1\] are no longer those"):
            model.fit(X, Y, epochs=2, verbose=0, callbacks=[change])
    else:
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[change])


def test_a_rank_that_stops_stops_all_after_the_same_batch(folder):
    model = made()
    stop = LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(
            model, "stop_training", model.stop_training or (RANK == 1 and batch == 3)
        )
    )
    model.fit(X, Y, 4, epochs=9, verbose=0, callbacks=[stop])
    assert on_all(int(model.optimizer.iterations)) == [4, 4]


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_epoch_begin"])
def test_a_learning_rate_set_on_one_rank_is_everybodys(folder, hook):
    model = made()
    change = LambdaCallback(
        **{hook: lambda *_, **__: RANK == 1 and setattr(model.optimizer, "learning_rate", 0.25)}
    )
    model.fit(X, Y, 16, verbose=0, callbacks=[change])
    assert on_all(float(model.optimizer.learning_rate)) == [0.25, 0.25]
    assert len(set(on_all(weights_of(model)))) == 1


def test_only_the_first_rank_writes_and_looks_on_but_users_callbacks_run_on_all(folder):
    own = folder / str(RANK)
    own.mkdir()
    calls, matrix = [], callbacks.ConfusionMatrix()
    model = made(metrics=["accuracy"])
    model.fit(
        X,
        Y,
        epochs=2,
        verbose=2,
        validation_split=0.25,
        callbacks=[
            callbacks.CSVLogger(own / "log.csv"),
            callbacks.ModelCheckpoint(own / "model.weights.h5", save_weights_only=True),
            callbacks.RunLog(own / "run.jsonl"),
            callbacks.BackupAndRestore(own / "backup", delete_checkpoint=False),
            callbacks.EarlyStopping("val_loss", patience=0, min_delta=9, verbose=1),
            matrix,
            LambdaCallback(on_epoch_end=lambda epoch, logs: calls.append(logs["val_accuracy"])),
        ],
    )
    found, other = on_all((sorted(os.listdir(own)), calls))
    assert len(found[0]) == 4
    assert other[0] == []
    assert found[1] == other[1] != []
    if is_first():
        assert matrix.matrix.sum() == 12
        lines = (own / "log.csv").read_text("utf-8").splitlines()
        assert len(lines) == 1 + len(calls)


def test_evaluate_and_predict_are_every_ranks_own(folder):
    model = made(layers.BatchNormalization(), metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    alone = ks.Sequential([layers.BatchNormalization(), layers.Dense(3, "softmax")])
    alone.build((None, 5))
    alone.set_weights(model.get_weights())
    if RANK == 1:
        assert model.predict(X[:7]).shape == (7, 3)
        expected = alone.compile("sgd", LOSS, ["accuracy"], distribute="mpi").evaluate(X, Y)
        assert model.evaluate(X, Y) == expected


def test_numbers_that_are_not_finite_end_all_ranks_and_are_found(folder):
    x = X.copy()
    x[40] = np.nan  # in the part of the second rank
    model = made()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = model.fit(x, Y, 48, 3, verbose=0, shuffle=False)
    assert np.isnan(history.history["loss"]).tolist() == [True]
    texts = [str(w.message) for w in told if "fit stopped" in str(w.message)]
    assert len(texts) == is_first()
    assert all("the input data is not finite" in text for text in texts)
    assert len(set(on_all(weights_of(model)))) == 1


def test_an_error_reaches_the_other_rank_too_and_both_can_go_on(folder):
    model, ended = made(), []

    def fail(batch, logs):
        if RANK == 1 and batch == 2:
            raise RuntimeError("no more")

    listed = [LambdaCallback(on_train_batch_end=fail, on_train_end=lambda logs: ended.append(1))]
    expected = RuntimeError if RANK == 1 else RankError
    with pytest.raises(expected, match=r"no more" if RANK else r"rank 1 of 2 .* RuntimeError: no"):
        model.fit(X, Y, 8, verbose=0, callbacks=listed)
    assert ended == [1]
    model.fit(X, Y, 8, verbose=0)
    assert len(set(on_all(weights_of(model)))) == 1


def test_generators_that_differ_are_refused(folder):
    def batches(longer, rows):
        yield X[:8], Y[:8]
        yield X[:rows], Y[:rows]
        if longer:
            yield X[:8], Y[:8]

    with pytest.raises(RankError, match=r"different lengths \(rank 0: 8, rank 1: 6\)"):
        made().fit(batches(True, 8 - 2 * RANK), epochs=1, verbose=0)
    with pytest.raises(RankError, match=r"apart: rank 0 is at a step .*; rank 1 is at the end"):
        made().fit(batches(RANK == 0, 8), epochs=1, verbose=0)


def test_layers_that_need_the_whole_batch_are_refused(folder):
    class Centred(layers.Layer):
        def call(self, x):
            return x - x.mean(0)

    with pytest.raises(ValueError, match=r"compile: distribute='mpi' cannot train Centred"):
        made(Centred())

    def spread(x):
        return x.std()

    with pytest.raises(ValueError, match=r"whose activity regularizer .* needs the whole batch"):
        made(layers.Dense(2, activity_regularizer=spread))


def test_the_optimizer_is_whole_on_each_rank_in_a_fit_and_its_own_after_it(folder):
    model, found = made(layers.Dense(30_000, "relu"), optimizer="adam"), []
    note = LambdaCallback(
        on_train_batch_end=lambda *_, **__: found.append(
            [checksum([array]) for _, array, _ in model.program.state.variables]
        )
    )
    model.fit(X, Y, 16, verbose=0, callbacks=[note])
    first, second = on_all(found)
    assert first == second
    assert first[0] != first[2]
    slots = model.program.state.variables
    assert [checksum([array]) for _, array, _ in slots] == found[-1]
    if RANK == 1:
        slots[2][1][...] = 5
    on_all(None)
    assert float(slots[2][1].max()) == (5 if RANK == 1 else pytest.approx(0, abs=1))


def test_memory_is_shared_where_the_system_can(folder, monkeypatch):
    cluster = connect()
    parts = shared_memory(cluster, 100 + RANK)
    assert [len(part) for part in parts] == [100, 101]
    parts[RANK][:] = RANK + 1
    cluster.meet("a test")
    assert [part.tolist() for part in parts] == [[1] * 100, [2] * 101]
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "hosts", ["here", "there"])
        assert shared_memory(cluster, 100) is None
    with monkeypatch.context() as patch:
        if RANK == 1:
            patch.delattr(os, "memfd_create")
        assert shared_memory(cluster, 100) is None
    with monkeypatch.context() as patch:  # processes are numbered otherwise, as in a container
        if RANK == 1:
            patch.setattr(os, "getpid", lambda: 1)
        assert shared_memory(cluster, 100) is None


def test_more_threads_in_a_fit_are_used_though_the_optimizer_is_shared_no_more(folder):
    def more(epoch, logs):
        ks.config.set_num_threads(2)

    model = made(layers.Dense(30_000, "relu"), optimizer="adam")
    try:
        model.fit(X, Y, 16, epochs=3, verbose=0, callbacks=[LambdaCallback(on_epoch_end=more)])
    finally:
        ks.config.set_num_threads(1)
    assert len(set(on_all(weights_of(model)))) == 1


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_rank_reads_its_own_rows_of_a_file(folder, shuffle):
    np.save(folder / f"x{RANK}.npy", X)
    mapped = np.load(folder / f"x{RANK}.npy", mmap_mode="r")
    found = ks.data.batches(mapped, Y, batch_size=16, shuffle=shuffle)
    column = found._x
    slices, takes, read = column.slice, column.take, []

    class Noting(type(column)):
        def slice(self, start, stop):
            read.extend(range(start, stop))
            return slices(start, stop)

        def take(self, rows):
            read.extend(rows.tolist())
            return takes(rows)

    found._x = Noting(mapped, np.dtype("float32"))
    model = made()
    model.build((None, 5))
    model.program.bind()
    found.share = model.program.own_rows
    assert [len(part.x) for part in found.epoch(np.random.default_rng(0))] == [8, 8, 8]
    assert sorted(row for rows in on_all(read) for row in rows) == list(range(48))


def test_a_loader_with_a_shard_makes_its_own_rows_only(folder):
    asked = []

    class Samples:
        def __len__(self):
            return 45

        def __getitem__(self, i):
            asked.append(i)
            return X[i], Y[i]

    loader = DataLoader(Samples(), batch_size=11, shuffle=True, shard=(RANK, SIZE), prefetch=0)
    loader = loader.map(lambda x, rng: x + rng.normal(0, 0.1, x.shape))
    model = made()
    model.fit(loader, epochs=2, verbose=0)
    assert len(set(on_all(weights_of(model)))) == 1
    first, other = on_all(asked)
    assert len(other) < 2 * 24  # half of the rows; one for its shape where none is this rank's
    assert set(first) | set(other) == set(range(45))


def test_arrays_in_a_loader_with_a_shard_train_as_they_do_by_themselves(folder):
    alone, sharded = made(), made()
    one = DataLoader(X, Y, batch_size=10, shuffle=True, seed=3)
    two = DataLoader(X, Y, batch_size=10, shuffle=True, seed=3 + RANK, shard=(RANK, SIZE))
    alone.fit(one, epochs=2, verbose=0)
    sharded.fit(two, epochs=2, verbose=0)  # with the first rank's seed
    assert len(set(on_all(weights_of(alone)) + on_all(weights_of(sharded)))) == 1


def test_a_generator_may_make_its_part_itself(folder):
    def batches(shard):
        rank, size = shard
        for at in range(0, 36, 12):
            yield X[at + rank : at + 12 : size], Y[at + rank : at + 12 : size]

    first, second = made(), made()
    first.fit(DataLoader(batches, shard=(RANK, SIZE)), epochs=2, verbose=0)
    assert len(set(on_all(weights_of(first)))) == 1
    whole = np.concatenate([np.r_[at : at + 12 : 2, at + 1 : at + 12 : 2] for at in (0, 12, 24)])
    second.fit(X[whole], Y[whole], 12, 2, shuffle=False, verbose=0)
    assert weights_of(first) == weights_of(second)
    with pytest.raises(ValueError, match=r"has shard=\(0, 3\), but this is rank \d of 2"):
        made().fit(DataLoader(X, Y, shard=(0, 3)), verbose=0)


def test_a_batch_of_one_row_and_a_rank_without_any(folder):
    def batches(shard):
        for count in (2, 1, 1):
            yield X[: count if shard[0] == 0 else count - 1], Y[: count - shard[0]]

    model = made(layers.BatchNormalization(), layers.Dropout(0.2))
    model.fit(DataLoader(batches, shard=(RANK, SIZE)), verbose=0, epochs=2)
    assert len(set(on_all(weights_of(model)))) == 1


def main(folder):
    shards.MIN_SHARD_FLOP = 1
    ks.config.set_num_threads(1)
    own = pathlib.Path(folder)
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        marks = getattr(test, "pytestmark", [])
        for i, value in enumerate(marks[0].args[1] if marks else [None]):
            place = own / f"{name}-{i}"
            place.mkdir(exist_ok=True)
            began = time.perf_counter()
            arguments = {marks[0].args[0]: value} if marks else {}
            with pytest.MonkeyPatch.context() as patch:
                if "monkeypatch" in inspect.signature(test).parameters:
                    arguments["monkeypatch"] = patch
                test(place, **arguments)
            if is_first():
                sys.stdout.write(f"{name} {time.perf_counter() - began:.3f}\n")


if __name__ == "__main__":
    main(sys.argv[1])
