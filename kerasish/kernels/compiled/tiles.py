"""Sums of products in registers, for the kernels of `products`: blocks of rows by vectors.

Each is one intrinsic, whose accumulators live in registers over the whole loop. How large a block
is depends on how many registers the processor has for `simd`'s vectors: 32 or 16.

    sums(values, places, first, count, panel, start, at, least, out, to, across)
        # ROWS x WIDTH: out[to + r * across + c] = max(least, start[at + c]
        #     + sum over i from first to first + count of values[ROWS * i + r]
        #     * panel[WIDTH * places[i] + c])
    pair_sums(...)                  # the same for PAIR x PAIR_WIDTH
    dots(a, p, b, q, depth, out, to, across)
        # DOT_ROWS x DOT_COLUMNS: out[to + r * across + c] = the sum over k below depth, in steps
        #     of LANES, of a[p + r * depth + k] * b[q + c * depth + k]
    finite(v)                       # whether all of a vector is

Nothing is checked: what is read and written has to lie within the arrays.
"""

from __future__ import annotations

import functools
from typing import Any

from kerasish.kernels.compiled.jit import Deferred
from kerasish.kernels.compiled.simd import LANES, total_of

ROWS, PAIR = 4, 2
MOST_VECTORS = 8  # that a row of a panel has


@functools.cache
def _make() -> dict[str, Any]:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.core.registry import cpu_target
    from numba.extending import intrinsic

    features = cpu_target.target_context.codegen().magic_tuple()[2]
    many = "+avx512vl" in features.split(",")
    vectors, pair_vectors, dot_rows, dot_columns = (4, 8, 4, 6) if many else (3, 4, 3, 4)

    one, index = ir.FloatType(), ir.IntType(64)
    lanes = ir.VectorType(one, LANES)
    nothing = ir.Constant(lanes, [0.0] * LANES)
    undefined = ir.Constant(lanes, ir.Undefined)

    def pointers(context: Any, builder: Any, sig: Any, args: Any) -> list[Any]:
        """Arguments with addresses of their first elements in place of arrays."""
        return [
            context.make_array(kind)(context, builder, arg).data
            if isinstance(kind, types.Array)
            else arg
            for kind, arg in zip(sig.args, args, strict=True)
        ]

    def vector_at(builder: Any, base: Any, place: Any) -> Any:
        return builder.bitcast(builder.gep(base, [place]), lanes.as_pointer())

    def load(builder: Any, base: Any, place: Any) -> Any:
        return builder.load(vector_at(builder, base, place), align=4)

    def moved(builder: Any, place: Any, by: int) -> Any:
        return builder.add(place, ir.Constant(index, by)) if by else place

    def splat(builder: Any, x: Any) -> Any:
        first = builder.insert_element(undefined, x, ir.Constant(ir.IntType(32), 0))
        same = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, undefined, same)

    def add_product(builder: Any, place: Any, a: Any, b: Any) -> None:
        builder.store(builder.fadd(builder.load(place), builder.fmul(a, b)), place)

    def make_sums(rows: int, vectors: int) -> Any:
        width = vectors * LANES

        @intrinsic
        def sums(
            typing: Any,
            values: Any,
            places: Any,
            first: Any,
            count: Any,
            panel: Any,
            start: Any,
            at: Any,
            least: Any,
            out: Any,
            to: Any,
            across: Any,
        ) -> Any:
            def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                values, places, first, count, panel, start, at, least, out, to, across = pointers(
                    context, builder, sig, args
                )
                totals = []
                for v in range(vectors):
                    begin = load(builder, start, moved(builder, at, v * LANES))
                    totals.append([cgutils.alloca_once_value(builder, begin) for _ in range(rows)])
                with cgutils.for_range(builder, count) as loop:
                    i = builder.add(first, loop.index)
                    place = builder.sext(builder.load(builder.gep(places, [i])), index)
                    row = builder.mul(place, ir.Constant(index, width))
                    i = builder.mul(i, ir.Constant(index, rows))
                    right = [
                        load(builder, panel, moved(builder, row, v * LANES)) for v in range(vectors)
                    ]
                    for r in range(rows):
                        left = splat(
                            builder, builder.load(builder.gep(values, [moved(builder, i, r)]))
                        )
                        for v in range(vectors):
                            add_product(builder, totals[v][r], left, right[v])
                low = splat(builder, least)
                for r in range(rows):
                    for v in range(vectors):
                        total = builder.load(totals[v][r])
                        below = builder.fcmp_ordered("<=", total, low)  # NaN stays
                        place = vector_at(builder, out, moved(builder, to, v * LANES))
                        builder.store(builder.select(below, low, total), place, align=4)
                    to = builder.add(to, across)
                return context.get_dummy_value()

            whole = types.intp
            return types.void(
                values, places, whole, whole, panel, start, whole, types.float32, out, whole, whole
            ), code

        return sums

    @intrinsic
    def dots(
        typing: Any, a: Any, p: Any, b: Any, q: Any, depth: Any, out: Any, to: Any, across: Any
    ) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            a, p, b, q, depth, out, to, across = pointers(context, builder, sig, args)
            totals = [
                [cgutils.alloca_once_value(builder, nothing) for _ in range(dot_columns)]
                for _ in range(dot_rows)
            ]
            step = ir.Constant(index, LANES)
            steps = builder.sdiv(depth, step)
            with cgutils.for_range(builder, steps) as loop:
                k = builder.mul(loop.index, step)
                left: list[Any] = []
                right: list[Any] = []
                for count, side, base, place in (dot_rows, left, a, p), (dot_columns, right, b, q):
                    place = builder.add(place, k)
                    for _ in range(count):
                        side.append(load(builder, base, place))
                        place = builder.add(place, depth)
                for c in range(dot_columns):
                    for r in range(dot_rows):
                        add_product(builder, totals[r][c], left[r], right[c])
            for r in range(dot_rows):
                for c in range(dot_columns):
                    total = total_of(builder, builder.load(totals[r][c]))
                    builder.store(total, builder.gep(out, [moved(builder, to, c)]))
                to = builder.add(to, across)
            return context.get_dummy_value()

        whole = types.intp
        return types.void(a, whole, b, whole, whole, out, whole, whole), code

    @intrinsic
    def finite(typing: Any, v: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            total = total_of(builder, builder.fmul(args[0], nothing))
            return builder.fcmp_ordered("==", total, ir.Constant(one, 0.0))

        return types.boolean(v), code

    return {
        "WIDTH": vectors * LANES,
        "PAIR_WIDTH": pair_vectors * LANES,
        "DOT_ROWS": dot_rows,
        "DOT_COLUMNS": dot_columns,
        "sums": make_sums(ROWS, vectors),
        "pair_sums": make_sums(PAIR, pair_vectors),
        "dots": dots,
        "finite": finite,
    }


def _deferred(name: str) -> Any:
    return Deferred(lambda: _make()[name])


WIDTH, PAIR_WIDTH = map(_deferred, ("WIDTH", "PAIR_WIDTH"))
DOT_ROWS, DOT_COLUMNS = map(_deferred, ("DOT_ROWS", "DOT_COLUMNS"))
sums, pair_sums, dots, finite = map(_deferred, ("sums", "pair_sums", "dots", "finite"))
