"""Training on the ranks of an MPI job: the bits of one process, and errors that end all ranks."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import kerasish as ks
from kerasish.training import ranked_update
from tests import mpi_cases

ROOT = pathlib.Path(__file__).resolve().parent.parent
BESIDE = shutil.which("mpiexec", path=str(pathlib.Path(sys.executable).parent))
MPIEXEC = BESIDE or shutil.which("mpiexec")
needs_mpi = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason='needs mpi4py and mpiexec: pip install -e ".[mpi]"',
)


SHARED = ("wide adam", "wide whole")
SOME = [case for case in mpi_cases.CASES if not case.startswith("wide")] + [*SHARED]


def start(ranks, *arguments, timeout=60, **variables):
    """Run Python on several ranks; all that they print is in ``stdout``."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KERASISH_", "PMI_"))}
    environment |= {"PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [MPIEXEC, "-n", str(ranks), sys.executable, *map(str, arguments)],
        stdin=subprocess.DEVNULL,  # a job in the background that reads a terminal is stopped
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        cwd=ROOT,
        env=environment,
    )


def trained(folder, ranks, *cases, threads=1, **variables):
    """What every rank found for every case."""
    done = start(ranks, "-m", "tests.mpi_cases", folder, threads, *cases, **variables)
    assert done.returncode == 0, done.stdout
    return [json.loads((folder / f"{rank}.json").read_text("utf-8")) for rank in range(ranks)]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("two"), 2)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("three"), 3, *SOME)


@needs_mpi
@pytest.mark.parametrize("case", mpi_cases.CASES)
def test_two_ranks_of_one_thread_give_the_bits_of_one_process_with_two_threads(two, case):
    alone = json.loads(json.dumps(mpi_cases.run(case, threads=2)))
    for rank in two:
        assert rank[case] == alone


@needs_mpi
@pytest.mark.parametrize("case", SOME)
def test_three_ranks_agree_with_one_process_to_rounding(three, case):
    alone = mpi_cases.run(case, threads=3)
    for rank in three:
        assert rank[case] == three[0][case]
        if case in SHARED:  # the order of sums is that of three threads
            assert rank[case] == json.loads(json.dumps(alone))
        np.testing.assert_allclose(rank[case]["some"], alone["some"], rtol=1e-4, atol=1e-5)
        for name, values in alone["history"].items():
            np.testing.assert_allclose(rank[case]["history"][name], values, rtol=1e-4, atol=1e-5)


@needs_mpi
@pytest.mark.slow
def test_three_ranks_of_two_threads_repeat_to_the_bit(tmp_path):
    first = trained(tmp_path, 3, threads=2)
    assert trained(tmp_path, 3, threads=2) == first


def test_one_process_trains_as_without_mpi():
    model = ks.Sequential([ks.layers.Dense(1)])
    with pytest.raises(ValueError, match="`distribute` must be 'mpi'"):
        model.compile("sgd", "mse", distribute="horovod")


def test_the_environment_is_asked(monkeypatch):
    monkeypatch.setenv("KERASISH_DISTRIBUTE", "yes")
    with pytest.raises(ValueError, match="KERASISH_DISTRIBUTE must be 'mpi'"):
        ks.Sequential([ks.layers.Dense(1)]).compile("sgd", "mse")


def test_a_launcher_without_distribute_is_warned_of(monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "2")
    model = ks.Sequential([ks.layers.Dense(1)]).compile("sgd", "mse")
    with pytest.warns(UserWarning, match="mpiexec has started 4 processes, .* rank 2"):
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    assert (ks.distributed.rank(), ks.distributed.size()) == (2, 4)


def test_without_mpi4py_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(ks.distributed.connecting, "_cluster", None)
    with pytest.raises(ImportError, match=r"pip install mpi4py mpich"):
        ks.Sequential([ks.layers.Dense(1)]).compile("sgd", "mse", distribute="mpi")


