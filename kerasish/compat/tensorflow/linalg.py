"""``tf.linalg``."""

from typing import Any

from kerasish import ops as all_ops

_ops: Any = all_ops
matmul, norm, inv, det = _ops.matmul, _ops.norm, _ops.inv, _ops.det
diag, trace, cholesky, svd, qr = _ops.diag, _ops.trace, _ops.cholesky, _ops.svd, _ops.qr
