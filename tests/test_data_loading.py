"""Dividing rows, the DataLoader, and readers of files."""

import functools
import gzip
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kerasish as ks
from kerasish.data import (
    DataLoader,
    batches,
    from_csv,
    from_hdf5,
    from_npz,
    train_test_split,
    train_val_split,
)
from kerasish.data.hdf5 import RowRange, RowSelection
from kerasish.data.prefetch import ahead
from kerasish.utils import PyDataset, to_categorical

X = np.arange(40, dtype="float32").reshape(20, 2)
Y = np.arange(20) % 4


def model(classes=4):
    made = ks.Sequential([ks.layers.Dense(classes, activation="softmax")], seed=0)
    return made.compile("sgd", "sparse_categorical_crossentropy")


# --- train_test_split ---------------------------------------------------------------------------


def test_a_split_keeps_rows_together_and_loses_none():
    x_train, x_test, y_train, y_test = train_test_split(X, np.arange(20), test_size=5, seed=1)
    assert (len(x_train), len(x_test)) == (15, 5)
    assert sorted(np.r_[y_train, y_test]) == list(range(20))
    np.testing.assert_array_equal(x_train, X[y_train])
    np.testing.assert_array_equal(x_test, X[y_test])
    assert y_train.tolist() != sorted(y_train)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({}, (15, 5)),
        ({"test_size": 0.3}, (14, 6)),
        ({"test_size": 0.11}, (17, 3)),
        ({"train_size": 0.5}, (10, 10)),
        ({"train_size": 12}, (12, 8)),
        ({"train_size": 3, "test_size": 0.1}, (3, 2)),
        ({"test_size": np.int64(4)}, (16, 4)),
    ],
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_sizes_are_those_of_scikit_learn(sizes, expected, shuffle):
    train, test = train_test_split(X, shuffle=shuffle, **sizes)
    assert (len(train), len(test)) == expected
    reference = pytest.importorskip("sklearn.model_selection").train_test_split
    assert [len(part) for part in reference(X, **sizes)] == list(expected)
    if not shuffle:
        np.testing.assert_array_equal(np.r_[train, test], X[: sum(expected)])


def test_splits_repeat_with_their_seed_or_with_set_random_seed():
    first, again, other = (train_test_split(Y * 1.5, seed=s)[0].tolist() for s in (1, 1, 2))
    assert first == again != other
    assert train_test_split(Y * 1.5, random_state=2)[0].tolist() == other
    ks.set_random_seed(5)
    drawn = [train_test_split(X)[0].tolist() for _ in range(2)]
    assert drawn[0] != drawn[1]
    ks.set_random_seed(5)
    assert [train_test_split(X)[0].tolist() for _ in range(2)] == drawn


def test_this_split_never_changes():
    assert train_test_split(np.arange(10), test_size=3, seed=0)[1].tolist() == [1, 3, 2]


@pytest.mark.parametrize("labels", [Y, Y[:, None], to_categorical(Y), np.array(list("abcd"))[Y]])
def test_stratified_parts_have_equal_shares(labels):
    y_train, y_test = train_test_split(Y, test_size=8, seed=0, stratify=labels)
    assert np.bincount(y_train).tolist() == [3] * 4
    assert np.bincount(y_test).tolist() == [2] * 4


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(2, 12), min_size=2, max_size=4),
    share=st.floats(0.1, 0.7),
    seed=st.integers(0, 99),
)
def test_every_class_has_its_share_to_within_one_row(sizes, share, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.arange(len(labels))
    train, test = train_test_split(rows, test_size=share, seed=seed, stratify=labels)
    assert sorted([*train, *test]) == rows.tolist()
    assert len(test) == int(np.ceil(round(share * len(rows), 6)))
    found = np.bincount(labels[test], minlength=len(sizes))
    assert (np.abs(found - np.array(sizes) * len(test) / len(rows)) < 1).all()


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 60),
    size=st.integers(1, 9),
    chunk=st.integers(1, 7),
    pool=st.integers(1, 70),
    seed=st.integers(0, 99),
)
def test_a_pool_of_any_size_gives_every_row_once_in_full_batches(rows, size, chunk, pool, seed):
    class Stored:
        shape, dtype, chunks = (rows,), np.dtype("int64"), (chunk,)

        def __getitem__(self, part):
            return np.arange(rows)[part]

    loader = DataLoader(Stored(), batch_size=size, shuffle=True, seed=seed, buffer_size=pool)
    parts = [part for (part,) in loader]
    assert sorted(np.concatenate(parts)) == list(range(rows))
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)


