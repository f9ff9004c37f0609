"""Batches of every kind of data, and what is said about data that cannot be batches."""

import warnings

import numpy as np
import pytest

from kerasish.data import Batch, Batches, batches, split
from kerasish.data import memory as memory_module
from kerasish.data.base import Rows
from kerasish.data.hdf5 import RowRange
from kerasish.store import as_array
from kerasish.utils import PyDataset

X = np.arange(20, dtype="float32").reshape(10, 2)
Y = np.arange(10)


def rng(seed=0):
    return np.random.default_rng(seed)


def xs(data, **options):
    return [b.x.tolist() for b in data.epoch(**options)]


def sizes(data, generator=None):
    return [len(b.x) for b in data.epoch(generator)]


class Stored:
    """An array that can only be sliced, as one in a file; it remembers how far it was read."""

    def __init__(self, array, chunks=None):
        self.array, self.chunks = array, chunks
        self.shape, self.dtype = array.shape, array.dtype
        self.most = self.reads = 0

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        part = self.array[rows]
        self.most = max(self.most, len(part))
        self.reads += 1
        return part.copy()


class Dataset(PyDataset):
    def __init__(self, count=4, **options):
        super().__init__(**options)
        self.count, self.asked, self.begun, self.ended = count, [], 0, 0

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.asked.append(index)
        return np.full((2, 3), index, "float32"), np.array([index, index])

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


def generator(count, batch=2, y=True):
    for i in range(count):
        x = np.full((batch, 3), i, "float32")
        yield (x, np.full(batch, i)) if y else x


# ---- arrays -----------------------------------------------------------------------------------


def test_an_unshuffled_epoch_gives_views_in_order():
    data = batches(X, Y, batch_size=4)
    assert isinstance(data, Batches)
    assert (data.rows, data.batch_size, data.steps, data.reads_in_order) == (10, 4, 3, True)
    parts = list(data.epoch())
    assert [len(b.x) for b in parts] == [4, 4, 2]
    assert all(np.shares_memory(b.x, X) and np.shares_memory(b.y, Y) for b in parts)
    assert parts[0].sample_weight is None
    np.testing.assert_array_equal(np.concatenate([b.x for b in parts]), X)


@pytest.mark.parametrize("mode", [True, "batch"])
def test_a_shuffled_epoch_keeps_rows_together_and_owns_its_memory(mode):
    data = batches(X, Y, np.arange(10.0), batch_size=4, shuffle=mode)
    assert not data.reads_in_order
    first, second = (list(data.epoch(rng(seed))) for seed in (1, 2))
    for parts in (first, second):
        for b in parts:
            assert not np.shares_memory(b.x, X)
            np.testing.assert_array_equal(b.x, X[b.y])
            np.testing.assert_array_equal(b.sample_weight, b.y)
        assert sorted(np.concatenate([b.y for b in parts])) == list(range(10))
    assert any((a.y != b.y).any() for a, b in zip(first, second, strict=True))
    if mode == "batch":
        assert [sorted(b.y) for b in first] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_rows_that_are_taken_late_are_those_that_would_have_been_taken_at_once():
    x, y = np.arange(60.0, dtype="float32").reshape(20, 3), np.arange(20)
    sources = [batches(x, y, batch_size=8, shuffle=True) for _ in range(2)]
    sources[1].takes_late = True
    epochs = [list(s.epoch(rng())) for s in sources]
    for now, late in zip(*epochs, strict=True):
        assert type(now.x) is np.ndarray
        assert type(late.x) is Rows
        assert len(late.x) == len(now.x)
        assert (late.x.shape, late.x.dtype) == (now.x.shape, now.x.dtype)
        assert late.x[2:4] is late.x[2:4]
        np.testing.assert_array_equal(late.x[2:4], now.x[2:4])
        np.testing.assert_array_equal(late.x, now.x)
        np.testing.assert_array_equal(late.x.reshape(-1, 3, 1), now.x[:, :, None])
        np.testing.assert_array_equal(late.y, now.y)


@pytest.mark.parametrize("given", [X.astype("float64"), X.T], ids=["another type", "another order"])
def test_rows_that_have_to_be_converted_are_taken_at_once(given):
    source = batches(given, given[:, 0], batch_size=2, shuffle=True)
    source.takes_late = True
    batch = next(source.epoch(rng()))
    assert type(batch.x) is np.ndarray


