"""The receivers that are compared, in the order of the tables, and what each may cost."""

from dataclasses import dataclass

CEILING = "c-recvmmsg"


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    build: str  # names its builder in builds.Builder
    arguments: tuple[str, ...] = ()  # after "echo|sink --listen … --json"
    counted: tuple[int, int] = (20_000, 120_000)  # datagrams of the short and of the long run under an instrument
    strip: bool = True  # callgrind runs a stripped copy
    callgrind_trouble: str = ""  # why callgrind cannot run it
    heap: bool = True  # allocations go through malloc, so that they can be counted
    limits: tuple[tuple[str, int], ...] = ()  # --check: most instructions per datagram, by mode


PEERS = (
    Peer("volley", "Volley, datagramReceived", "volley", limits=(("sink", 45), ("echo", 85))),
    Peer(
        "volley-batch",
        "Volley, datagramsReceived",
        "volley",
        arguments=("--callback", "batch"),
        limits=(("sink", 35), ("echo", 75)),
    ),
    Peer(CEILING, "C recvmmsg/sendmmsg 64", "c"),
    Peer("c-recvfrom", "C recvfrom/sendto", "c"),
    Peer("rust-std", "Rust std", "rust-std"),
    Peer("tokio", "tokio", "tokio"),
    Peer("libuv", "libuv", "libuv"),
    Peer("libuv-recvmmsg", "libuv, UV_UDP_RECVMMSG", "libuv", arguments=("--vector",)),
    Peer(
        "go",
        "Go, AddrPort calls",
        "go",
        heap=False,
        callgrind_trouble="callgrind (3.19) aborts on the signals of Go's runtime",
    ),
    Peer("nio", "SwiftNIO, default", "nio", counted=(5_000, 30_000)),
    Peer("nio-vector", "SwiftNIO, vector reads 32", "nio", arguments=("--vector", "32"), counted=(5_000, 30_000)),
    Peer("uvloop", "uvloop", "uvloop", ("--loop", "uvloop"), counted=(5_000, 30_000), strip=False, heap=False),
    Peer("asyncio", "CPython asyncio", "asyncio", counted=(2_000, 12_000), strip=False, heap=False),
)


@dataclass(frozen=True)
class Cell:
    """One load: what the receiver does, the payload size, and for an echo how many datagrams are in flight."""

    mode: str
    size: int
    window: int = 0

    @property
    def title(self):
        window = f", {self.window} in flight" if self.mode == "echo" else ", flooded"
        return f"{self.mode}, {self.size} bytes{window}"


def cells(modes, sizes, windows):
    """Every load that fits the kernel's default receive buffer; more in flight would only measure loss."""
    chosen = []
    for mode in modes:
        for size in sizes:
            if mode == "sink":
                chosen.append(Cell(mode, size))
                continue
            fitting = [window for window in windows if window <= window_max(size)]
            chosen += [Cell(mode, size, window) for window in fitting or [window_max(size)]]
    return chosen


def window_max(size):
    """Datagrams in three quarters of 212,992 bytes: the kernel may hold back a quarter of the buffer after the read."""
    charge = 832 if size <= 128 else 1280 if size <= 640 else 2304 if size <= 1664 else 8448
    return min(212_992 * 3 // 4 // charge, 1024)
