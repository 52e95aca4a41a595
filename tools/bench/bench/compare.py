"""Two result files of this program, row by row.

Times of two series are not comparable: the machine was another. So a timed row is judged by its ratio to the ceiling of
its own series, and by nothing where it has none or where a single round leaves its spread unknown; counts are judged by
the number."""

import json

from bench.report import SCHEMA, table

# What is compared of a timed row, and whether more of it is better.
MEASURES = {"cpuNs": ("CPU ns", False), "rate": ("rate", True), "p50Microseconds": ("p50 µs", False),
            "p99Microseconds": ("p99 µs", False)}
TIMED = {name for name, _ in MEASURES.values()}
# The rate of a queue that is drained says nothing that CPU ns does not, unless several shards drain it.
RATED_PARTS = ("timing", "trains", "shards")
COUNT_SPREAD = 0.02  # how full the batches were


class Unreadable(Exception):
    """Not a result file; the message says why."""


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path}: {error}") from None
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        raise Unreadable(f"{path}: not a result of this version of tools/bench (schema {SCHEMA})")
    return result


def values(result):
    """Every number worth comparing: (table, row, measure) -> (value, ratio or None, spread or None, more is better)."""
    found = {}
    for load in result["loads"]:
        for row in load["receivers"]:
            for key, (name, more) in MEASURES.items():
                if key not in row or (key == "rate" and load["part"] not in RATED_PARTS):
                    continue
                ratio = row.get(f"{key}Ratio") if row["peer"] != load["ceiling"] else None
                spread = row[f"{key}Spread"] if ratio is None else row[f"{key}RatioSpread"]
                several = len(row["rounds"]) > 1
                found[load["title"], row["title"], name] = (row[key], ratio, spread if several else None, more)
    for count in result["counts"]:
        if count["value"] is not None:
            title = f"per datagram, {count['mode']}, {count['size']} bytes"
            kind = count["kind"].replace("_", " ")
            found[title, count["title"], kind] = (count["value"], None, COUNT_SPREAD, False)
    return found


def compare(old_path, new_path, fail_over, show):
    """Shows a table for each load; true when a row got worse by more than its spread and `fail_over` percent."""
    old_result, new_result = read(old_path), read(new_path)
    for name, result in (("old", old_result), ("new", new_result)):
        facts = result["machine"]
        show(f"{name}: {facts['date']}, commit {facts['commit'][:12]}{'+' if facts['changed'] else ''}, "
             f"{facts['processor']}, {facts['cores']} cores, Linux {facts['kernel']}, load {facts['loadAverage']:.1f}")
    old, new = values(old_result), values(new_result)
    common = [key for key in old if key in new]
    failed = []
    for title in dict.fromkeys(key[0] for key in common):
        rows = []
        for key in (key for key in common if key[0] == title):
            worse, cells = judge(old[key], new[key], by_number=key[2] not in TIMED)
            failed += [key] if fail_over is not None and worse > fail_over / 100 else []
            rows.append((f"{key[1]}, {key[2]}", *cells))
        header = ("row", "old", "new", "new/old", "old x", "new x", "x new/old", "±", "")
        show("\n" + table(title, header, rows).rstrip())
    for kind, missing in (("only in old", set(old) - set(new)), ("only in new", set(new) - set(old))):
        if missing:
            show(f"\n{kind}: {len(missing)} rows, such as {', '.join(sorted(missing)[0])}")
    if failed:
        show(f"\nWORSE by more than {fail_over:g} %:")
    for key in failed:
        show("  " + "; ".join(key))
    return bool(failed)


def judge(before, after, by_number):
    """By how much the row got worse, 0 when that is within its spread, and the cells of its line."""
    (old, old_ratio, old_spread, more), (new, new_ratio, new_spread, _) = before, after
    ratios = old_ratio is not None and new_ratio is not None
    spread = None if None in (old_spread, new_spread) else max(old_spread, new_spread)
    change = quotient(new_ratio, old_ratio) if ratios else quotient(new, old)
    worsening = quotient(1, change) - 1 if more else change - 1
    if not ratios and not by_number:
        mark = "no ratio"
    elif spread is None:
        mark = "one round"
    elif abs(worsening) <= spread:
        mark = ""
    else:
        mark = "WORSE" if worsening > 0 else "better"
    by_ratio = (f"{old_ratio:.2f}", f"{new_ratio:.2f}", f"{change:.2f}") if ratios else ("-", "-", "-")
    shown_spread = "?" if spread is None else f"{spread:.0%}"
    cells = (number(old), number(new), f"{quotient(new, old):.2f}", *by_ratio, shown_spread, mark)
    return (worsening if mark == "WORSE" else 0.0), cells


def quotient(value, base):
    """Counts may be 0: nothing out of nothing is no change."""
    if base == 0:
        return 1.0 if value == 0 else float("inf")
    return value / base


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"