def test_train_val_split_gives_what_fit_takes():
    train, validation = train_val_split(X, Y, 0.2, seed=0, stratify=True)
    assert np.bincount(validation[1]).tolist() == [1] * 4
    history = model().fit(*train, validation_data=validation, verbose=0)
    assert "val_loss" in history.history
    (x, _), (x_val, _) = train_val_split(X, Y, 3, shuffle=False)
    np.testing.assert_array_equal(np.r_[x, x_val], X)
    _, (_, y_val) = train_val_split(X, Y, 4, stratify=Y < 2, seed=0)
    assert (y_val < 2).sum() == 2


def test_lists_and_pandas_stay_what_they_are():
    a, b = train_test_split(list("abcdefgh"), test_size=2, seed=0)
    assert (len(a), sorted(a + b)) == (6, list("abcdefgh"))
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": X[:, 0]}, index=range(20, 0, -1))
    train, test, y_train, _ = train_test_split(frame, frame["a"], test_size=4, seed=0)
    assert (len(train), len(test)) == (16, 4)
    assert (train.index == y_train.index).all()


@pytest.mark.parametrize("kind", ["hdf5", "memmap"])
def test_arrays_in_files_are_not_read_to_be_divided(tmp_path, kind):
    if kind == "hdf5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "d.h5", "w") as file:
            file["x"] = X
        x = from_hdf5(tmp_path / "d.h5", "x")
    else:
        np.save(tmp_path / "d.npy", X)
        x = np.load(tmp_path / "d.npy", mmap_mode="r")
    x_train, x_test, y_train, y_test = train_test_split(x, np.arange(20), test_size=5, seed=1)
    assert isinstance(x_train, RowSelection)
    assert y_train.tolist() == sorted(y_train)
    np.testing.assert_array_equal(x_train[:], X[y_train])
    np.testing.assert_array_equal(x_test[1:4], X[y_test[1:4]])
    for batch in batches(x_train, y_train, batch_size=4, shuffle=True).epoch():
        np.testing.assert_array_equal(batch.x, X[batch.y])
    head, tail = train_test_split(x, test_size=5, shuffle=False)
    assert isinstance(head, RowRange if kind == "hdf5" else np.memmap)
    np.testing.assert_array_equal(tail[:], X[15:])
    if kind == "hdf5":
        x.file.close()


