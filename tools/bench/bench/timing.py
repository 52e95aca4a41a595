"""Rates and CPU times: every receiver in turn, round after round, so that drift of the machine hits all alike."""

import statistics
import time

from bench.peers import CEILING, PEERS
from bench.processes import Receiver, RunError, drive

# Datagrams of one UDP_SEGMENT train of the flood: enough to outrun most receivers, small enough to fit its queue.
FLOOD_SEGMENTS = 32
SETTLE_SECONDS = 0.05


def run_once(program, peer, cell, driver, seconds):
    """One run of one receiver: rate and CPU per datagram."""
    with Receiver(program, cell.mode, peer.arguments) as receiver:
        before = receiver.cpu_ns()
        if cell.mode == "sink":
            load = drive(driver, receiver, "flood", size=cell.size, seconds=seconds, segments=FLOOD_SEGMENTS)
        else:
            load = drive(driver, receiver, "closed", size=cell.size, seconds=seconds, window=cell.window)
        time.sleep(SETTLE_SECONDS)
        after = receiver.cpu_ns()
        drops = receiver.kernel_drops()
        resident = receiver.resident_bytes_max()
        report = receiver.stop()
    received = report["received"]
    if received == 0:
        raise RunError("received nothing")
    if report["bytesReceived"] != received * cell.size:
        raise RunError(f"{report['bytesReceived']} bytes in {received} datagrams of {cell.size}")
    lost = drops if cell.mode == "sink" else load["lost"]
    total, user, sampled = (end - start for start, end in zip(before, after))
    user_share = user / sampled if sampled else 0
    return {
        "datagrams": received,
        "rate": (received if cell.mode == "sink" else load["received"]) / load["seconds"],
        "cpuNs": total / received,
        "userNs": total * user_share / received,
        "systemNs": total * (1 - user_share) / received,
        "kernelDrops": drops,
        "lostShare": lost / (received + lost),
        "residentBytesMax": resident,
        "driver": load,
        "report": report,
    }


def run_rounds(programs, cells, driver, rounds, seconds, progress, on_failure):
    """All rounds of all cells; a receiver that fails once is left out from then on, and `on_failure` says so."""
    results = {cell: {} for cell in cells}
    for number in range(1, rounds + 1):
        for cell in cells:
            for peer in rotated(list(programs), number - 1):
                progress(f"round {number}/{rounds}: {cell.title}: {peer.title}")
                try:
                    outcome = run_once(programs[peer], peer, cell, driver, seconds)
                except RunError as error:
                    on_failure(peer, cell.title, str(error))
                    del programs[peer]
                    continue
                results[cell].setdefault(peer, []).append(outcome)
    return [summary(cell, peers) for cell, peers in results.items()]


def rotated(items, places):
    """Every round starts with another receiver, so that none always runs right after the same neighbour or first."""
    places %= max(len(items), 1)
    return items[places:] + items[:places]


def summary(cell, peers):
    """Medians of every receiver, and the median of its ratios to the C ceiling, taken round by round."""
    ceiling = next((runs for peer, runs in peers.items() if peer.name == CEILING), None)
    rows = []
    for peer, runs in sorted(peers.items(), key=lambda item: PEERS.index(item[0])):
        row = {"peer": peer.name, "title": peer.title, "rounds": runs}
        for key in ("rate", "cpuNs", "userNs", "systemNs", "kernelDrops", "lostShare", "residentBytesMax"):
            row[key] = statistics.median(run[key] for run in runs)
        if ceiling:
            for key in ("rate", "cpuNs"):
                row[f"{key}Ratio"] = statistics.median(run[key] / base[key] for run, base in zip(runs, ceiling))
        rows.append(row)
    return {"mode": cell.mode, "size": cell.size, "window": cell.window, "title": cell.title, "receivers": rows}
