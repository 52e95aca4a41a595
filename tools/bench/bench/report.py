"""Tables for people and JSON for programs."""

import json
import os
import platform


def machine():
    """What the numbers depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {
        "kernel": platform.release(),
        "processor": model,
        "cores": os.cpu_count(),
        "loadAverage": os.getloadavg()[0],
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


def timing_table(cell, rounds):
    header = ("receiver", "datagrams/s", "x C", "CPU ns", "x C", "user ns", "system ns", "lost", "MB")
    rows = []
    for row in cell["receivers"]:
        rows.append(
            (
                row["title"],
                f"{row['rate']:,.0f}",
                f"{row['rateRatio']:.2f}" if "rateRatio" in row else "-",
                f"{row['cpuNs']:,.0f}",
                f"{row['cpuNsRatio']:.2f}" if "cpuNsRatio" in row else "-",
                f"{row['userNs']:,.0f}",
                f"{row['systemNs']:,.0f}",
                f"{100 * row['lostShare']:.0f} %",
                f"{row['residentBytesMax'] / 1e6:.1f}",
            )
        )
    count = "1 round" if rounds == 1 else f"medians of {rounds} rounds"
    return table(f"{cell['title']} ({count})", header, rows)


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
