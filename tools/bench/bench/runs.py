"""One run of one receiver under one load: rate, CPU time and, where there are replies, round trips."""

import os
import signal
import time

from bench.loads import PACED_RATE
from bench.processes import Receiver, RunError, drive
from bench.sockets import Queue

SETTLE_SECONDS = 0.05
POLL_SECONDS = 0.0002

# A queue of plain datagrams of any size here, and of trains, which take less memory but are read much faster.
DRAIN_DATAGRAMS, DRAIN_TRAIN_DATAGRAMS, DRAIN_BUFFER_BYTES = 20_000, 128_000, 1 << 29
DRAIN_SECONDS_MAX = 60


def run_once(program, peer, load, driver, seconds):
    """One run; every kind of load returns the same fields, and leaves out those it has no value for."""
    with Receiver(program, load.mode, peer.arguments, pinned_to_core=load.pinned) as receiver:
        outcome = (drained if load.kind == "drain" else driven)(receiver, load, driver, seconds)
        outcome["residentBytesMax"] = receiver.resident_bytes_max()
        report = outcome["report"] = receiver.stop()
    if report["received"] == 0:
        raise RunError("received nothing")
    if report["bytesReceived"] != report["received"] * load.size:
        raise RunError(f"{report['bytesReceived']} bytes in {report['received']} datagrams of {load.size}")
    outcome.setdefault("datagrams", report["received"])
    datagrams = outcome["datagrams"]
    total, user, sampled = outcome.pop("cpu")
    user_share = user / sampled if sampled else 0
    outcome["cpuNs"] = total / datagrams
    outcome["userNs"] = total * user_share / datagrams
    outcome["systemNs"] = total * (1 - user_share) / datagrams
    if load.mode == "sink":
        outcome.setdefault("rate", datagrams / outcome["driver"]["seconds"])
        outcome["lostShare"] = outcome["kernelDrops"] / (datagrams + outcome["kernelDrops"])
    else:
        answered, lost = outcome["driver"]["received"], outcome["driver"]["lost"]
        outcome["rate"] = answered / outcome["driver"]["seconds"]
        outcome["lostShare"] = lost / max(answered + lost, 1)
    return outcome


def driven(receiver, load, driver, seconds):
    """The receiver works while the driver sends: a flood, a closed loop, or a steady rate."""
    options = {
        "flood": {"segments": load.segments, "sources": load.sources},
        "closed": {"window": load.window, "segments": load.segments},
        "paced": {"rate": PACED_RATE},
    }[load.kind]
    kind = "rate" if load.kind == "paced" else load.kind
    before = receiver.cpu_ns()
    result = drive(driver, receiver, kind, size=load.size, seconds=seconds, **options)
    time.sleep(SETTLE_SECONDS)
    after = receiver.cpu_ns()
    outcome = {"driver": result, "kernelDrops": receiver.kernel_drops(), "cpu": differences(before, after)}
    if load.kind == "paced":
        outcome |= {"p50Microseconds": result["p50Microseconds"], "p99Microseconds": result["p99Microseconds"]}
    return outcome


def drained(receiver, load, driver, seconds):
    """The receiver is stopped (SIGSTOP) while its queue is filled, and goes on alone: no sender disturbs it.

    Again and again until the time is over; the first time, which meets cold memory, does not count."""
    count = DRAIN_TRAIN_DATAGRAMS if load.segments > 1 else DRAIN_DATAGRAMS
    deadline = time.monotonic() + seconds
    cycles, totals, elapsed, datagrams = 0, (0, 0, 0), 0.0, 0
    with Queue(receiver.process.pid, receiver.port) as queue:
        queue.enlarge(DRAIN_BUFFER_BYTES)
        while cycles < 2 or time.monotonic() < deadline:
            receiver.pause()
            filled = drive(driver, receiver, "flood", size=load.size, seconds=DRAIN_SECONDS_MAX, count=count,
                           segments=load.segments, sources=load.sources)
            before, start = receiver.cpu_ns(), time.monotonic()
            os.kill(receiver.process.pid, signal.SIGCONT)
            wait_until_empty(queue)
            end = time.monotonic()
            time.sleep(10 * POLL_SECONDS)  # the last batch has left the queue, but may still be at work
            if cycles > 0:
                totals = tuple(map(sum, zip(totals, differences(before, receiver.cpu_ns()))))
                datagrams += filled["sent"]
                elapsed += end - start
            cycles += 1
        drops = queue.drops()
    if drops > 0:
        raise RunError(f"the queue overflowed: {drops} dropped")
    return {"driver": filled, "kernelDrops": 0, "cpu": totals, "datagrams": datagrams, "rate": datagrams / elapsed}


def wait_until_empty(queue):
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    while queue.bytes() > 0:
        if time.monotonic() > deadline:
            raise RunError(f"the queue was not empty after {DRAIN_SECONDS_MAX} s")
        time.sleep(POLL_SECONDS)


def differences(before, after):
    return tuple(end - start for start, end in zip(before, after))
