"""The receivers that are compared, in the order of the tables, and what each may cost."""

from dataclasses import dataclass

CEILING = "c-recvmmsg"
TRAINS_CEILING = "c-gro"
METADATA = ("address", "timestamp", "ecn", "ttl", "drops")


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    build: str  # names its builder in builds.Builder
    arguments: tuple[str, ...] = ()  # after "echo|sink --listen … --json"
    switches: tuple[str, ...] = ()  # the same, but left out where this build does not know them
    groups: tuple[str, ...] = ("plain",)  # the loads it takes part in; see loads.py
    counted: tuple[int, int] = (20_000, 120_000)  # datagrams of the short and of the long run under an instrument
    strip: bool = True  # callgrind runs a stripped copy
    callgrind_trouble: str = ""  # why callgrind cannot run it
    heap: bool = True  # allocations go through malloc, so that they can be counted
    limits: tuple[tuple[str, int], ...] = ()  # --check: most instructions per datagram, by mode


def volley(name, title, arguments=(), switches=("--no-gro", "--no-gso"), **others):
    """A way to run `volley serve`; without trains unless it says otherwise, as the other receivers are."""
    return Peer(name, title, "volley", arguments, switches, **others)


def with_metadata(options):
    name = options[0] if len(options) == 1 else "all"
    return volley(f"volley-{name}", f"Volley, {name}", ("--metadata", ",".join(options)), groups=("metadata",))


PEERS = (
    volley("volley", "Volley, datagramReceived", groups=("plain", "trains", "metadata"),
           limits=(("sink", 45), ("echo", 85))),
    volley("volley-batch", "Volley, datagramsReceived", ("--callback", "batch"), limits=(("sink", 35), ("echo", 75))),
    volley("volley-gro", "Volley, GRO and GSO", ("--gro", "--gso"), (), groups=("trains",)),
    *(with_metadata((option,)) for option in METADATA),
    with_metadata(METADATA),
    volley("volley-1-shard", "Volley, 1 shard", ("--shards", "1"), groups=("shards",)),
    volley("volley-2-shards", "Volley, 2 shards", ("--shards", "2"), groups=("shards",)),
    Peer(CEILING, "C recvmmsg/sendmmsg 64", "c", groups=("plain", "trains")),
    Peer("c-epoll", "C recvmmsg behind epoll", "c"),
    Peer("c-poll", "C recvmmsg behind ppoll", "c", arguments=("--poll",)),
    Peer("c-uring", "C io_uring, sendmmsg", "c"),
    Peer("c-uring-sqe", "C io_uring, sendmsg requests", "c", arguments=("--sqe",)),
    Peer("c-recvfrom", "C recvfrom/sendto", "c"),
    Peer(TRAINS_CEILING, "C recvmmsg, GRO and GSO", "c", groups=("trains",)),
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
NAMES = tuple(peer.name for peer in PEERS)
# What --quick measures unless --only says otherwise: nothing that takes minutes to build.
QUICK = tuple(peer.name for peer in PEERS if peer.build in ("volley", "c"))