@pytest.mark.parametrize("gap", [1, 5, 40])
def test_a_selection_reads_rows_that_lie_apart_in_pieces(gap):
    rows = np.arange(0, 300, gap)
    source = np.arange(600).reshape(300, 2)
    part = RowSelection(source, rows)
    assert (part.shape, len(part), part.dtype) == ((len(rows), 2), len(rows), source.dtype)
    np.testing.assert_array_equal(part[2:7], source[rows[2:7]])
    assert part[5:5].shape == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {}, r"no arrays came"),
        ((X, Y[:5]), {}, r"same number of samples. 'array 1' sizes: 20, 'array 2' sizes: 5"),
        ((X,), {"test_size": 1.5}, r"`test_size` must be a fraction between 0 and 1.* got 1.5"),
        ((X,), {"test_size": 20}, r"20 rows cannot give 0 to train on and 20 to judge"),
        ((X,), {"test_size": 0.9, "train_size": 5}, r"20 rows cannot give 5 .* and 18"),
        ((X,), {"test_size": "a"}, r"`test_size` must be a fraction or a whole number.* 'a'"),
        ((X,), {"stratify": Y[:5]}, r"`stratify` must have one class for each of the 20 rows"),
        ((X,), {"stratify": Y * 0.3}, r"`stratify` must hold classes but has values such as 0.3"),
        ((X,), {"stratify": np.r_[Y[:-1], 9]}, r"a class of `stratify` has 1 row only"),
        ((X,), {"stratify": Y, "shuffle": False}, r"`stratify` needs rows to choose from"),
        ((5,), {}, r"expects arrays, lists or pandas objects .* got int"),
    ],
)
def test_splits_say_what_is_wrong(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        train_test_split(*arguments, **options)


# --- DataLoader ---------------------------------------------------------------------------------


def all_of(loader, part=1):
    return np.concatenate([batch[part] for batch in loader])


def test_arrays_come_in_batches_in_order_or_shuffled_every_epoch_anew():
    loader = DataLoader(X, np.arange(20), batch_size=6)
    assert (len(loader), [len(x) for x, _ in loader]) == (4, [6, 6, 6, 2])
    assert all_of(loader).tolist() == list(range(20))
    shuffled = DataLoader(X, np.arange(20), batch_size=6, shuffle=True, seed=3)
    first, second = all_of(shuffled), all_of(shuffled)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first.tolist() != second.tolist() != list(range(20))
    again = DataLoader(X, np.arange(20), batch_size=6, shuffle=True, seed=3)
    assert all_of(again).tolist() == first.tolist()
    for x, y in shuffled:
        np.testing.assert_array_equal(x, X[y])


def test_a_loader_without_seed_follows_set_random_seed():
    def order():
        ks.set_random_seed(1)
        return all_of(DataLoader(X, np.arange(20), shuffle=True)).tolist()

    assert order() == order()


def test_drop_last_leaves_the_short_batch_out_but_not_of_predictions():
    loader = DataLoader(X, Y, batch_size=6, drop_last=True, shuffle=True)
    assert (len(loader), [len(x) for x, _ in loader]) == (3, [6, 6, 6])
    trained = model()
    trained.fit(loader, verbose=0)
    np.testing.assert_allclose(
        trained.predict(loader, verbose=0), trained.predict(X, verbose=0), rtol=1e-6
    )


def test_a_loader_says_what_it_is():
    loader = DataLoader(X, Y, batch_size=8, shuffle=True).map(np.sqrt)
    assert repr(loader) == "<DataLoader of 20 rows, batches of 8, shuffled, 1 transforms>"
    assert repr(DataLoader(lambda: iter(()))) == "<DataLoader of function, 0 transforms>"


def test_weights_and_x_alone():
    assert [len(batch) for batch in DataLoader(X, Y, np.ones(20))] == [3]
    assert [len(batch) for batch in DataLoader(X)] == [1]


@pytest.mark.parametrize("prefetch", [0, 3])
def test_transforms_are_applied_in_order(prefetch):
    loader = DataLoader(X, Y, batch_size=8, prefetch=prefetch)
    mapped = loader.map(lambda x: x / 2).map(lambda x, y: (x + 1, to_categorical(y, 4)))
    x, y = next(iter(mapped))
    np.testing.assert_array_equal(x, X[:8] / 2 + 1)
    assert y.shape == (8, 4)
    assert next(iter(loader))[1].shape == (8,)  # the loader itself is as before
    weighted = DataLoader(X, Y, np.ones(20)).map(lambda x, y, w: (x, y, w * 2))
    assert next(iter(weighted))[2].tolist() == [2.0] * 20


def test_a_transform_may_change_its_batch_in_place_but_never_the_data():
    def halve(x):
        x /= 2
        return x

    source = X.copy()
    assert next(iter(DataLoader(source, batch_size=20).map(halve)))[0][1, 0] == 1
    np.testing.assert_array_equal(source, X)


def test_augmenting_depends_on_seed_epoch_and_place_only():
    def noisy(**options):
        loader = DataLoader(X, Y, batch_size=8, seed=4, **options)
        return loader.map(lambda x, rng: x + rng.normal(size=x.shape))

    first, second = noisy(), noisy(prefetch=0)
    epochs = [[all_of(loader, 0) for _ in range(2)] for loader in (first, second)]
    np.testing.assert_array_equal(epochs[0], epochs[1])
    assert not np.array_equal(*epochs[0])
    np.testing.assert_array_equal(all_of(first.batches(0, start=2), 0), epochs[0][0][16:])


def test_ufuncs_layers_and_partials_are_transforms():
    loader = DataLoader(X, batch_size=20).map(np.sqrt)
    loader = loader.map(functools.partial(np.add, 1)).map(ks.layers.Rescaling(2.0))
    np.testing.assert_allclose(next(iter(loader))[0], 2 * (1 + np.sqrt(X)), rtol=1e-6)


@pytest.mark.parametrize("indexed", [False, True])
def test_samples_of_generators_and_datasets_are_put_together(indexed):
    def samples():
        for i in range(20):
            yield X[i], i

    source = list(samples()) if indexed else samples

    class Samples:
        def __len__(self):
            return 20

        def __getitem__(self, i):
            return source[i]

    given = Samples() if indexed else source
    loader = DataLoader(given, batch_size=6, shuffle=True, seed=0, buffer_size=8)
    first, second = all_of(loader), all_of(loader)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first.tolist() != list(range(20))
    assert first.tolist() != second.tolist()
    assert [len(x) for x, _ in DataLoader(given, batch_size=6, drop_last=True)] == [6, 6, 6]
    if indexed:
        assert len(loader) == 4
    else:
        with pytest.raises(TypeError, match=r"DataLoader of a function has no len"):
            len(loader)


def test_batches_of_generators_and_datasets_stay_as_they_are():
    def made():
        yield X[:3], Y[:3]
        yield X[3:5], Y[3:5]

    loader = DataLoader(made).map(lambda x: x * 2)
    for _ in range(2):
        assert [len(x) for x, _ in loader] == [3, 2]
    history = model().fit(loader, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2

    class Dataset(PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return X[i : i + 2], Y[i : i + 2]

    assert len(DataLoader(Dataset(), shuffle=True)) == 3
    assert len(all_of(DataLoader(Dataset(), shuffle=True))) == 6


def test_a_loader_goes_straight_into_fit_evaluate_and_predict(capsys):
    loader = DataLoader(X, Y, batch_size=8, shuffle=True, seed=0).map(lambda x: x / 40)
    trained = model()
    trained.fit(loader, epochs=2, validation_data=loader, verbose=2)
    assert "3 steps" in capsys.readouterr().out
    assert trained.evaluate(loader, verbose=0) == pytest.approx(
        trained.evaluate(X / 40, Y, verbose=0), rel=1e-5
    )
    np.testing.assert_allclose(
        trained.predict(loader, verbose=0), trained.predict(X / 40, verbose=0), rtol=1e-5
    )


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_shuffled_loader_trains_as_its_batches_do_one_by_one(prefetch):
    loader = DataLoader(X, Y, batch_size=8, shuffle=True, seed=0, prefetch=prefetch)
    one, other = model(), model()
    one.fit(loader, epochs=3, verbose=0)
    twin = DataLoader(X, Y, batch_size=8, shuffle=True, seed=0)
    for _ in range(3):
        for x, y in twin:
            other.train_on_batch(x, y)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("done", [0, 2])
def test_a_later_process_goes_on_at_the_same_batch(done):
    def made():
        loader = DataLoader(X, np.arange(20), batch_size=6, shuffle=True, seed=9, prefetch=1)
        return batches(loader.map(lambda x, rng: x + rng.normal(size=x.shape)))

    first = made()
    list(first.epoch())
    epoch = first.epoch()
    for _ in range(done):
        next(epoch)
    state = first.get_state()
    rest = [b.x for b in epoch]
    later = made()
    later.peek()
    found = later.reopen(state, done) or later.epoch()
    for a, b in zip(rest, (b.x for b in found), strict=True):
        np.testing.assert_array_equal(a, b)
    ends = [np.concatenate([b.x for b in d.epoch()]) for d in (first, later)]
    np.testing.assert_array_equal(*ends)


def test_hdf5_is_read_in_blocks_whose_number_can_be_set(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file.create_dataset("x", data=np.arange(400.0), chunks=(20,))
    x = from_hdf5(tmp_path / "d.h5", "x")
    spread = {}
    for size in (20, 100, 400):
        loader = DataLoader(x, batch_size=10, shuffle=True, seed=0, buffer_size=size)
        parts = [part for (part,) in loader]
        assert sorted(np.concatenate(parts)) == list(range(400))
        spread[size] = np.mean([len(np.unique(part // 20)) for part in parts])
    assert spread[20] == 1  # blocks a batch is from: one, several, many
    assert 3 < spread[100] < spread[400]
    x.file.close()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X, Y[:5]), {}, r"DataLoader: Data cardinality is ambiguous"),
        ((X, Y), {"batch_size": 0}, r"DataLoader: `batch_size` must be at least 1"),
        ((X, Y), {"batch_size": 2.5}, r"DataLoader: `batch_size` must be a whole number"),
        ((X, Y), {"buffer_size": -1}, r"DataLoader: `buffer_size` must be at least 1"),
        ((lambda: iter(()), Y), {}, r"`y` and `sample_weight` go with arrays only"),
        ((lambda: iter(()),), {"shuffle": True}, r"shuffle=True needs single samples"),
        ((3 + 4j,), {}, r"DataLoader: x must be arrays, a function"),
        ((np.array(["a", "b"]),), {}, r"DataLoader: `x` must hold numbers"),
    ],
)
def test_a_loader_says_what_is_wrong(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        DataLoader(*arguments, **options)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x, y, w: (x, y, w), r"takes 3 arguments \(x, y, w\), but the batches have 2"),
        (lambda x, y: x, r"must return a tuple of 2 but returned ndarray"),
    ],
)
def test_a_transform_that_does_not_fit_is_named(function, message):
    with pytest.raises(ValueError, match=message):
        list(DataLoader(X, Y).map(function))
    with pytest.raises(TypeError, match=r"DataLoader.map expects a function but got 3"):
        DataLoader(X, Y).map(3)


def test_samples_that_do_not_fit_together_are_refused():
    def ragged():
        yield np.zeros(3), 1
        yield np.zeros(4), 1

    with pytest.raises(ValueError, match=r"samples of shapes \(3,\) and \(4,\) cannot be put"):
        list(DataLoader(ragged, batch_size=2))
    with pytest.raises(ValueError, match=r"some samples have y and some have not"):
        list(DataLoader(lambda: iter([(1, 2), (1,)]), batch_size=2))
    with pytest.raises(ValueError, match=r"makes whole batches. Leave `batch_size` out"):
        DataLoader(PyDataset(), batch_size=2)


# --- prefetching --------------------------------------------------------------------------------


def test_items_are_made_ahead_in_a_thread_up_to_the_depth():
    made, wanted = [], threading.Event()

    def items():
        for i in range(6):
            made.append((i, threading.current_thread().name))
            if i == 3:
                wanted.set()
            yield i

    stream = ahead(items(), 2)
    assert next(stream) == 0
    assert wanted.wait(5)  # 0 is in use, 1 and 2 wait, 3 is held ready
    assert len(made) == 4
    assert list(stream) == [1, 2, 3, 4, 5]
    assert {name for _, name in made} == {"kerasish-data"}


def test_errors_come_in_their_place_and_leaving_early_ends_the_thread():
    closed = []

    def items():
        try:
            yield 1
            yield 2
            raise OSError("disk")
        finally:
            closed.append(True)

    stream = ahead(items(), 1)
    assert (next(stream), next(stream)) == (1, 2)
    with pytest.raises(OSError, match="disk"):
        next(stream)
    stream = ahead(items(), 1)
    next(stream)
    stream.close()
    assert closed == [True, True]
    assert not [t for t in threading.enumerate() if t.name == "kerasish-data"]


def test_no_thread_is_left_after_training_ends_early():
    class Stop(ks.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    loader = DataLoader(X, Y, batch_size=2)
    model().fit(loader, epochs=5, callbacks=[Stop()], verbose=0)
    assert not [t for t in threading.enumerate() if t.name == "kerasish-data"]


# --- CSV ----------------------------------------------------------------------------------------

IRIS = "length,width,kind\n5.1,3.5,setosa\n6.2,2.9,virginica\n\n4.9,3.0,setosa\n"


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("target", ["kind", 2, -1])
def test_a_column_of_text_becomes_class_numbers(tmp_path, target):
    table = from_csv(write(tmp_path / "iris.csv", IRIS), target)
    np.testing.assert_array_equal(table.x, np.array([[5.1, 3.5], [6.2, 2.9], [4.9, 3]], "f4"))
    assert (table.y.tolist(), table.class_names) == ([0, 1, 0], ["setosa", "virginica"])
    assert (table.columns, table.x.dtype, table.y.dtype) == (["length", "width"], "f4", "i8")


def test_numbers_columns_and_several_targets(tmp_path):
    path = write(tmp_path / "t.csv", '1;2;"3"\n4;5;6.5\n')
    x, y, columns, names = from_csv(path, target=[1, 2], delimiter=";")
    assert (x.tolist(), y.tolist(), columns, names) == (
        [[1], [4]],
        [[2, 3], [5, 6.5]],
        ["column 0"],
        None,
    )
    assert from_csv(path, delimiter=";").y is None
    assert from_csv(path, target=1, delimiter=";").y.dtype == "int64"
    assert from_csv(path, target=2, columns=[1], delimiter=";").x.tolist() == [[2], [5]]
    named = write(tmp_path / "n.csv", "0,1\n5,6\n")
    assert from_csv(named, header=True).columns == ["0", "1"]
    assert len(from_csv(named).x) == 2


def test_compressed_files_and_marks_at_the_beginning_are_read(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress("\ufeffa,b\n1,2\n".encode()))
    assert from_csv(path, target="a").y.tolist() == [1]
    path.write_bytes(gzip.compress(b"a,b\n1,2\n")[:-6])
    with pytest.raises(ValueError, match=r"t.csv.gz is damaged"):
        from_csv(path)


def test_missing_values_are_filled_when_asked(tmp_path):
    path = write(tmp_path / "t.csv", "a,b\n1,NA\n,4\n")
    assert from_csv(path, missing=-1).x.tolist() == [[1, -1], [-1, 4]]
    assert np.isnan(from_csv(path, missing=np.nan).x).sum() == 2


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, r"t.csv is empty"),
        ("a,b\n", {}, r"t.csv has no line of data, only names"),
        ("a,b\n1,2\n3\n", {}, r"line 3 of .*t.csv has 1 fields, but the first line has 2"),
        ("a,b\n1,2\n3,x\n", {}, r"line 3 of .*t.csv has 'x' in column 'b', which is no number"),
        ("a,b\n1,2\n3,\n", {}, r"line 3 of .*t.csv has no value \(''\) in column 'b'"),
        ("a,b\n1,2\n3,nan\n", {}, r"has no value \('nan'\) in column 'b'"),
        ("age,b\n1,2\n", {"target": "agee"}, r"`target` names the column 'agee'.* mean 'age'"),
        ("a,b\n1,2\n", {"columns": [5]}, r"`columns` names the column 5, .*It has 2: a, b"),
        ("a;b\n1;2\n", {"target": 0}, r"no column of .* is left for x: it has a;b"),
        ("a,b\n1,2\n2,z\n", {"target": "b"}, r"line 3 of .* has 'z' in column 'b'"),
    ],
)
def test_csv_files_that_are_wrong_are_named_with_line_and_column(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message):
        from_csv(write(tmp_path / "t.csv", text), **options)


