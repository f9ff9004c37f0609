"""One table of many results: ``python -m tests.benchmarks.summary RESULTS.json...``.

A row a workload: kerasish's speed, and how many times that of each peer it is (medians over the
rounds of what was measured in the same round). What is below 1 is where a peer is ahead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.__main__ import _ratio, _seconds
from tests.benchmarks.peers import PEERS


def training(results: dict[str, Any], us: str = "kerasish") -> list[list[str]]:
    """Rows of the workloads that train."""
    rows = []
    for name, found in results.items():
        speeds = {p: r.get("samples_a_second") for p, r in found.items()}
        if speeds.get(us):
            ratios = [_ratio(speeds[us], speeds.get(p)) for p in others(results)]
            rows.append([name, f"{median(speeds[us]):,.0f}", *ratios])
    return rows


def predicting(results: dict[str, Any], us: str = "kerasish") -> list[list[str]]:
    """Rows of the workloads that predict: the best call of each library for so many samples."""
    rows = []
    for name, found in results.items():
        best: dict[str, dict[str, list[float]]] = {}  # by size and peer
        for key, sizes in found["seconds"].items():
            for size, spent in sizes.items():
                peers, peer = best.setdefault(size, {}), key.split()[0]
                peers[peer] = min(peers.get(peer, spent), spent, key=median)
        for size, peers in best.items():
            if us in peers:
                ratios = [_ratio(peers.get(p), peers[us]) for p in others(results)]
                label = f"{name.removesuffix('.predict')}, {int(size):,}"
                rows.append([label, _seconds(median(peers[us])), *ratios])
    return rows


def others(results: dict[str, Any]) -> list[str]:
    """The peers that took part."""
    text = json.dumps([list(found.get("seconds", found)) for found in results.values()])
    theirs = [p for p in PEERS if not p.startswith("kerasish")]
    return [p for p in theirs if f'"{p}"' in text or f'"{p} ' in text]


def main() -> None:
    """Print Markdown."""
    results: dict[str, Any] = {}
    for path in sys.argv[1:]:
        results |= json.loads(Path(path).read_text())
    print(results.pop("machine", ""))
    predicted = {n: r for n, r in results.items() if n.endswith(".predict")}
    trained = {n: r for n, r in results.items() if n not in ("import", "memory", *predicted)}
    for us in ("kerasish", "kerasish-numpy"):
        for unit, part, make in (
            ("samples/s", trained, training),
            ("time", predicted, predicting),
        ):
            rows = make(part, us)
            if rows:
                print(f"\n| {us} | {unit} | " + " | ".join(others(part)) + " |")
                print("|---" + "|---:" * (len(rows[0]) - 1) + "|")
                for row in rows:
                    print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