def test_inputs_that_are_their_own_targets_are_taken_once():
    x = rng().random((9, 4)).astype("float32")
    for late in (False, True):
        source = batches(x[:8], x[:8], batch_size=4, shuffle=True)
        source.takes_late = late
        for batch in source.epoch(rng()):
            assert batch.y is batch.x
    for other in (np.array(x), x[::-1], x[:, ::-1], x.view("int32")):
        source = batches(x, other, batch_size=4, shuffle=True)
        assert all(b.y is not b.x for b in source.epoch(rng()))


def test_the_permutation_is_drawn_anew_for_every_epoch_from_the_generator_given():
    draw = rng(3)
    data = batches(X, shuffle=True, batch_size=10)
    orders = [next(iter(data.epoch(draw))).x[:, 0].tolist() for _ in range(3)]
    expected = rng(3)
    assert orders == [X[expected.permutation(10), 0].tolist() for _ in range(3)]
    assert len(list(data.epoch())) == 1  # and without one it draws from fresh entropy


@pytest.mark.parametrize(
    "given",
    [
        [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]],
        ((0, 1), (2, 3), (4, 5)),
        [np.array([0.0, 1.0]), np.array([2.0, 3.0]), np.array([4.0, 5.0])],
        [np.arange(6.0).reshape(3, 2)],
        {"input": np.arange(6.0).reshape(3, 2)},
        as_array(np.arange(6.0).reshape(3, 2)),
        np.arange(6.0).reshape(2, 3).T.copy(order="F").reshape(3, 2, order="C"),
        np.arange(6, dtype=">f4").reshape(3, 2),
        np.arange(6, dtype="float16").reshape(3, 2),
    ],
    ids=["lists", "tuples", "rows", "[x]", "{x}", "Array", "fortran", "big-endian", "float16"],
)
def test_array_likes_become_native_float32_or_keep_integers(given):
    b = batches(given, [0, 1, 2], batch_size=2).peek()
    assert b.x.shape == (2, 2)
    assert type(b.x) is np.ndarray
    assert b.x.dtype in (np.dtype("float32"), np.dtype("int64"))
    assert b.x.dtype.isnative
    assert b.y.tolist() == [0, 1]


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_memory_order_changes_nothing(shuffle, order):
    x = np.arange(60.0).reshape(10, 6)
    given = {"C": x, "F": np.asfortranarray(x), "strided": np.repeat(x, 2, 1)[:, ::2]}[order]
    for b in batches(given, Y, batch_size=3, shuffle=shuffle).epoch(rng()):
        np.testing.assert_array_equal(b.x, x[b.y])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_integers_and_bools_are_left_alone(dtype):
    b = batches(X.astype(dtype), Y.astype(dtype), Y.astype(dtype)).peek()
    assert (b.x.dtype, b.y.dtype, b.sample_weight.dtype) == (dtype, dtype, "float32")


def test_the_float_type_can_be_chosen_and_one_dimension_stays():
    b = batches(X[:, 0], Y.astype("float32"), dtype="float64").peek()
    assert (b.x.dtype, b.y.dtype, b.x.shape, b.y.shape) == ("float64", "float64", (10,), (10,))


def test_batch_size_defaults_to_32_or_follows_from_steps():
    assert batches(np.zeros((70, 1))).batch_size == 32
    assert sizes(batches(np.zeros((70, 1)), steps=4)) == [18, 18, 18, 16]
    assert sizes(batches(X, batch_size=np.int64(50))) == [10]


def test_steps_go_on_where_the_last_epoch_stopped_as_in_keras():
    data = batches(X, batch_size=2, steps=3)
    assert data.steps == 3
    assert [b.x[0, 0] for b in data.epoch()] == [0, 4, 8]
    with pytest.warns(UserWarning, match="Your input ran out of data; interrupting training"):
        assert [b.x[0, 0] for b in data.epoch()] == [12, 16]
    assert [b.x[0, 0] for b in data.epoch()] == [0, 4, 8]