def test_csv_in_another_encoding_is_told(tmp_path):
    path = write(tmp_path / "t.csv", "größe,b\n1,2\n", "latin-1")
    with pytest.raises(ValueError, match=r"t.csv is not text in utf-8-sig \(byte 2\)"):
        from_csv(path)
    assert from_csv(path, encoding="latin-1").columns == ["größe", "b"]


@pytest.mark.parametrize("reader", [from_csv, from_npz, from_hdf5])
def test_files_that_are_not_there_are_named_with_the_nearest_name(tmp_path, reader):
    write(tmp_path / "trainn.csv", "1")
    with pytest.raises(FileNotFoundError, match=r"no file .*train.csv. Did you mean 'trainn.csv'"):
        reader(tmp_path / "train.csv")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere either"):
        reader(tmp_path / "nowhere" / "x")
    with pytest.raises(IsADirectoryError, match=r"is a folder. Pass the path of a file in it"):
        reader(tmp_path)


# --- NPZ and HDF5 -------------------------------------------------------------------------------


def test_npz_arrays_by_name_or_all(tmp_path):
    np.savez_compressed(tmp_path / "d.npz", x=X, y=Y)
    x, y = from_npz(tmp_path / "d.npz", "x", "y")
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(from_npz(str(tmp_path / "d.npz"), "y"), y)
    assert sorted(from_npz(tmp_path / "d.npz")) == ["x", "y"]
    with pytest.raises(ValueError, match=r"d.npz has no 'Y'. Did you mean 'y'\? It has: x, y"):
        from_npz(tmp_path / "d.npz", "Y")


