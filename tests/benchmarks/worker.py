"""One peer in a process of its own: reads requests as lines of JSON, answers with lines.

Its argument is JSON too: peer, workload, folder with data.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from statistics import median
from time import perf_counter
from typing import Any

# What a library prints must not mix with the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(answer: dict[str, Any]) -> None:
    """Answer one request."""
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def peak_megabytes() -> float:
    """Most memory that this process has held at one time."""
    try:
        with open("/proc/self/status") as status:
            return next(int(li.split()[1]) / 1024 for li in status if li.startswith("VmHWM"))
    except OSError:
        import resource

        scale = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def forget_peak() -> None:
    """Begin the peak anew, so that what loading the data took does not hide what follows."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def seconds_a_call(call: Any, seconds: float) -> float:
    """Median time of a call, called for some seconds."""
    call()
    times = []
    end = perf_counter() + seconds
    while not times or perf_counter() < end:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return median(times)


def main() -> None:
    """Build, then answer until the input ends."""
    from tests.benchmarks.peers import PEERS
    from tests.benchmarks.workloads import WORKLOADS, load

    told = json.loads(sys.argv[1])
    workload = WORKLOADS[told["workload"]]
    data = load(workload, told["data"])
    forget_peak()
    before = peak_megabytes()
    try:
        peer = PEERS[told["peer"]](workload, data)
        versions = peer.versions()
    except ImportError as error:
        say({"missing": str(error)})
        return
    say({"versions": versions, "data_megabytes": before})
    turns = max(1, len(data[0]) // workload.turn)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "train":
            first = request["turn"] % turns * workload.turn
            rows = slice(first, min(first + workload.turn, len(data[0])))
            start = perf_counter()
            peer.train(rows)
            seconds = perf_counter() - start
            say({"samples_a_second": (rows.stop - rows.start) * workload.epochs / seconds})
        elif request["do"] == "predict":
            x = data[2].take(range(request["rows"]), 0, mode="wrap")
            calls = peer.calls(x)
            say({name: seconds_a_call(call, request["seconds"]) for name, call in calls.items()})
        elif request["do"] == "score":
            say({"score": peer.score()})
        elif request["do"] == "memory":
            say({"megabytes": peak_megabytes()})


if __name__ == "__main__":
    main()