def test_steps_that_divide_the_pass_never_warn_and_draw_one_permutation_a_pass():
    data = batches(X, Y, batch_size=2, steps=5, shuffle=True)
    other = batches(X, Y, batch_size=2, shuffle=True)
    a, b = rng(), rng()
    for _ in range(3):
        assert xs(data, rng=a) == xs(other, rng=b)
    halves = batches(X, Y, batch_size=5, steps=1, shuffle=True)
    draw = rng(1)
    seen = [next(iter(halves.epoch(draw))).y for _ in range(2)]
    assert sorted(np.concatenate(seen)) == list(range(10))


@pytest.mark.parametrize("role", ["validation", "evaluate", "predict"])
def test_outside_of_fit_every_epoch_starts_at_the_first_row(role):
    data = batches(X, batch_size=2, steps=2, role=role)
    assert xs(data) == xs(data)


def test_peek_gives_the_first_rows_and_loses_none():
    data = batches(X, Y, batch_size=4, shuffle=True)
    assert data.peek().y.tolist() == [0, 1, 2, 3]
    assert sum(sizes(data)) == 10
    data.close()


def test_two_batches_of_one_array_are_independent_and_an_epoch_may_be_left():
    data = batches(X, batch_size=2)
    epoch = data.epoch()
    next(epoch)
    assert sizes(data) == [2] * 5
    next(epoch)
    epoch.close()
    assert sizes(data) == [2] * 5


# ---- pandas -----------------------------------------------------------------------------------


def test_pandas_is_taken_by_position():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": X[:, 0], "b": Y}, index=range(100, 0, -10))
    target = pd.Series(Y, index=list("zyxwvutsrq"), name="target")
    for b in batches(frame, target, target, batch_size=3, shuffle=True).epoch(rng()):
        assert (b.x.dtype, b.y.ndim, b.sample_weight.ndim) == ("float32", 1, 1)
        np.testing.assert_array_equal(b.x[:, 1], b.y)
        np.testing.assert_array_equal(b.x[:, 0], X[b.y, 0])
    assert batches(target).peek().x.shape == (10, 1)  # as Keras
    (x, y, _), (x_val, y_val, _) = split(frame[["a"]], target, None, 0.3)
    assert (x.shape, x_val.shape, y_val.tolist()) == ((7, 1), (3, 1), [7, 8, 9])
    assert y.flags.c_contiguous


def test_pandas_columns_of_mixed_and_nullable_types():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "i": pd.array([1, 2], "Int64"),
            "gap": pd.array([1, None], "Int64"),
            "b": [True, False],
            "f": np.array([0.5, 1.5], "float32"),
        }
    )
    with pytest.warns(UserWarning, match="contains NaN, first at row 1"):
        b = batches(frame).peek()
    np.testing.assert_array_equal(b.x, np.array([[1, 1, 1, 0.5], [2, np.nan, 0, 1.5]], "float32"))
    assert batches(frame[["i"]]).peek().x.dtype == "int64"


@pytest.mark.parametrize("column", [["a", "b"], [None, 1.5]])
def test_pandas_columns_that_hold_no_numbers_are_named(column):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"good": [1, 2], "town": pd.Series(column, dtype="object")})
    with pytest.raises(ValueError, match=r"fit: `x, column 'town'` must hold numbers.*object"):
        batches(frame)
    with pytest.raises(ValueError, match="Series 'town'"):
        batches(X[:2], frame["town"])
    with pytest.raises(ValueError, match="DataFrame without columns"):
        batches(frame[[]])


# ---- files ------------------------------------------------------------------------------------