FAULTS = {
    "raise": r"rank 1 of 2 \(process \d+ on .*\) has failed[\s\S]*RuntimeError: no more",
    "kill": r"rank 1 of 2 \(process \d+ on .*\) is gone without a word: it has been killed",
    "hang": r"rank 1 of 2 .* has not come to the end of a batch .* it is at mpi_faults.py, line",
    "stop": r"rank 1 of 2 .* has given no sign of life for",
    "never starts": r"rank 0 of 2 has waited 4 s for MPI .* not there yet: rank 1 \(process",
    "exit": r"rank 1 of 2 .* has ended its script, but rank 0 waits for it in the beginning of fit",
    "model": r"cannot train one model .* model layers\[2\].filters: 4 on rank 0, 5 on rank 1",
    "rows": r"cannot train one model together: data rows: 72 on rank 0, 71 on rank 1",
    "data": r"the first batch of rank 1 has other numbers than that of rank 0",
    "threads": r"the ranks were told different numbers of threads \(rank 0: 1, rank 1: 2\)",
}
QUICK = {"raise", "kill", "exit", "model"}
slow = pytest.mark.slow


@needs_mpi
@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=() if what in QUICK else slow) for what in FAULTS]
)
def test_a_rank_that_fails_ends_the_job_and_is_named(tmp_path, what):
    began = time.monotonic()
    variables = {"KERASISH_MPI_TIMEOUT": "4"}
    done = start(2, "-m", "tests.mpi_faults", tmp_path, what, 40, **variables)
    assert done.returncode != 0
    assert re.search(FAULTS[what], done.stdout), done.stdout
    assert time.monotonic() - began < 30
    assert not (tmp_path / "result.json").exists()


def finished(folder, ranks=2):
    """Start a training again and again until it comes to its end."""
    for _ in range(9):
        done = start(ranks, "-m", "tests.mpi_faults", folder, "nothing")
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stdout
    found = json.loads((folder / "result.json").read_text("utf-8"))
    return found, (folder / "log.csv").read_text("utf-8")


@needs_mpi
@pytest.mark.parametrize("ranks", [2, pytest.param(3, marks=slow)])
@pytest.mark.parametrize("count", [37, *(pytest.param(n, marks=slow) for n in (5, 9, 30, 55, 90))])
def test_a_killed_job_goes_on_to_the_same_bits(tmp_path, ranks, count):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    done = start(ranks, "-m", "tests.mpi_faults", tmp_path / "killed", "kill", count)
    assert done.returncode != 0
    assert finished(tmp_path / "killed", ranks) == finished(tmp_path / "whole", ranks)


@needs_mpi
@slow
def test_a_job_that_goes_on_with_another_number_of_ranks_says_so(tmp_path):
    start(2, "-m", "tests.mpi_faults", tmp_path, "kill", 40)
    done = start(3, "-m", "tests.mpi_faults", tmp_path, "nothing")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ranks was 2 and is 3") == 1


@needs_mpi
@slow
@pytest.mark.parametrize("seed", range(6))
def test_a_job_killed_at_any_moment_goes_on_to_the_same_bits(tmp_path, seed):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    seconds = np.random.default_rng(seed).uniform(0, 0.5)
    start(2, "-m", "tests.mpi_faults", tmp_path / "killed", "kill later", seconds)
    assert finished(tmp_path / "killed") == finished(tmp_path / "whole")


@needs_mpi
def test_what_ranks_agree_on_and_what_each_does_alone(tmp_path):
    done = start(2, "-m", "tests.mpi_ranks", tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Epoch 1/2") == 1  # the first rank alone shows progress


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
def test_ranks_get_parts_of_the_update_that_are_about_alike(ranks):
    sizes = [5, 5, 4, 6, 5, 5, 1]
    groups = [[SimpleNamespace(w=np.empty(size))] for size in sizes]
    edges = ranked_update.edges(groups, ranks)
    assert [a for a, _ in edges] == [0, *(b for _, b in edges)][:-1]
    assert edges[-1][1] == len(sizes)
    parts = [sum(sizes[a:b]) for a, b in edges]
    assert max(parts) <= sum(sizes) / ranks + 5
