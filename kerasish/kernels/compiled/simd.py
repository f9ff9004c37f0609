"""Vectors of eight float32 for kernels whose loops LLVM does not vectorise by itself.

    v = load(a, i)               # a[i : i + 8] of a one-dimensional array of float32 or bytes
    store(a, i, 2 * v + w)       # vectors and numbers add, subtract, multiply and divide
    spread(a, i)                 # a[i] in all eight
    zeros(), fill(x)
    positive(v)                  # relu; NaN stays
    where_above(a, b, v, w)      # v where a > b, else w
    where_equal(a, b, v, w)
    hyperbolic(v)                # tanh, to 4e-7 of its value
    exponential(v)               # exp, to 2e-7 of its value; 0 below exp(-86.6)
    total(v)                     # the sum of all eight
    largest(a, b)                # NaN if either is
    vector_at(address, count)    # an array of float32 that is kept alive elsewhere

Nothing is checked: `i + 8` has to lie within the array. LLVM maps eight lanes to what the processor
has, 2 x 4 or 1 x 8. Longer vectors were not faster on AVX-512, and fewer channel counts fill them.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

from kerasish.kernels.compiled.jit import Deferred

LANES = 8
# tanh(x) = x P(x^2) / Q(x^2) for |x| up to where it rounds to 1: a fit of the least relative
# error, 1e-9 before rounding; coefficients from the highest power down, as float32.
TANH_END = 9.01
TANH_OVER = (
    -1.2224952820882873e-11,
    3.061392561676257e-08,
    2.8019452656735666e-05,
    0.0038689214270561934,
    0.13680388033390045,
    1.0,
)
TANH_UNDER = (
    1.2882054534202325e-06,
    0.00039396784268319607,
    0.02724801003932953,
    0.47013720870018005,
    1.0,
)
# exp(x) = 2^n exp(r), with n the whole number next to x / ln 2. ln 2 is subtracted in two parts,
# the first of which has so few digits that n times it is exact. Beyond the ends: 0 and infinity.
EXP_LOW, EXP_HIGH = -86.6, 88.722839
LOG2_E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.693145751953125, 1.4286068203094172e-06
# A fit of exp(r) for |r| up to ln 2 / 2 of the least relative error, 3e-9 before rounding;
# coefficients from the highest power down.
EXP_SERIES = (
    0.0013814611593261361,
    0.008368710055947304,
    0.04166838899254799,
    0.1666652113199234,
    0.4999999403953552,
    1.0,
    1.0,
)


def total_of(builder: Any, x: Any) -> Any:
    """Instructions that add up the lanes of a vector."""
    from llvmlite import ir

    places = ir.VectorType(ir.IntType(32), LANES)
    half = LANES // 2
    while half:
        turned = ir.Constant(places, [(i + half) % LANES for i in range(LANES)])
        x = builder.fadd(x, builder.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), turned))
        half //= 2
    return builder.extract_element(x, ir.Constant(ir.IntType(32), 0))


@functools.cache
def _make() -> dict[str, Any]:
    """The vector type, its functions and its operators, as extensions of numba."""
    from llvmlite import ir
    from numba import carray
    from numba.core import cgutils, types
    from numba.core.typing.templates import AbstractTemplate, infer_global, signature
    from numba.extending import intrinsic, lower_builtin, models, register_jitable, register_model

    llvm_vector = ir.VectorType(ir.FloatType(), LANES)
    zero = ir.Constant(llvm_vector, [0.0] * LANES)

    class Vector(types.Type):
        def __init__(self) -> None:
            super().__init__(name=f"float32x{LANES}")

    vector = Vector()

    @register_model(Vector)
    class VectorModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, llvm_vector)

    def pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
        data = context.make_array(kind)(context, builder, array).data
        lanes = ir.VectorType(data.type.pointee, LANES)
        return builder.bitcast(builder.gep(data, [index]), lanes.as_pointer())

    @intrinsic
    def load(typing: Any, array: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            align = array.dtype.bitwidth // 8
            value = builder.load(pointer(context, builder, sig.args[0], *args), align=align)
            return value if array.dtype == types.float32 else builder.uitofp(value, llvm_vector)

        return vector(array, types.intp), code

    @intrinsic
    def spread(typing: Any, array: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            data = context.make_array(sig.args[0])(context, builder, args[0]).data
            return splat(builder, builder.load(builder.gep(data, [args[1]])))

        return vector(array, types.intp), code

    @intrinsic
    def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            place = pointer(context, builder, sig.args[0], *args[:2])
            value = args[2]
            if array.dtype != types.float32:
                value = builder.fptoui(value, place.type.pointee)
            builder.store(value, place, align=array.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.void(array, types.intp, vector), code

    @intrinsic
    def zeros(typing: Any) -> Any:
        return vector(), lambda context, builder, sig, args: zero

    @intrinsic
    def fill(typing: Any, x: Any) -> Any:
        return vector(types.float32), lambda context, builder, sig, args: splat(builder, args[0])

    @intrinsic
    def positive(typing: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            (x,) = args
            return builder.select(builder.fcmp_ordered("<=", x, zero), zero, x)

        return vector(vector), code

    @intrinsic
    def where_above(typing: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", args[0], args[1]), *args[2:])

        return vector(vector, vector, vector, vector), code

    @intrinsic
    def where_equal(typing: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.select(builder.fcmp_ordered("==", args[0], args[1]), *args[2:])

        return vector(vector, vector, vector, vector), code

    @intrinsic
    def largest(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            a, b = args
            larger = builder.select(builder.fcmp_unordered(">", b, a), b, a)  # b if it is NaN
            return builder.select(builder.fcmp_unordered("uno", a, a), a, larger)

        return vector(vector, vector), code

    @intrinsic
    def hyperbolic(typing: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            (x,) = args
            for bound, compare in (TANH_END, ">"), (-TANH_END, "<"):
                end = ir.Constant(llvm_vector, [bound] * LANES)
                x = builder.select(builder.fcmp_ordered(compare, x, end), end, x)
            square = builder.fmul(x, x)

            def polynomial(coefficients: tuple[float, ...]) -> Any:
                total, *rest = [ir.Constant(llvm_vector, [c] * LANES) for c in coefficients]
                for c in rest:
                    total = builder.fadd(builder.fmul(total, square), c)
                return total

            return builder.fdiv(builder.fmul(x, polynomial(TANH_OVER)), polynomial(TANH_UNDER))

        return vector(vector), code

    def declared(builder: Any, name: str, count: int) -> Any:
        kind = ir.FunctionType(llvm_vector, [llvm_vector] * count)
        name = f"llvm.{name}.v{LANES}f32"
        return cgutils.get_or_insert_function(builder.module, kind, name)

    @intrinsic
    def exponential(typing: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            (x,) = args
            whole = ir.VectorType(ir.IntType(32), LANES)
            rounded = declared(builder, "rint", 1)
            fused = declared(builder, "fmuladd", 3)  # which nothing reorders

            def each(c: float) -> Any:
                return ir.Constant(llvm_vector, [c] * LANES)

            low, high = each(EXP_LOW), each(EXP_HIGH)
            inside = builder.select(builder.fcmp_ordered(">", x, low), x, low)
            inside = builder.select(builder.fcmp_ordered("<", inside, high), inside, high)
            n = builder.call(rounded, [builder.fmul(inside, each(LOG2_E))])
            r = builder.call(fused, [n, each(-LN2_HIGH), inside])
            r = builder.call(fused, [n, each(-LN2_LOW), r])
            y, *rest = (each(c) for c in EXP_SERIES)
            for c in rest:
                y = builder.call(fused, [y, r, c])
            # 2^(n - 1), by its bits, and then 2: 2^128 is beyond float32.
            power = builder.add(builder.fptosi(n, whole), ir.Constant(whole, [126] * LANES))
            power = builder.shl(power, ir.Constant(whole, [23] * LANES))
            y = builder.fmul(builder.fmul(y, builder.bitcast(power, llvm_vector)), each(2.0))
            y = builder.select(builder.fcmp_ordered("<", x, low), zero, y)
            y = builder.select(builder.fcmp_ordered(">", x, high), each(float("inf")), y)
            return builder.select(builder.fcmp_unordered("uno", x, x), x, y)

        return vector(vector), code

    @intrinsic
    def total(typing: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return total_of(builder, args[0])

        return types.float32(vector), code

    @intrinsic
    def pointer_to(typing: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], ir.FloatType().as_pointer())

        return types.CPointer(types.float32)(types.int64), code

    to_pointer: Any = pointer_to

    @register_jitable
    def vector_at(address: Any, count: Any) -> Any:
        return carray(to_pointer(address), (count,))

    def splat(builder: Any, x: Any) -> Any:
        undefined = ir.Constant(llvm_vector, ir.Undefined)
        first = ir.Constant(ir.IntType(32), 0)
        all_first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(
            builder.insert_element(undefined, x, first), undefined, all_first
        )

    def add_operator(symbol: Any, instruction: str) -> None:
        @infer_global(symbol)
        class Operator(AbstractTemplate):
            def generic(self, args: Any, kws: Any) -> Any:
                if len(args) != 2 or vector not in args:
                    return None
                return signature(vector, *(a if a == vector else types.float32 for a in args))

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            both = zip(args, sig.args, strict=True)
            return getattr(builder, instruction)(
                *(x if kind == vector else splat(builder, x) for x, kind in both)
            )

        for kinds in (Vector, Vector), (Vector, types.float32), (types.float32, Vector):
            lower_builtin(symbol, *kinds)(code)

    add_operator(operator.add, "fadd")
    add_operator(operator.sub, "fsub")
    add_operator(operator.mul, "fmul")
    add_operator(operator.truediv, "fdiv")
    return {
        "load": load,
        "store": store,
        "spread": spread,
        "zeros": zeros,
        "fill": fill,
        "positive": positive,
        "largest": largest,
        "where_above": where_above,
        "where_equal": where_equal,
        "hyperbolic": hyperbolic,
        "exponential": exponential,
        "total": total,
        "vector_at": vector_at,
    }


def _deferred(name: str) -> Any:
    return Deferred(lambda: _make()[name])


load, store, spread = map(_deferred, ("load", "store", "spread"))
zeros, fill = map(_deferred, ("zeros", "fill"))
positive, largest, total = map(_deferred, ("positive", "largest", "total"))
hyperbolic, exponential = map(_deferred, ("hyperbolic", "exponential"))
vector_at = _deferred("vector_at")
where_above, where_equal = map(_deferred, ("where_above", "where_equal"))
