"""Memory of a step: what is used again, and what is not while somebody may need it."""

import numpy as np

from kerasish.step import LINE, Arena, Step


def test_memory_begins_with_a_cache_line():
    step = Step(arena=Arena())
    for array in step.empty((3, 5), "float32"), step.scratch("name", (7,), "uint8"):
        assert array.__array_interface__["data"][0] % LINE == 0


def test_the_same_requests_get_the_same_memory_in_the_next_step():
    arena = Arena()
    first = [arena.take((4,), "float32"), arena.take((2, 2), "float32")]
    arena.restart()
    again = [arena.take((4,), "float32"), arena.take((2, 2), "float32")]
    assert [np.shares_memory(a, b) for a, b in zip(first, again, strict=True)] == [True, True]
    assert not np.shares_memory(*first)


def test_a_chain_uses_the_memory_of_two_for_all():
    step = Step(arena=Arena())
    kept = step.empty((8,), "float32")
    follow = step.chain()
    arrays = [kept]
    for _ in range(5):
        arrays.append(step.empty((8,), "float32"))
        assert not np.shares_memory(*arrays[-2:])
        assert not np.shares_memory(kept, arrays[-1])
        follow(*arrays[-2:])
    assert np.shares_memory(arrays[1], arrays[3])


def test_a_chain_keeps_what_its_last_value_is_a_view_of():
    step = Step(arena=Arena())
    follow = step.chain()
    x = step.empty((2, 4), "float32")
    view = x.reshape(-1)
    follow(x, view)
    y = step.empty((8,), "float32")
    assert not np.shares_memory(view, y)
    follow(view, y)
    assert not np.shares_memory(y, step.empty((8,), "float32"))


def test_a_chain_within_a_chain_gives_nothing_back():
    step = Step(arena=Arena())
    step.chain()
    outer = step.empty((8,), "float32")
    inner = step.chain()
    a = step.empty((8,), "float32")
    inner(outer, a)
    b = step.empty((8,), "float32")
    inner(a, b)
    assert not any(np.shares_memory(outer, other) for other in (a, b))
