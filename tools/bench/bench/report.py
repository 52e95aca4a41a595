"""Tables for people and JSON for programs."""

import datetime
import json
import os
import platform
import subprocess

from bench.builds import ROOT

SCHEMA = 2  # of the JSON file


def git(*arguments):
    result = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else "unknown"


def machine():
    """What the numbers depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {
        "kernel": platform.release(),
        "processor": model,
        "cores": os.cpu_count(),
        "loadAverage": os.getloadavg()[0],
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "HEAD"),
        "changed": git("status", "--porcelain", "--untracked-files=no") not in ("", "unknown"),
    }


def table(title, header, rows):
    """Left-aligned first column, right-aligned others."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def aligned(line):
        cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([title, aligned(header), rule, *(aligned(row) for row in rows), ""])


# Columns: key of the row, heading ("x" is the ratio to the ceiling of the load), and how the value is written.
COLUMNS = {
    "rate": ("datagrams/s", "{:,.0f}"),
    "rateRatio": ("x", "{:.2f}"),
    "cpuNs": ("CPU ns", "{:,.0f}"),
    "cpuNsRatio": ("x", "{:.2f}"),
    "cpuNsSpread": ("±", "{:.0%}"),
    "userNs": ("user ns", "{:,.0f}"),
    "systemNs": ("system ns", "{:,.0f}"),
    "perCpuSecond": ("per CPU s", "{:,.0f}"),
    "priceNs": ("price ns", "{:+,.0f}"),
    "p50Microseconds": ("p50 µs", "{:,.1f}"),
    "p50MicrosecondsRatio": ("x", "{:.2f}"),
    "p99Microseconds": ("p99 µs", "{:,.1f}"),
    "p99MicrosecondsRatio": ("x", "{:.2f}"),
    "lostShare": ("lost", "{:.0%}"),
    "residentMegabytes": ("MB", "{:.1f}"),
}
DRIVEN = ("rate", "rateRatio", "cpuNs", "cpuNsRatio", "cpuNsSpread", "userNs", "systemNs", "lostShare",
          "residentMegabytes")
SHOWN = {
    "timing": DRIVEN,
    "trains": DRIVEN,
    "drain": ("cpuNs", "cpuNsRatio", "cpuNsSpread", "perCpuSecond"),
    "metadata": ("cpuNs", "cpuNsRatio", "cpuNsSpread", "priceNs"),
    "paced": ("cpuNs", "cpuNsRatio", "cpuNsSpread", "p50Microseconds", "p50MicrosecondsRatio", "p99Microseconds",
              "p99MicrosecondsRatio", "lostShare"),
    "shards": ("rate", "rateRatio", "cpuNs", "cpuNsRatio", "cpuNsSpread"),
}


def load_table(load, rounds):
    keys = SHOWN[load["part"]]
    rows = []
    for receiver in load["receivers"]:
        row = {**receiver, "residentMegabytes": receiver["residentBytesMax"] / 1e6,
               "perCpuSecond": 1e9 / receiver["cpuNs"]}
        rows.append((row["title"], *(COLUMNS[key][1].format(row[key]) if key in row else "-" for key in keys)))
    count = "1 round" if rounds == 1 else f"medians of {rounds} rounds"
    title = f"{load['title']} ({count}; x: ratio to {load['ceiling']})"
    return table(title, ("receiver", *(COLUMNS[key][0] for key in keys)), rows)


BATCH_SIZES = ("1", "2–3", "4–7", "8–15", "16–31", "32–63", "64–")


def batches_table(loads):
    """How full the batches were, of every receiver that says so."""
    rows = []
    for load in loads:
        for receiver in load["receivers"]:
            histograms = [run["report"].get("receiveBatchSizes") for run in receiver["rounds"]]
            if not all(histograms):
                continue
            totals = [sum(counts) for counts in zip(*histograms)]
            batches = sum(totals)
            datagrams = sum(run["report"]["received"] for run in receiver["rounds"])
            shares = (f"{count / batches:.0%}" for count in totals)
            rows.append((load["title"], receiver["title"], f"{datagrams / batches:.1f}", *shares))
    if not rows:
        return None
    header = ("load", "receiver", "mean", *BATCH_SIZES)
    return table("receive batches: mean size, and the share of batches of each size", header, rows)


COUNT_HEADINGS = {"instructions": "instructions", "system_calls": "system calls", "allocations": "allocations"}


def counts_table(counts, size):
    """One row a receiver; `counts` holds peer, title, mode, kind and value or None with a reason."""
    chosen = [count for count in counts if count["size"] == size]
    columns = list(dict.fromkeys((count["kind"], count["mode"]) for count in chosen))
    header = ("receiver", *(f"{COUNT_HEADINGS[kind]}, {mode}" for kind, mode in columns))
    rows = []
    for name in dict.fromkeys(count["peer"] for count in chosen):
        cells = {(count["kind"], count["mode"]): count for count in chosen if count["peer"] == name}
        title = next(iter(cells.values()))["title"]
        rows.append((title, *(count_text(cells.get(column)) for column in columns)))
    return table(f"per datagram, {size} bytes", header, rows)


def count_text(count):
    if count is None or count["value"] is None:
        return "-"
    value = count["value"]
    if count["kind"] == "instructions":
        return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
    return f"{abs(value):.3f}" if abs(value) < 10 else f"{value:,.1f}"


def write_json(path, result):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=2)
        file.write("\n")