def test_memmap_is_never_copied_whole(tmp_path):
    mapped = np.memmap(tmp_path / "x.bin", "float32", "w+", shape=(10, 2))
    mapped[...] = X
    plain = list(batches(mapped, Y, batch_size=4).epoch())
    assert all(np.shares_memory(b.x, mapped) and type(b.x) is np.ndarray for b in plain)
    for b in batches(mapped, Y, batch_size=4, shuffle=True).epoch(rng()):
        np.testing.assert_array_equal(b.x, X[b.y])
    (head, *_), (tail, *_) = split(mapped, Y, None, 0.2)
    assert np.shares_memory(head, mapped)
    assert np.shares_memory(tail, mapped)


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("chunks", [None, True])
def test_hdf5(tmp_path, shuffle, chunks):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        x = file.create_dataset("x", data=X.astype("float64"), chunks=chunks)
        y = file.create_dataset("y", data=Y)
        data = batches(x, y, batch_size=4, shuffle=shuffle, class_weight={3: 2.0})
        assert (data.rows, data.steps, data.peek().x.dtype) == (10, 3, "float32")
        parts = list(data.epoch(rng()))
        assert [len(b.x) for b in parts] == [4, 4, 2]
        for b in parts:
            np.testing.assert_array_equal(b.x, X[b.y])
            np.testing.assert_array_equal(b.sample_weight, np.where(b.y == 3, 2, 1))
        assert sorted(np.concatenate([b.y for b in parts])) == list(range(10))
        (head, _, _), (tail, y_tail, _) = split(x, y, None, 0.2)
        assert isinstance(head, RowRange)
        assert (head.shape, tail.shape, len(y_tail)) == ((8, 2), (2, 2), 2)
        assert xs(batches(tail, y_tail)) == [X[8:].tolist()]


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_stored_arrays_are_read_a_stretch_at_a_time(shuffle, monkeypatch):
    monkeypatch.setattr(memory_module, "POOL_BYTES", 40 * 8)
    stored = Stored(np.arange(1000, dtype="float64").reshape(500, 2), chunks=(20, 2))
    data = batches(stored, np.arange(500), batch_size=8, shuffle=shuffle)
    before = stored.reads
    parts = list(data.epoch(rng()))
    assert stored.most <= 24  # a chunk of the file, rounded up to whole batches
    assert stored.reads - before <= 63
    assert [len(b.x) for b in parts] == [8] * 62 + [4]
    assert sorted(np.concatenate([b.y for b in parts])) == list(range(500))
    for b in parts:
        np.testing.assert_array_equal(b.x[:, 0], 2 * b.y)


def test_shuffled_pools_mix_rows_from_all_over_the_file(monkeypatch):
    monkeypatch.setattr(memory_module, "POOL_BYTES", 200 * 4)
    stored = Stored(np.arange(1000, dtype="float32"))
    data = batches(stored, batch_size=10, shuffle=True)
    first, second = (next(iter(data.epoch(rng(s)))).x for s in (0, 1))
    assert np.ptp(first) > 300
    assert (first != second).any()


