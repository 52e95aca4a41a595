"""Every receiver in turn, round after round, so that drift of the machine hits all alike; and the medians of that."""

import statistics

from bench.peers import NAMES
from bench.processes import RunError
from bench.runs import run_once

MEASURES = ("rate", "cpuNs", "userNs", "systemNs", "kernelDrops", "lostShare", "residentBytesMax", "p50Microseconds",
            "p99Microseconds")
COMPARED = ("rate", "cpuNs", "p50Microseconds", "p99Microseconds")  # those with a ratio to the ceiling, and a spread


def run_rounds(programs, chosen, driver, rounds, seconds, progress, on_failure):
    """All rounds of all loads; a receiver that fails is left out of that load, and `on_failure` says so."""
    results = {load: {} for load in chosen}
    taking_part = {load: [peer for peer in programs if load.group in peer.groups] for load in chosen}
    for number in range(1, rounds + 1):
        for load in chosen:
            for peer in rotated(taking_part[load], number - 1):
                progress(f"round {number}/{rounds}: {load.title}: {peer.title}")
                try:
                    outcome = run_once(programs[peer], peer, load, driver, seconds)
                except RunError as error:
                    on_failure(peer, load.title, str(error))
                    taking_part[load].remove(peer)
                    results[load].pop(peer, None)
                    continue
                results[load].setdefault(peer, []).append(outcome)
    return [summary(load, peers) for load, peers in results.items() if peers]


def rotated(items, places):
    """Every round starts with another receiver, so that none always runs right after the same neighbour or first."""
    places %= max(len(items), 1)
    return items[places:] + items[:places]


def summary(load, peers):
    """Medians of every receiver, and the median of its ratios to the ceiling of the load, taken round by round."""
    ceiling = next((runs for peer, runs in peers.items() if peer.name == load.ceiling), None)
    rows = []
    for peer, runs in sorted(peers.items(), key=lambda item: NAMES.index(item[0].name)):
        row = {"peer": peer.name, "title": peer.title}
        for key in MEASURES:
            if key in runs[0]:
                row[key] = statistics.median(run[key] for run in runs)
        for key in COMPARED:
            if key not in runs[0]:
                continue
            row[f"{key}Spread"] = spread([run[key] for run in runs])
            if ceiling:
                ratios = [run[key] / base[key] for run, base in zip(runs, ceiling) if base[key] > 0]
                if ratios:
                    row[f"{key}Ratio"], row[f"{key}RatioSpread"] = statistics.median(ratios), spread(ratios)
        if ceiling:
            row["priceNs"] = statistics.median(run["cpuNs"] - base["cpuNs"] for run, base in zip(runs, ceiling))
        rows.append({**row, "rounds": runs})
    return {
        "part": load.part, "title": load.title, "mode": load.mode, "size": load.size, "kind": load.kind,
        "window": load.window, "segments": load.segments, "ceiling": load.ceiling, "receivers": rows,
    }


def spread(values):
    """Half of the middle half, as a share of the median; of few values half of all of them."""
    median = statistics.median(values)
    if len(values) < 2 or median == 0:
        return 0.0
    if len(values) < 4:
        return (max(values) - min(values)) / 2 / median
    first, _, third = statistics.quantiles(values, n=4)
    return (third - first) / 2 / median
