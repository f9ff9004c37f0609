"""What holds for data of any size: every row once an epoch, and the same from the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasish.data import batches, split
from kerasish.data import memory as memory_module
from tests.test_data import Stored

KINDS = ("array", "float64", "fortran", "list", "memmap", "stored", "chunked")
MODES = (False, True, "batch")
sizes = st.integers(1, 90)


@pytest.fixture(autouse=True, scope="module")
def small_pools():
    """Pools of a few rows, so that small files need several."""
    before = memory_module.POOL_BYTES
    memory_module.POOL_BYTES = 100
    yield
    memory_module.POOL_BYTES = before


def make(kind, rows, tmp=None):
    x = np.stack([np.arange(rows), -np.arange(rows)], 1).astype("float32")
    if kind == "memmap":
        mapped = np.memmap(tmp, "float32", "w+", shape=x.shape)
        mapped[...] = x
        return mapped
    return {
        "array": lambda: x,
        "float64": lambda: x.astype("float64"),
        "fortran": lambda: np.asfortranarray(x),
        "list": x.tolist,
        "stored": lambda: Stored(x),
        "chunked": lambda: Stored(x, chunks=(7, 2)),
    }[kind]()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("data") / "x.bin"


def check(b, targets):
    np.testing.assert_array_equal(b.x[:, 0], b.y)
    np.testing.assert_array_equal(b.x[:, 1], -b.y)
    np.testing.assert_array_equal(b.sample_weight, b.y * 2)
    assert b.x.dtype == "float32"
    targets.extend(b.y.tolist())


@settings(max_examples=150, deadline=None)
@given(sizes, st.integers(1, 100), st.sampled_from(MODES), st.sampled_from(KINDS), st.integers(0))
def test_every_row_comes_once_an_epoch(path, rows, size, mode, kind, seed):
    y = np.arange(rows)
    data = batches(make(kind, rows, path), y, 2 * y, batch_size=size, shuffle=mode)
    rng = np.random.default_rng(seed)
    for _ in range(2):
        seen = []
        lengths = []
        for b in data.epoch(rng):
            check(b, seen)
            lengths.append(len(b.x))
        assert sorted(seen) == list(range(rows))
        assert lengths == [size] * (rows // size) + ([rows % size] if rows % size else [])
        assert len(lengths) == data.steps
        if not mode:
            assert seen == list(range(rows))


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(1, 40), st.sampled_from(MODES), st.sampled_from(KINDS), st.integers(0))
def test_the_same_seed_gives_the_same_epochs(path, rows, size, mode, kind, seed):
    def epochs():
        data = batches(make(kind, rows, path), np.arange(rows), batch_size=size, shuffle=mode)
        rng = np.random.default_rng(seed)
        return [b.y.tolist() for _ in range(3) for b in data.epoch(rng)]

    assert epochs() == epochs()


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(1, 40), st.integers(1, 12), st.sampled_from(MODES))
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_steps_walk_through_whole_passes(rows, size, steps, mode):
    data = batches(np.arange(rows), batch_size=size, steps=steps, shuffle=mode)
    rng = np.random.default_rng(0)
    seen = [b.x for _ in range(8) for b in data.epoch(rng)]
    flat = np.concatenate(seen)
    for start in range(0, len(flat) - rows + 1, rows):
        assert sorted(flat[start : start + rows]) == list(range(rows))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(1, 5), st.booleans())
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_generator_is_used_up_in_order(count, steps, peeks):
    data = batches(
        iter([(np.full((1, 1), i), np.array([i])) for i in range(1 + count)]), steps=steps
    )
    seen = []
    for _ in range(count + 2):
        if peeks and not data.exhausted and len(seen) == 0:
            data.peek()
        seen.extend(b.y.item() for b in data.epoch())
    assert seen == list(range(1 + count))


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 90), st.floats(0.001, 0.999), st.sampled_from(KINDS))
def test_splits_partition_the_rows(path, rows, share, kind):
    y = np.arange(rows)
    head = int(np.floor(rows * (1.0 - share)))
    x = make(kind, rows, path)
    if head in (0, rows):
        with pytest.raises(ValueError, match="not sufficient"):
            split(x, y, None, share)
        return
    train, val = split(x, y, 2 * y, share)
    parts = []
    for part in (train, val):
        seen = []
        for b in batches(*part, batch_size=8).epoch():
            check(b, seen)
        parts.append(seen)
    assert parts == [list(range(head)), list(range(head, rows))]
