"""The command line of tools/bench/run."""

import argparse
import dataclasses
import os
import signal
import sys

from bench import compare, processes, report
from bench.builds import OUTPUT, Builder, Unavailable
from bench.counts import Instruments
from bench.loads import TIMED_PARTS, Load, loads
from bench.peers import NAMES, PEERS, QUICK
from bench.processes import RunError
from bench.rounds import run_rounds
from bench.runs import run_once

COUNTED_PARTS = ("instructions", "system_calls", "allocations")
PARTS = TIMED_PARTS + COUNTED_PARTS
QUICK_COUNTED = (2_000, 12_000)
EXIT_LIMIT_EXCEEDED, EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_INTERRUPTED = 1, 64, 69, 130

EXAMPLES = """\
parts:
  timing        sink under a flood, echo with N in flight
  drain         a full queue read by an undisturbed receiver, of plain datagrams and of UDP_SEGMENT trains
  trains        the same as timing with trains that stay whole, into receivers with UDP_GRO
  metadata      the price of each option of `volley serve --metadata`, on a queue that is drained
  paced         50,000 datagrams a second: CPU and round trips
  shards        a queue of many sources drained by one shard and by two
  instructions, system_calls, allocations
                counts per datagram; with metadata among the parts, also the instructions of each option

examples:
  tools/bench/run                                  everything (over half an hour with all receivers)
  tools/bench/run --quick                          every part, short, 64 bytes, only Volley and C: two minutes
  tools/bench/run --instructions --only volley,c-recvmmsg --check
                                                   the counts that noise cannot touch, against our limits
  tools/bench/run --parts timing --mode echo --size 64 --window 64 --rounds 9 --json echo.json
  tools/bench/run --only volley,nio,c-recvmmsg --volley .build/release/volley --no-install
  tools/bench/run --compare old.json new.json --fail-over 5

exit status: 0 measured; 1 --check or --fail-over failed; 64 bad usage; 69 nothing can be measured; 130 interrupted
"""


def main(arguments=None):
    options = parse(arguments)
    if options.compare:
        return compare_files(options)
    processes.niceness = options.nice
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds, so children are reaped
    try:
        return measure(options)
    except KeyboardInterrupt:
        say("interrupted; everything that was started has been ended")
        return EXIT_INTERRUPTED


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see --help)\n")


def parse(arguments):
    parser = Parser(
        prog="tools/bench/run",
        description="Builds and measures Volley and other UDP receivers on loopback, interleaved.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="PEER,…", type=words(NAMES), help=f"some of: {', '.join(NAMES)}")
    parser.add_argument("--mode", metavar="MODE,…", type=words(("sink", "echo")), default=["sink", "echo"],
                        help="sink, echo or both (default both)")
    parser.add_argument("--size", metavar="BYTES,…", type=numbers(16, 2048), help="payloads (default 64,1400)")
    parser.add_argument("--window", metavar="N,…", type=numbers(1, 1024), default=[64, 192],
                        help="echo datagrams in flight (default 64,192; capped by the kernel's receive buffer)")
    parser.add_argument("--rounds", type=number(1, 100), help="timed rounds (default 5)")
    parser.add_argument("--seconds", type=float, help="length of one timed run (default 2)")
    parser.add_argument("--quick", action="store_true", help="all parts in short: 1 round of 0.2 s, 64 bytes")
    parser.add_argument("--nice", metavar="N", type=niceness, default=0,
                        help="niceness of receivers and drivers, -20 to 19: less noise where others work (root)")
    parser.add_argument("--parts", metavar="PART,…", type=words(PARTS), default=list(PARTS),
                        help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--instructions", action="store_true", help="the same as --parts instructions")
    parser.add_argument("--check", action="store_true", help="exit 1 when Volley exceeds its limits of instructions")
    parser.add_argument("--json", metavar="FILE", help="also write every number, of every round, to FILE")
    parser.add_argument("--volley", metavar="PROGRAM", help="measure this volley instead of building one")
    parser.add_argument("--no-install", action="store_true", help="install nothing: skip what needs it")
    parser.add_argument("--compare", metavar=("OLD", "NEW"), nargs=2,
                        help="measure nothing: compare two files of --json")
    parser.add_argument("--fail-over", metavar="PERCENT", type=float,
                        help="with --compare: exit 1 when a row got worse by more than its spread and this")
    options = parser.parse_args(arguments)
    if options.instructions:
        options.parts = ["instructions"]
    if options.quick:
        options.window = [64]
        options.only = options.only or list(QUICK)
    if options.fail_over is not None and not (options.compare and options.fail_over >= 0):
        parser.error("--fail-over goes with --compare, and is not negative")
    options.size = options.size or ([64] if options.quick else [64, 1400])
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 2.0)
    if not 0.05 <= options.seconds <= 60:
        parser.error("--seconds must be between 0.05 and 60")
    if options.json and not os.path.isdir(os.path.dirname(os.path.abspath(options.json))):
        parser.error(f"--json {options.json}: no such folder")
    return options


def niceness(text):
    if not text.lstrip("-").isdecimal() or not -20 <= int(text) <= 19:
        raise argparse.ArgumentTypeError(f"{text}: not a number between -20 and 19")
    return int(text)


def number(least, most):
    def parse_number(text):
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text}: not a number between {least} and {most}")
        return int(text)

    return parse_number


def numbers(least, most):
    return lambda text: [number(least, most)(part) for part in text.split(",")]


def words(allowed):
    def parse_words(text):
        chosen = text.replace("-", "_").split(",") if allowed is PARTS else text.split(",")
        for word in chosen:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"{word}: not one of {', '.join(allowed)}")
        return chosen

    return parse_words


def say(text):
    print(f"tools/bench: {text}", file=sys.stderr, flush=True)