# ---- weights of classes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "y", [Y % 3, (Y % 3)[:, None], np.eye(3)[Y % 3], (Y % 3) + 0.2], ids=["n", "n1", "hot", "f"]
)
@pytest.mark.parametrize("kind", ["array", "generator"])
def test_class_weight_becomes_sample_weight(y, kind):
    source = (X, y) if kind == "array" else (iter([(X, y)]), None)
    b = batches(*source, class_weight={0: 0.5, np.int64(2): 3}).peek()
    np.testing.assert_array_equal(b.sample_weight, np.array([0.5, 1, 3], "float32")[Y % 3])
    assert b.sample_weight.dtype == "float32"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("balanced", "np.bincount"),
        ([1.0, 2.0], r"dict\(enumerate\(class_weight\)\)"),
        (3, "must be a dict"),
        ({"a": 1.0}, "must map class numbers"),
        ({0: "heavy"}, "must map class numbers"),
        ({0.5: 1.0}, "must map class numbers"),
        ({0: -1.0}, "finite and at least 0"),
        ({0: np.nan}, "finite and at least 0"),
    ],
)
def test_bad_class_weight(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        batches(X, Y, class_weight=given)


def test_class_weight_and_sample_weight_exclude_each_other():
    with pytest.raises(ValueError, match="`class_weight` and `sample_weight` at the same time"):
        batches(X, Y, np.ones(10), class_weight={0: 1.0})
    data = batches(iter([(X, Y, np.ones(10))]), class_weight={0: 1.0})
    with pytest.raises(ValueError, match="yields sample weights too"):
        data.peek()
    with pytest.raises(ValueError, match="no y came with x"):
        batches(X, class_weight={0: 1.0})
    with pytest.raises(ValueError, match="one class for every row"):
        batches(X, np.zeros((10, 4, 3)), class_weight={0: 1.0})


# ---- generators, iterables, datasets ----------------------------------------------------------


def test_nothing_of_a_generator_is_replayed_or_lost():
    data = batches(generator(8), steps=3)
    assert (data.rows, data.steps) == (None, 3)
    assert data.peek().y.tolist() == [0, 0]
    assert data.peek().y.tolist() == [0, 0]
    assert [b.y[0] for b in data.epoch()] == [0, 1, 2]
    epoch = data.epoch()
    assert next(epoch).y[0] == 3
    epoch.close()  # stop_training
    assert [b.y[0] for b in data.epoch()] == [4, 5, 6]
    with pytest.warns(UserWarning, match="Your input ran out of data; interrupting training"):
        assert [b.y[0] for b in data.epoch()] == [7]
    assert data.exhausted
    with pytest.warns(UserWarning, match="`steps_per_epoch` batches for every epoch"):
        assert list(data.epoch()) == []


def test_a_generator_without_steps_ends_the_epoch_when_it_ends():
    data = batches(generator(3))
    assert data.steps is None
    assert len(list(data.epoch())) == 3
    assert data.exhausted
    with pytest.warns(UserWarning, match="ran out of data"):
        assert list(data.epoch()) == []


def test_validation_goes_on_in_an_endless_generator():
    data = batches(generator(100), steps=2, role="validation")
    assert [[b.y[0] for b in data.epoch()] for _ in range(2)] == [[0, 1], [2, 3]]


def test_an_empty_generator():
    with pytest.raises(ValueError, match="fit: `x` is a generator that gave no batch"):
        batches(generator(0)).peek()
    with pytest.raises(ValueError, match="gave no batch"):
        list(batches(generator(0), steps=2).epoch())
    with pytest.raises(ValueError, match="iterable that gave no batch"):
        list(batches({}.values()).epoch())


def test_predict_takes_bare_x_and_leaves_targets_alone():
    assert len(list(batches(generator(3, y=False), role="predict").epoch())) == 3
    b = batches(iter([(X, np.array(["a"] * 10))]), role="predict").peek()
    assert b == Batch(b.x, None, None)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (X, r"must yield tuples.*ndarray of shape \(10, 2\).*yield x, y"),
        ((X, Y, Y, Y), "a tuple of 4"),
        ({"a": X, "b": Y}, "yielded dict"),
        ((X, Y[:3]), "Data cardinality is ambiguous.*'x' sizes: 10, 'y' sizes: 3"),
        (([X, X], Y), "list of 2 arrays"),
        ((X[:0], Y[:0]), "empty"),
        ((np.array(["a"]), Y[:1]), "must hold numbers"),
    ],
    ids=["bare", "four", "dict", "lengths", "inputs", "empty", "text"],
)
def test_bad_batches_of_a_generator(item, message):
    with pytest.raises(ValueError, match=message):
        batches(iter([item])).peek()


def test_batches_of_a_generator_are_cast_and_unwrapped():
    item = ({"in": X.astype("float64")}, [Y.astype("float64")], Y)
    b = batches(iter([item])).peek()
    assert (b.x.dtype, b.y.dtype, b.sample_weight.dtype) == ("float32", "float32", "float32")


class Loader:
    """As a DataLoader: iterable again and again, batches as lists."""

    def __init__(self, count, known=True):
        self.count, self.known = count, known

    def __iter__(self):
        return ([X + i, Y] for i in range(self.count))

    def __len__(self):
        if not self.known:
            raise TypeError("no length")
        return self.count


def test_an_iterable_starts_again_for_every_epoch():
    data = batches(Loader(3))
    assert data.steps == 3
    assert data.peek().x[0, 0] == 0
    for _ in range(2):
        assert [b.x[0, 0] for b in data.epoch()] == [0, 1, 2]
    unknown = batches(Loader(3, known=False))
    assert unknown.steps is None
    assert sizes(unknown) == [10] * 3
    assert unknown.steps == 3


def test_an_iterable_with_steps_goes_on_and_starts_again():
    data = batches(Loader(4), steps=2)
    assert [[b.x[0, 0] for b in data.epoch()] for _ in range(3)] == [[0, 1], [2, 3], [0, 1]]
    data = batches(Loader(3), steps=2)
    assert [b.x[0, 0] for b in data.epoch()] == [0, 1]
    with pytest.warns(UserWarning, match="ran out of data"):
        assert [b.x[0, 0] for b in data.epoch()] == [2]


