"""Costs that are counted, not timed: instructions, system calls and allocations per datagram.

Each is the slope between a short and a long run, so that what a program does at start and end cancels out."""

import os
import shutil
import subprocess
import tempfile

from bench.loads import window_max
from bench.processes import Receiver, RunError, drive

SECONDS_MAX = 300
ECHO_WINDOW_MAX = 192
PACED_SEGMENTS = 16


def slope(run, counted):
    """`run(n)` drives n datagrams and returns (datagrams received, cost)."""
    (short, least), (long, most) = run(counted[0]), run(counted[1])
    if long <= short:
        raise RunError(f"the long run received {long} datagrams, the short one {short}")
    return (most - least) / (long - short)


def count_run(receiver, driver, mode, size, count):
    """Drives `count` datagrams so that none is lost and the receiver always finds full batches."""
    if mode == "sink":
        options = {"count": count, "segments": PACED_SEGMENTS}
        load = drive(driver, receiver, "paced", size=size, seconds=SECONDS_MAX, **options)
        lost = load["drops"]
    else:
        window = min(ECHO_WINDOW_MAX, window_max(size))
        load = drive(driver, receiver, "closed", size=size, seconds=SECONDS_MAX, count=count, window=window)
        lost = load["lost"]
    received = receiver.stop()["received"]
    if received + lost < count:
        raise RunError(f"drove {count} datagrams, but it received {received} (lost {lost})")
    return received


class Instruments:
    """Counts for one receiver at a time, with the folder of the build and of temporary files."""

    def __init__(self, driver, build_folder):
        self.driver = driver
        self.build_folder = build_folder

    def instructions(self, program, peer, mode, size):
        """User-space instructions, by callgrind on a stripped copy (old valgrinds cannot read new debug information)."""
        if peer.callgrind_trouble:
            raise RunError(peer.callgrind_trouble)
        program = [self._stripped(program[0]), *program[1:]] if peer.strip else program

        def run(count):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                output = os.path.join(folder, "callgrind.out")
                wrapper = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={output}"]
                with Receiver(program, mode, peer.arguments, wrapper) as receiver:
                    received = count_run(receiver, self.driver, mode, size, count)
                return received, callgrind_total(output)

        return slope(run, peer.counted)

    def system_calls(self, program, peer, mode, size):
        """All system calls of all threads, by strace."""

        def run(count):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                output = os.path.join(folder, "strace.out")
                wrapper = ["strace", "-f", "-c", "-U", "name,calls", "-o", output]
                with Receiver(program, mode, peer.arguments, wrapper, wrapped=True) as receiver:
                    received = count_run(receiver, self.driver, mode, size, count)
                with open(output, encoding="utf-8") as file:
                    totals = [line.split() for line in file if line.startswith("total")]
                if not totals:
                    raise RunError("strace wrote no total")
                return received, int(totals[-1][1])

        return slope(run, peer.counted)

    def allocations(self, program, peer, mode, size):
        """Calls of malloc and its relatives, by our own LD_PRELOAD library."""

        def run(count):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                output = os.path.join(folder, "allocations")
                library = os.path.join(self.build_folder, "c", "malloc_count.so")
                environment = {"LD_PRELOAD": library, "BENCH_MALLOC_FILE": output}
                with Receiver(program, mode, peer.arguments, environment=environment) as receiver:
                    received = count_run(receiver, self.driver, mode, size, count)
                try:
                    with open(output, encoding="ascii") as file:
                        return received, int(file.readlines()[-1].split()[1])
                except (OSError, IndexError, ValueError):
                    raise RunError("the allocation counter wrote nothing (a static program?)") from None

        return slope(run, peer.counted)

    def _stripped(self, program):
        folder = os.path.join(self.build_folder, "stripped")
        os.makedirs(folder, exist_ok=True)
        copy = os.path.join(folder, os.path.basename(program))
        shutil.copy2(program, copy)
        result = subprocess.run(["strip", copy], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RunError(f"strip: {result.stderr.strip()[:120]}")
        return copy


def callgrind_total(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("summary:"))
    except (OSError, StopIteration):
        raise RunError("callgrind wrote no total") from None
