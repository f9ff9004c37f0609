"""Ranks that train together: each reads its rows of every batch, and all of them make the batch."""

import numpy as np
import pytest

from kerasish.data import DataLoader, batches
from kerasish.data import memory as memory_module
from kerasish.step import split_rows
from kerasish.training.ranked_team import even_layout, given_layout

X = np.arange(106, dtype="float32").reshape(53, 2)
Y = np.arange(53)


class Stored:
    """An array in a file, which notes the rows that are read."""

    def __init__(self, array, chunks=None):
        self.array, self.chunks = array, chunks
        self.shape, self.dtype = array.shape, array.dtype
        self.read = []

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        part = self.array[rows]
        self.read.append(len(part))
        return part.copy()


def parts_of(source, ranks, **options):
    """The batches of every rank."""
    for rank in range(ranks):
        data = batches(source, Y, batch_size=8, **options)
        data.share = lambda rows, rank=rank: split_rows(rows, ranks)[rank]
        yield list(data.epoch(np.random.default_rng(3)))


@pytest.mark.parametrize("ranks", [2, 3, 9])
@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("pool_bytes", [64, 2**20])
@pytest.mark.parametrize("near", [1, 2**16])
def test_the_parts_of_all_ranks_make_the_batches(monkeypatch, ranks, shuffle, pool_bytes, near):
    monkeypatch.setattr(memory_module, "POOL_BYTES", pool_bytes)
    monkeypatch.setattr(memory_module, "NEAR_BYTES", near)
    for source in (X, Stored(X), Stored(X, chunks=(5, 2))):
        whole = batches(source, Y, batch_size=8, shuffle=shuffle).epoch(np.random.default_rng(3))
        found = list(parts_of(source, ranks, shuffle=shuffle))
        for batch, *parts in zip(whole, *found, strict=True):
            np.testing.assert_array_equal(np.concatenate([p.x for p in parts]), batch.x)
            np.testing.assert_array_equal(np.concatenate([p.y for p in parts]), batch.y)
            assert [p.start for p in parts] == [s.start for s in split_rows(len(batch.x), ranks)]
            assert {p.total for p in parts} == {len(batch.x)}


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_rank_reads_its_rows_of_a_file_only(monkeypatch, shuffle):
    monkeypatch.setattr(memory_module, "NEAR_BYTES", 1)
    source = Stored(X)
    list(parts_of(source, 2, shuffle=shuffle))
    spare = 53 // 4 if shuffle else 0  # those that lie between two
    assert 53 <= sum(source.read) - 2 * 8 <= 53 + 2 * spare  # each rank looks at the first batch


def test_batches_that_somebody_else_makes_are_cut():
    def generate():
        yield X[:5], Y[:5], np.ones(5)
        yield X[:2], Y[:2], np.ones(2)

    data = batches(generate())
    data.share = lambda rows: split_rows(rows, 3)[2]
    first, second = data.epoch()
    assert (first.y.tolist(), first.sample_weight.tolist(), first.start) == ([4], [1], 4)
    assert (len(second.x), second.total, second.start) == (0, 2, 2)


class Samples:
    def __init__(self):
        self.asked = []

    def __len__(self):
        return 53

    def __getitem__(self, i):
        self.asked.append(i)
        return X[i], Y[i]


def samples():
    yield from zip(X, Y, strict=True)


@pytest.mark.parametrize("make", [lambda: X, Samples, lambda: samples], ids=["x", "items", "calls"])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [8, 17])
def test_the_shards_of_a_loader_make_its_batches(make, drop_last, size):
    def loader(**options):
        y = Y if make() is X else None
        options |= {"batch_size": size, "shuffle": True, "seed": 2, "drop_last": drop_last}
        return DataLoader(make(), y, **options)

    shards = [loader(shard=(rank, 3)) for rank in range(3)]
    for whole, *parts in zip(loader(), *shards, strict=True):
        for one, several in zip(whole, zip(*parts, strict=True), strict=True):
            np.testing.assert_array_equal(np.concatenate(several), one)
    assert len({len(list(shard)) for shard in shards}) == 1


def test_a_shard_asks_for_its_own_samples_only_and_draws_numbers_of_its_own():
    sources = [Samples(), Samples()]
    drawn = []
    for rank, source in enumerate(sources):
        loader = DataLoader(source, batch_size=10, shard=(rank, 2), seed=1, prefetch=0)
        drawn.append([x for x, _ in loader.map(lambda x, rng: rng.random((len(x), 1)))])
    assert [len(source.asked) for source in sources] == [27, 26]
    assert sorted(sources[0].asked + sources[1].asked) == list(range(53))
    assert not np.intersect1d(drawn[0][0], drawn[1][0]).size


def test_functions_that_take_shard_make_their_part():
    def make(shard):
        yield X[shard[0] :: shard[1]], Y[shard[0] :: shard[1]]

    ((_, y),) = DataLoader(make, shard=(1, 4))
    assert y.tolist() == list(range(1, 53, 4))
    with pytest.raises(ValueError, match="gives its part of each batch itself"):
        DataLoader(make, shard=(1, 4), batch_size=8)


@pytest.mark.parametrize("shard", [2, (2, 2), (-1, 2), (0, 1, 2), ("a", 2)])
def test_shards_that_make_no_sense_are_refused(shard):
    with pytest.raises(ValueError, match=r"`shard` must be \(rank, size\)"):
        DataLoader(X, Y, shard=shard)


@pytest.mark.parametrize("total", [1, 2, 5, 64])
@pytest.mark.parametrize("count", [1, 2, 6, 7])
@pytest.mark.parametrize("ranks", [2, 3])
def test_layouts_cover_a_batch_in_order(total, count, ranks):
    count = min(count, total)
    layouts = [even_layout(total, count, ranks, rank) for rank in range(ranks)]
    assert [part for layout in layouts for part in layout.parts] == split_rows(total, count)
    assert [layout.first for layout in layouts if layout.parts] == [
        sum(len(other.parts) for other in layouts[:rank])
        for rank, layout in enumerate(layouts)
        if layout.parts
    ]
    lengths = [layout.rows.stop - layout.rows.start for layout in layouts]
    if 0 not in lengths:
        assert [given_layout(lengths, count, rank) for rank in range(ranks)] == layouts