def progress(text):
    """One line that overwrites itself, and only on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def compare_files(options):
    try:
        worse = compare.compare(*options.compare, options.fail_over, print)
    except compare.Unreadable as reason:
        say(str(reason))
        return EXIT_USAGE
    return EXIT_LIMIT_EXCEEDED if worse else 0


def measure(options):
    builder = Builder(not options.no_install, options.volley, say)
    try:
        driver = builder.driver()
    except Unavailable as reason:
        say(f"nothing can be measured: {reason}")
        return EXIT_UNAVAILABLE
    skipped = {}

    def skip(peer, what, reason):
        progress("")
        skipped.setdefault(peer.name, []).append(f"{what}: {reason}")
        print(f"skipped: {peer.title}, {what}: {reason}", flush=True)

    programs = usable_programs(options, builder, driver, skip)
    if not programs:
        say("nothing can be measured: every receiver was skipped")
        return EXIT_UNAVAILABLE
    result = {"schema": report.SCHEMA, "machine": report.machine(), "versions": builder.versions()}
    result |= {"settings": settings(options), "skipped": skipped}
    chosen = loads(options.parts, options.mode, options.size, options.window)
    result["loads"] = run_rounds(programs, chosen, driver, options.rounds, options.seconds, progress, skip)
    progress("")
    measured = {peer.name for peer in programs}
    for ceiling in sorted({load["ceiling"] for load in result["loads"]} - measured):
        say(f"no ratios where {ceiling} is the ceiling: it was not measured")
    for load in result["loads"]:
        print(report.load_table(load, options.rounds), flush=True)
    batches = report.batches_table(result["loads"])
    if batches:
        print(batches, flush=True)
    result["counts"] = count_all(options, builder, programs, driver, skip)
    for size in dict.fromkeys(count["size"] for count in result["counts"]):
        print(report.counts_table(result["counts"], size), flush=True)
    if options.json:
        report.write_json(options.json, result)
        say(f"wrote {options.json}")
    return check(options, result["counts"])


def usable_programs(options, builder, driver, skip):
    """Builds every receiver and lets it echo a little: what fails here is skipped, not measured."""
    groups = {load.group for load in loads(options.parts, options.mode, options.size, options.window)}
    if any(part in COUNTED_PARTS for part in options.parts):
        groups.add("plain")
    programs = {}
    for peer in PEERS:
        if (options.only and peer.name not in options.only) or not groups.intersection(peer.groups):
            continue
        progress(f"trying {peer.title}")
        try:
            program = builder.command(peer)
            programs[tried(program, peer, options, driver)] = program
        except (Unavailable, RunError) as reason:
            skip(peer, "all", str(reason))
    return programs


def tried(program, peer, options, driver):
    """The receiver as it runs here: with its switches, or without them where it does not know them."""
    if options.quick and peer.counted > QUICK_COUNTED:
        peer = dataclasses.replace(peer, counted=QUICK_COUNTED)
    switched = dataclasses.replace(peer, arguments=(*peer.arguments, *peer.switches), switches=())
    for candidate in dict.fromkeys((switched, peer)):
        try:
            for mode in options.mode:
                load = Load("timing", mode, 64, "closed" if mode == "echo" else "flood", window=16)
                run_once(program, candidate, load, driver, 0.05)
            return candidate
        except RunError as error:
            reason = error
    raise reason


def count_all(options, builder, programs, driver, skip):
    """Counts at the smallest payload only: the larger ones add nothing but a copy."""
    instruments = Instruments(driver, OUTPUT)
    needs = {"instructions": ("valgrind", "valgrind"), "system_calls": ("strace", "strace"), "allocations": None}
    counts, size = [], min(options.size)
    for kind in (part for part in options.parts if part in needs):
        try:
            if needs[kind]:
                builder.need(*needs[kind])
            if kind == "instructions":
                builder.need("strip", "binutils")
        except Unavailable as reason:
            print(f"skipped: {report.COUNT_HEADINGS[kind]}: {reason}", flush=True)
            continue
        for peer, program in programs.items():
            for mode in counted_modes(kind, peer, options):
                progress(f"{report.COUNT_HEADINGS[kind]}: {mode}: {peer.title}")
                value = None
                try:
                    value = getattr(instruments, kind)(program, peer, mode, size)
                except RunError as reason:
                    skip(peer, f"{report.COUNT_HEADINGS[kind]}, {mode}", str(reason))
                counts.append({"peer": peer.name, "title": peer.title, "kind": kind, "mode": mode, "size": size,
                               "value": value})
    progress("")
    return counts


def counted_modes(kind, peer, options):
    """Everything of the plain receivers, and of the metadata options the price in instructions."""
    if kind == "allocations" and not peer.heap:
        return []
    if "plain" in peer.groups:
        return options.mode
    return [mode for mode in options.mode if mode == "sink" and kind == "instructions" and "metadata" in peer.groups]


def settings(options):
    return {key: value for key, value in vars(options).items() if key not in ("json", "volley", "compare", "fail_over")}


def check(options, counts):
    """The limits of instructions hold at 64 bytes; a count that could not be taken fails too."""
    if not options.check:
        return 0
    found = {(count["peer"], count["mode"]): count["value"] for count in counts if count["kind"] == "instructions"}
    status = 0
    for peer in PEERS:
        for mode, limit in peer.limits:
            if mode not in options.mode or (options.only and peer.name not in options.only):
                continue
            value = found.get((peer.name, mode))
            good = value is not None and value <= limit
            shown = "not measured" if value is None else f"{value:.1f}"
            print(f"{'ok' if good else 'EXCEEDED'}: {peer.title}, {mode}: {shown}, limit {limit}")
            status = status if good else EXIT_LIMIT_EXCEEDED
    return status
