"""A datagram echo or sink on asyncio's DatagramProtocol, with asyncio's own loop or uvloop's."""

import argparse
import asyncio
import json
import resource
import signal
import time


class Receiver(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = 0
        self.sent = 0
        self.bytes_received = 0
        self.first = None
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if self.first is None:
            self.first = process_clock()
        self.received += 1
        self.bytes_received += len(data)


class EchoReceiver(Receiver):
    def datagram_received(self, data, addr):
        super().datagram_received(data, addr)
        self.transport.sendto(data, addr)
        self.sent += 1


def process_clock():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), usage.ru_utime, usage.ru_stime


def report(receiver):
    end = process_clock()
    start = receiver.first or end
    seconds, user, system = (after - before for before, after in zip(start, end))
    return {
        "received": receiver.received,
        "sent": receiver.sent,
        "bytesReceived": receiver.bytes_received,
        "seconds": round(seconds, 6),
        "userSeconds": round(user, 6),
        "systemSeconds": round(system, 6),
        "cpuScope": "since first datagram",
    }


async def run(options):
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if options.duration is not None:
        loop.call_later(options.duration, stopping.set)
    host, _, port = options.listen.rpartition(":")
    kind = EchoReceiver if options.mode == "echo" else Receiver
    transport, receiver = await loop.create_datagram_endpoint(kind, local_addr=(host, int(port)))
    host, port = transport.get_extra_info("sockname")
    print(f"listening on {host}:{port}", flush=True)
    await stopping.wait()
    transport.close()
    print(json.dumps(report(receiver)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=("echo", "sink"))
    parser.add_argument("--listen", required=True, metavar="ADDR:PORT")
    parser.add_argument("--duration", type=float, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="the report is always JSON")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    options = parser.parse_args()
    if options.loop == "uvloop":
        import uvloop

        uvloop.run(run(options))
    else:
        asyncio.run(run(options))


if __name__ == "__main__":
    main()