@pytest.mark.parametrize(
    "options", [{}, {"workers": 3}, {"use_multiprocessing": True, "max_queue_size": 1}]
)
def test_a_dataset_gives_every_batch_once_in_any_order(options):
    source = Dataset(6, **options)
    data = batches(source, shuffle=True, class_weight={2: 5.0})
    assert (data.steps, data.rows, data.reads_in_order) == (6, None, False)
    data.peek()
    draw = rng(4)
    orders = [[int(b.y[0]) for b in data.epoch(draw)] for _ in range(2)]
    expected = rng(4)
    assert orders == [expected.permutation(6).tolist() for _ in range(2)]
    assert (source.begun, source.ended) == (2, 2)
    assert len(source.asked) == 12  # what was peeked at was not made twice
    assert batches(Dataset(3)).reads_in_order


def test_a_dataset_with_steps():
    source = Dataset(5)
    data = batches(source, steps=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        seen = [[int(b.y[0]) for b in data.epoch()] for _ in range(4)]
    assert seen == [[0, 1], [2, 3], [4], [0, 1]]
    assert source.ended == 4


def test_a_dataset_without_end_needs_steps():
    class Endless(Dataset):
        num_batches = None

    with pytest.raises(ValueError, match=r"without an end.*`steps_per_epoch`"):
        batches(Endless())
    data = batches(Endless(workers=2), steps=2, shuffle=True)
    assert [[b.y[0] for b in data.epoch()] for _ in range(2)] == [[0, 1], [2, 3]]
    data.close()


def test_a_dataset_may_be_any_object_with_items_and_a_length():
    class Plain:
        def __getitem__(self, index):
            return X, Y

        def __len__(self):
            return 2

    assert sizes(batches(Plain())) == [10, 10]

    class Halves(Plain):
        def __len__(self):
            return 7 / 2

    with pytest.raises(TypeError, match=r"whole number\. Use math.ceil"):
        batches(Halves())
    with pytest.raises(ValueError, match="PyDataset that gave no batch"):
        batches(Dataset(0))


def test_an_error_in_a_worker_reaches_the_loop():
    class Broken(Dataset):
        def __getitem__(self, index):
            if index == 2:
                raise OSError("no such picture")
            return super().__getitem__(index)

    with pytest.raises(OSError, match="no such picture"):
        list(batches(Broken(workers=2)).epoch())


@pytest.mark.parametrize("name", ["y", "sample_weight"])
@pytest.mark.parametrize("source", [generator(3), Dataset(), Loader(2)])
def test_targets_come_from_whoever_makes_the_batches(name, source):
    with pytest.raises(ValueError, match=f"`{name}` should not be passed"):
        batches(source, **{name: Y})


# ---- bad input --------------------------------------------------------------------------------


def ragged():
    return np.array([[1], [1, 2]], dtype=object)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "Unrecognized data type for `x`: NoneType"),
        ("train.csv", "Load the file first"),
        ({1, 2}, "no order"),
        (generator, r"call it, generator\(\)"),
        (object(), "Unrecognized data type for `x`: object"),
        ([[1, 2], [3]], "ragged list: row 0 has length 2 but row 1 has length 1.*Pad"),
        ([[[1], [2]], [[3], [4, 5]]], "inner lists of different lengths"),
        (ragged(), "dtype is object.*Pad or clean"),
        ([[1, None]], "dtype is object"),
        ([["a", "b"]], "Turn text into numbers"),
        (np.array(["2020-01-01"], "datetime64[D]"), "Turn times into numbers"),
        (X + 1j, "real and imaginary"),
        (np.zeros(3, [("a", "f4")]), "array of numbers"),
        (3.0, "single number"),
        (np.float32(3), "single number"),
        ([], "`x` is empty"),
        (X[:0], "`x` is empty"),
        ([X, X], "list of 2 arrays of shapes .* one input"),
        ([X, X[:, :1]], "list of 2 arrays of shapes"),
        ({"a": X, "b": X}, "dict of 2 arrays"),
        (np.ma.masked_less(X, 3), r"x.filled\(0\)"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else type(value).__name__,
)
def test_bad_x(x, message):
    with pytest.raises(ValueError, match=message):
        batches(x, None if x is None else Y)


