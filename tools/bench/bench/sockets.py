"""The sockets of a receiver, held from outside: the same receive buffer and the same view of the queue for all."""

import contextlib
import ctypes
import os
import socket
import struct

from bench.processes import RunError

SYS_PIDFD_GETFD = 438  # one number on every architecture
SO_RCVBUFFORCE, SO_MEMINFO = 33, 55
MEMINFO_RMEM_ALLOC, MEMINFO_DROPS, MEMINFO_WORDS = 0, 8, 9


class Queue:
    """The receive queues of all sockets that a process has on one UDP port (several with SO_REUSEPORT)."""

    def __init__(self, pid, port):
        self.sockets = borrowed_sockets(pid, port)
        if not self.sockets:
            raise RunError(f"no UDP socket on port {port} in process {pid}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for held in self.sockets:
            held.close()

    def enlarge(self, size):
        """Sets each receive buffer past net.core.rmem_max, which needs CAP_NET_ADMIN."""
        for held in self.sockets:
            try:
                held.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
            except PermissionError:
                raise RunError("a queue this long needs SO_RCVBUFFORCE (root, or CAP_NET_ADMIN)") from None

    def bytes(self):
        return sum(words[MEMINFO_RMEM_ALLOC] for words in self._meminfo())

    def drops(self):
        return sum(words[MEMINFO_DROPS] for words in self._meminfo())

    def _meminfo(self):
        for held in self.sockets:
            yield struct.unpack(f"{MEMINFO_WORDS}I", held.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * MEMINFO_WORDS))


def borrowed_sockets(pid, port):
    """Duplicates of the process's UDP sockets on this port."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    found = []
    try:
        for number in socket_numbers(pid):
            descriptor = libc.syscall(SYS_PIDFD_GETFD, process, number, 0)
            if descriptor < 0:
                raise RunError(f"pidfd_getfd: {os.strerror(ctypes.get_errno())} (may this user trace the receiver?)")
            held = socket.socket(fileno=descriptor)
            internet = held.family in (socket.AF_INET, socket.AF_INET6)
            if internet and held.type == socket.SOCK_DGRAM and held.getsockname()[1] == port:
                found.append(held)
            else:
                held.close()
    finally:
        os.close(process)
    return found


def socket_numbers(pid):
    """The descriptors of a process that are sockets."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                yield int(name)
