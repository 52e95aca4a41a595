"""Receivers and drivers as child processes: pinned, bounded in time, and always reaped."""

import json
import os
import select
import signal
import subprocess
import tempfile
import time

# Every receiver ends by itself after this long, even when this program is killed outright.
RECEIVER_SECONDS_MAX = 900
START_SECONDS_MAX = 90
STOP_SECONDS_MAX = 60


class RunError(Exception):
    """One run of one receiver or driver failed; the message is one line for the table."""


def cores():
    """The cores for driver and receiver; two Nones when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def pinned(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


niceness = 0  # --nice


def prefer(process):
    """Gives the process the niceness asked for, and its session, too: the kernel may schedule by session."""
    if niceness == 0:
        return
    try:
        os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
        with open(f"/proc/{process.pid}/autogroup", "w", encoding="ascii") as group:
            group.write(str(niceness))
    except (OSError, ProcessLookupError):
        pass  # not root, or a kernel without such groups: it is only a wish


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


class Receiver:
    """A receiver that listens on a free port of 127.0.0.1 inside a `with` block."""

    def __init__(
        self, command, mode, arguments=(), wrapper=(), environment=None, wrapped=False, pinned_to_core=True
    ):
        self.command = [*command, mode, "--listen", "127.0.0.1:0", "--json"]
        self.command += ["--duration", str(RECEIVER_SECONDS_MAX), *arguments]
        self.command = pinned(cores()[1] if pinned_to_core else None, [*wrapper, *self.command])
        self.environment = {**os.environ, "LC_ALL": "C", **(environment or {})}
        self.wrapped = wrapped  # the receiver is a child of the wrapper (strace), not the wrapper itself

    def __enter__(self):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=self.environment,
            start_new_session=True,
        )
        prefer(self.process)
        try:
            self.port = self._read_port()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        self._end()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def cpu_ns(self):
        """CPU time of the process so far as (total, user), read from outside so that every receiver is read alike.

        The total is exact; the kernel knows the share of user mode only by sampling, as for getrusage."""
        total, user, sampled = (time.clock_gettime_ns((~self.process.pid << 3) | which) for which in (2, 1, 0))
        return total, user, sampled

    def kernel_drops(self):
        with open("/proc/net/udp", encoding="ascii") as table:
            for line in table.readlines()[1:]:
                fields = line.split()
                if int(fields[1].split(":")[1], 16) == self.port and fields[2].endswith(":0000"):
                    return int(fields[12])
        return 0

    def resident_bytes_max(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    def pause(self):
        """SIGSTOP, and back when the whole process stands still."""
        os.kill(self.process.pid, signal.SIGSTOP)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while self._state() != "T":
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RunError("did not stop on SIGSTOP")
            time.sleep(0.0005)

    def _state(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def stop(self):
        """SIGTERM, then the closing report."""
        os.kill(self._receiver_pid(), signal.SIGTERM)
        try:
            output, _ = self.process.communicate(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise RunError(f"did not stop within {STOP_SECONDS_MAX} s of SIGTERM") from None
        if self.process.returncode != 0:
            raise RunError(f"exited with status {self.process.returncode}: {self._error_text()}")
        try:
            report = json.loads(last_line(output.decode()))
            report["received"], report["sent"], report["bytesReceived"]
        except (ValueError, KeyError, TypeError):
            raise RunError(f"no JSON report at the end, but: {last_line(output.decode())[:80]}") from None
        return report

    def _receiver_pid(self):
        if not self.wrapped:
            return self.process.pid
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
            pids = children.read().split()
        if not pids:
            raise RunError("the wrapper has no child")
        return int(pids[0])

    def _read_port(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise RunError(f"did not say where it listens within {START_SECONDS_MAX} s")
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                self.process.wait()
                raise RunError(f"exited at once with status {self.process.returncode}: {self._error_text()}")
            line += byte
        try:
            return int(line.decode().strip().removeprefix("listening on ").rpartition(":")[2])
        except ValueError:
            raise RunError(f"first line is {line.decode().strip()!r}, not 'listening on ADDR:PORT'") from None

    def _error_text(self):
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors.read().splitlines() if line.strip()]
        return next((line for line in lines if "rror" in line), lines[0] if lines else "no message")[:160]

    def _end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session: the wrapper and the receiver, no one else
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def drive(driver, receiver, kind, *, size, seconds, **options):
    """Runs one driver to its end and returns its report; `options` are those of the driver's command line."""
    command = [driver, kind, "--to", receiver.address, "--size", str(size), "--seconds", str(seconds)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    process = subprocess.Popen(
        pinned(cores()[0], command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    prefer(process)
    try:
        output, errors = process.communicate(timeout=seconds + 90)
    except subprocess.TimeoutExpired:
        raise RunError(f"the {kind} driver did not end") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise RunError(f"{kind} driver: {last_line((errors or output).decode())[:160]}")
    return json.loads(output)
