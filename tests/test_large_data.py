"""Sets that are larger than memory: what is held of them while they are shuffled."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import kerasish as ks
from kerasish.data import memory

h5py = pytest.importorskip("h5py")
ROOT = pathlib.Path(__file__).parent.parent


def test_a_file_is_trained_on_within_the_pool_and_a_few_batches(tmp_path):
    rows, width = 8_000, 1024  # 8 MB, while the pool has 1
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file.create_dataset("x", data=np.zeros((rows, width), "uint8"), chunks=(64, width))
        file["y"] = np.arange(rows) % 10
    x, y = ks.data.from_hdf5(tmp_path / "d.h5", "x", "y")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "POOL_BYTES", 2**20)
        tracemalloc.start()
        seen = [int(b.y.sum()) for b in ks.data.batches(x, y, batch_size=64, shuffle=True).epoch()]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sum(seen) == 45 * rows // 10
    assert peak < 4 * 2**20
    x.file.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_file_of_six_gigabytes_trains_within_600_megabytes(tmp_path):
    if shutil.disk_usage(tmp_path).free < 8e9:
        pytest.skip("needs 8 GB of disk")
    command = [sys.executable, str(ROOT / "tests" / "large_hdf5.py"), str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    (tmp_path / "large.h5").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    assert float(re.search(r"peak memory: (\d+) MB", done.stdout)[1]) < 600
    assert float(re.search(r"accuracy: (\S+)", done.stdout)[1]) > 0.3
