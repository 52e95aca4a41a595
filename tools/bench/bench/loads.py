"""The loads: what drives a receiver, which receivers take part, and which of them is the ceiling."""

from dataclasses import dataclass

from bench.peers import CEILING, TRAINS_CEILING

TIMED_PARTS = ("timing", "drain", "trains", "metadata", "paced", "shards")

# Datagrams of one UDP_SEGMENT train: enough to outrun most receivers, small enough to fit a queue.
TRAIN_SEGMENTS = 32
TRAINS_IN_FLIGHT = 4
PACED_RATE = 50_000
SHARD_SOURCES = 64  # enough that a hash splits them about evenly


@dataclass(frozen=True)
class Load:
    """One load: what the receiver does, the payload size, and how it is driven."""

    part: str
    mode: str
    size: int
    kind: str  # flood, closed, paced, drain: see runs.py
    group: str = "plain"  # the receivers that take part
    ceiling: str = CEILING
    window: int = 0  # closed: datagrams in flight
    segments: int = 1  # datagrams of a train
    sources: int = 1  # sockets that fill the queue
    pinned: bool = True  # the receiver has one core

    @property
    def title(self):
        how = {
            "flood": "flooded",
            "closed": f"{self.window} in flight",
            "paced": f"{PACED_RATE:,}/s",
            "drain": "a full queue drained",
        }[self.kind]
        if self.part == "timing":
            trains = ""
        else:
            trains = f", trains of {self.segments}" if self.segments > 1 else ""
        sources = f", {self.sources} sources" if self.sources > 1 else ""
        return f"{self.part}: {self.mode}, {self.size} bytes, {how}{trains}{sources}"


def loads(parts, modes, sizes, windows):
    """Every load of the chosen parts, modes and sizes."""
    makers = {"timing": timing, "drain": drain, "trains": trains, "metadata": metadata, "paced": paced,
              "shards": shards}
    chosen = [load for part in parts if part in makers for size in sizes for load in makers[part](size, windows)]
    return [load for load in chosen if load.mode in modes]


def timing(size, windows):
    """At most as many in flight as the kernel's default receive buffer holds; more would only measure loss."""
    fitting = [window for window in windows if window <= window_max(size)]
    echoes = [Load("timing", "echo", size, "closed", window=window) for window in fitting or [window_max(size)]]
    return [Load("timing", "sink", size, "flood", segments=TRAIN_SEGMENTS), *echoes]


def drain(size, _):
    return [
        Load("drain", "sink", size, "drain"),
        Load("drain", "sink", size, "drain", "trains", TRAINS_CEILING, segments=TRAIN_SEGMENTS),
    ]


def trains(size, _):
    window = TRAIN_SEGMENTS * max(1, min(TRAINS_IN_FLIGHT, window_max(size) // TRAIN_SEGMENTS))
    return [
        Load("trains", "sink", size, "flood", "trains", TRAINS_CEILING, segments=TRAIN_SEGMENTS),
        Load("trains", "echo", size, "closed", "trains", TRAINS_CEILING, window=window, segments=TRAIN_SEGMENTS),
    ]


def metadata(size, _):
    return [Load("metadata", "sink", size, "drain", "metadata", "volley")]


def paced(size, _):
    return [Load("paced", "echo", size, "paced")]


def shards(size, _):
    return [Load("shards", "sink", size, "drain", "shards", "volley-1-shard", sources=SHARD_SOURCES, pinned=False)]


def window_max(size):
    """Datagrams in three quarters of 212,992 bytes: the kernel may hold back a quarter of the buffer after the read."""
    charge = 832 if size <= 128 else 1280 if size <= 640 else 2304 if size <= 1664 else 8448
    return min(212_992 * 3 // 4 // charge, 1024)
