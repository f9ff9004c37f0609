"""Dense layers that follow one another, each by the kernels of `products`, without a break.

What differs from layer to layer stands in rows of a table of whole numbers; arrays are given by the
addresses of their first elements, 0 for none. Which memory is overwritten is said in `products`.
"""

from kerasish.kernels.compiled import products
from kerasish.kernels.compiled.jit import kernel
from kerasish.kernels.compiled.products import NO_LIMIT, ZERO
from kerasish.kernels.compiled.simd import vector_at

# Columns of the table; OUTPUT is where a layer's output (N, UNITS) begins in `outputs`.
DEPTH, UNITS, KERNEL, BIAS, KERNEL_GRADIENT, BIAS_GRADIENT, RELU, NARROW, OUTPUT = range(9)


@kernel
def affine(x, table, start, values, places, counts, panel, turned, outputs):
    """``y = x @ kernel + bias``, then relu where asked, layer after layer, into `outputs`.

    False if the weights of one are not finite, and what it has written is worth nothing.
    """
    rows = x.shape[0]
    for k in range(table.shape[0]):
        depth, units, relu = table[k, DEPTH], table[k, UNITS], table[k, RELU] == 1
        weights = vector_at(table[k, KERNEL], depth * units).reshape(depth, units)
        bias = vector_at(table[k, BIAS], units) if table[k, BIAS] else start[:units]
        begin = table[k, OUTPUT]
        y = outputs[begin : begin + rows * units].reshape(rows, units)
        if table[k, NARROW]:
            products.narrow_affine(
                x, weights, bias, relu, turned[: units * depth].reshape(units, depth), y
            )
        elif not products.affine(
            x, weights, bias, ZERO if relu else NO_LIMIT, values, places, counts, panel, y
        ):
            return False
        x = y
    return True


@kernel
def backward(
    dy, x, table, outputs, start, values, places, counts, panel, turned, spare, dzs, sides, dx
):
    """The backward pass of `affine`: gradients to the table's addresses, and `dx` unless empty.

    Memory that is overwritten: `spare`, as long as the most units; `dzs` and the two `sides`, as
    large as the largest output. False as for `affine`.
    """
    rows = x.shape[0]
    for k in range(table.shape[0] - 1, -1, -1):
        depth, units, relu = table[k, DEPTH], table[k, UNITS], table[k, RELU] == 1
        weights = vector_at(table[k, KERNEL], depth * units).reshape(depth, units)
        gradient = vector_at(table[k, KERNEL_GRADIENT], depth * units).reshape(depth, units)
        total = spare[: units if relu else 0]
        if table[k, BIAS_GRADIENT]:
            total = vector_at(table[k, BIAS_GRADIENT], units)
        begin = table[k, OUTPUT]
        y = outputs[begin : begin + rows * units].reshape(rows, units) if relu else dy
        dz = dzs[: rows * units].reshape(rows, units) if relu else dy
        before, given = x, dx
        if k:
            begin = table[k - 1, OUTPUT]
            before = outputs[begin : begin + rows * depth].reshape(rows, depth)
            given = sides[k % 2][: rows * depth].reshape(rows, depth)
        narrow = units if table[k, NARROW] else 0
        groups = ((narrow if narrow else depth) + products.PAIR - 1) // products.PAIR
        if not products.backward(
            dy,
            y,
            relu,
            before,
            weights,
            float(groups * rows),
            start,
            values,
            places,
            counts,
            panel,
            turned[: narrow * depth].reshape(narrow, depth),
            dz,
            total,
            gradient,
            given,
        ):
            return False
        dy = given
    return True