def test_npz_files_that_are_damaged_or_hold_objects_are_refused(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=np.array([{}, 1], object))
    with pytest.raises(ValueError, match=r"d.npz holds Python objects, which could run code"):
        from_npz(path)
    np.savez(path, x=X)
    data = bytearray(path.read_bytes())
    data[150] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"d.npz is damaged"):
        from_npz(path)
    np.save(tmp_path / "d.npy", X)
    with pytest.raises(ValueError, match=r"d.npy is no .npz file, or is damaged"):
        from_npz(tmp_path / "d.npy")


def test_hdf5_arrays_stay_in_the_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["train/x"], file["train/y"] = X, Y
    x, y = from_hdf5(tmp_path / "d.h5", "train/x", "train/y")
    assert isinstance(x, h5py.Dataset)
    history = model().fit(x, y, validation_split=0.2, verbose=0)
    assert "val_loss" in history.history
    assert sorted(from_hdf5(tmp_path / "d.h5")) == ["train/x", "train/y"]
    x.file.close()
    with pytest.raises(ValueError, match=r"d.h5 has no 'x'. .*It has: train/x, train/y"):
        from_hdf5(tmp_path / "d.h5", "x")


def test_hdf5_files_that_are_damaged_are_named(tmp_path):
    pytest.importorskip("h5py")
    path = write(tmp_path / "d.h5", "nonsense")
    with pytest.raises(ValueError, match=r"d.h5 is damaged, or is no HDF5 file at all"):
        from_hdf5(path)


def test_no_warning_comes_from_a_plain_use():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model().fit(DataLoader(X / 40, Y, batch_size=4, shuffle=True), epochs=2, verbose=0)