def test_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    for x in (sparse.csr_matrix(X), sparse.coo_array(X)):
        with pytest.raises(ValueError, match=r"sparse matrix.*x.toarray\(\)"):
            batches(x, Y)


@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        (Y[:9], None, "Data cardinality is ambiguous.*'x' sizes: 10, 'y' sizes: 9"),
        (Y, np.ones(4), "'sample_weight' sizes: 4"),
        (np.array(["cat"] * 10), None, "`y` must hold numbers.*np.unique"),
        (Y, np.array(["a"] * 10), "`sample_weight` must hold numbers"),
        (5, None, "`y` must be an array of rows"),
        (Y, 0.5, "`sample_weight` must be an array of rows"),
    ],
)
def test_bad_targets_and_weights(y, weight, message):
    with pytest.raises(ValueError, match=message):
        batches(X, y, weight)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1 but got 0"),
        ({"batch_size": -4}, ValueError, "at least 1"),
        ({"batch_size": 2.5}, TypeError, "`batch_size` must be a whole number"),
        ({"batch_size": "32"}, TypeError, "whole number"),
        ({"batch_size": True}, TypeError, "whole number"),
        ({"steps": 0}, ValueError, "`steps_per_epoch` must be at least 1"),
        ({"steps": 3.5}, TypeError, "Divide with //"),
        ({"steps": 0, "role": "evaluate"}, ValueError, "evaluate: `steps` must be"),
        ({"steps": 0, "role": "validation"}, ValueError, "fit: `validation_steps` must be"),
        ({"batch_size": 0, "role": "validation"}, ValueError, "`validation_batch_size` must"),
        ({"shuffle": "rows"}, ValueError, "True, False or 'batch' but got 'rows'"),
        ({"shuffle": 0.5}, ValueError, "True, False or 'batch'"),
        ({"role": "train"}, ValueError, "role must be one of"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        batches(X, Y, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["array", "fortran", "stored", "generator"])
def test_values_that_are_not_finite_are_warned_about_once(value, kind):
    x = X.copy()
    x[3, 1] = value
    given = {
        "array": x,
        "fortran": np.asfortranarray(x),
        "stored": Stored(x),
        "generator": iter([(x, Y)]),
    }[kind]
    what = "NaN" if np.isnan(value) else "infinite values"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = batches(given, None if kind == "generator" else Y)
        data.peek()
        list(data.epoch(rng()))
    assert len(caught) == 1
    assert f"`x` contains {what}, first at row 3 (position (3, 1))" in str(caught[0].message)


def test_large_finite_values_and_predictions_are_not_warned_about():
    batches(np.full((4, 4), 3e38, "float32"))
    batches(np.full((4, 4), np.nan), role="predict").peek()


# ---- splitting --------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.2, 0.25, 0.5, 0.85])
def test_split_cuts_the_tail_off_as_views(share):
    head, tail = split(X, Y.tolist(), np.ones(10), share)
    at = int(np.floor(10 * (1 - share)))
    np.testing.assert_array_equal(head[0], X[:at])
    np.testing.assert_array_equal(tail[1], Y[at:])
    assert np.shares_memory(tail[0], X)
    assert split(X, None, None, share)[1][1] is None


@pytest.mark.parametrize(
    ("x", "share", "error", "message"),
    [
        (X, 1.0, ValueError, "between 0 and 1 but got 1.0"),
        (X, 0, ValueError, "between 0 and 1"),
        (X, -0.1, ValueError, "between 0 and 1"),
        (X, 20, ValueError, "between 0 and 1"),
        (X, "a fifth", TypeError, "must be a number"),
        (X[:1], 0.5, ValueError, "contains 1 samples, which is not sufficient.*0 rows would be"),
        (generator(3), 0.2, ValueError, "only supported for arrays"),
        (Dataset(3), 0.2, ValueError, "Pass `validation_data` instead"),
    ],
)
def test_bad_splits(x, share, error, message):
    with pytest.raises(error, match=message):
        split(x, None, None, share)


def test_split_checks_lengths():
    with pytest.raises(ValueError, match="cardinality"):
        split(X, Y[:3], None, 0.5)
