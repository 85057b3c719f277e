"""
What a run found: as lines, as JSON, and drawn by gnuplot.
"""

import datetime
import json
import math
import os
import platform
import re
import subprocess

MET, NOT_MET = "#2e8b57", "#c0392b"


def machine():
    """The machine as far as figures depend on it."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as table:
        model = re.search(r"model name\s*:\s*(.+)", table.read())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model[1] if model else platform.machine(),
        "memory_bytes": pages,
        "kernel": re.match(r"[\d.]*", platform.release())[0],
    }


def print_row(row, result, seconds):
    for name, figures in result.raw.items():
        if isinstance(figures, list) and len(figures) <= 10:
            print(f"  {name}: " + " ".join(f"{one:.3f}" for one in figures))
    for check in result.checks:
        print(
            f"  {check.label:<40}{check.figure():>14}"
            f"   target {check.aim():<16}{check.verdict.upper()}"
        )
    print(f"  ({row.name}: {seconds:.0f} s)", flush=True)


def as_json(rows, quick, version, seconds):
    """rows: [(row, result or None, what went wrong or None, seconds)]."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(
            timespec="seconds"
        ),
        "version": version,
        "machine": machine(),
        "quick": quick,
        "seconds": round(seconds, 1),
        "rows": [
            {
                "name": row.name,
                "title": row.title,
                "seconds": round(taken, 1),
                "error": error,
                "checks": [
                    {
                        "label": check.label,
                        "value": check.value,
                        "relation": check.relation,
                        "target": check.target,
                        "unit": check.unit,
                        "met": check.met,
                    }
                    for check in (result.checks if result else ())
                ],
                "raw": result.raw if result else {},
            }
            for row, result, error, taken in rows
        ],
    }


def write_json(path, report):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=2, ensure_ascii=False)
        file.write("\n")


def quoted(text):
    """A single-quoted gnuplot string."""
    return "'" + text.replace("'", "''") + "'"


def drawing(rows, report, path):
    """The gnuplot program: a bar a check, from the target's line outwards;
    better is always to the right."""
    checks = [c for _, result, *_ in rows if result for c in result.checks]
    shares = [check.share for check in checks] or [1]
    low = min(0.25, *(share / 1.2 for share in shares))
    high = max(4, *(share * 1.2 for share in shares))
    high *= (high / low) ** 0.45  # room for the figures
    height = 110 + 30 * len(checks)
    lines = [
        f"set terminal svg size 1000,{height} font 'sans-serif,14'"
        " background '#ffffff'",
        f"set output {quoted(os.fspath(path))}",
        "set encoding utf8",
        "set title " + quoted(title(report)) + " noenhanced",
        "set logscale x",
        f"set xrange [{low:.4g}:{high:.4g}]",
        f"set yrange [{len(checks) - 0.3}:-0.7]",
        "set xlabel 'times better than the target (left of 1: not met)'",
        "set xtics (" + ticks(low, high) + ")",
        "set ytics out nomirror noenhanced ("
        + ", ".join(f"{quoted(c.label)} {n}" for n, c in enumerate(checks))
        + ")",
        "set grid xtics lc rgb '#dddddd'",
        "set border 3",
        "set tics nomirror",
        "unset key",
        "set style fill solid 0.9 noborder",
        "set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb '#000000' lw 1.5"
        " front",
    ]
    for number, check in enumerate(checks):
        text = f"{check.figure()}  (target {check.aim()})"
        lines.append(
            f"set label {quoted(text)} at {bar(check, low)[1]:.6g},{number}"
            f" offset 0.7,0 left noenhanced front tc rgb '{color(check)}'"
        )
    lines.append("$bars << END")
    for number, check in enumerate(checks):
        left, right = bar(check, low)
        lines.append(
            f"{right:.6g} {number} {left:.6g} {right:.6g} {number - 0.32}"
            f" {number + 0.32} {color(check).replace('#', '0x')}"
        )
    lines += [
        "END",
        "plot $bars using 1:2:3:4:5:6:7 with boxxyerror lc rgb variable",
    ]
    return "\n".join(lines) + "\n"


def color(check):
    return MET if check.met else NOT_MET


def bar(check, low):
    """Where a check's bar begins and ends. One that just meets its target
    must be seen, too."""
    if check.met:
        return 1, max(check.share, 1.04)
    return max(min(check.share, 0.96), low), 1


def title(report):
    here = report["machine"]
    return (
        f"{report['version']}, {here['cores']} cores, Linux {here['kernel']},"
        f" {report['date'][:10]}"
        + (" (quick: small sizes)" if report["quick"] else "")
    )


def ticks(low, high):
    """Ticks as plain numbers, as many as have room."""
    digits = (1,) if high / low > 1000 else (1, 2, 5)
    found = []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for power in range(first, last):
        for digit in digits:
            value = digit * 10.0**power
            if low <= value <= high:
                found.append(f"'{value:g}' {value:g}")
    return ", ".join(found)


def draw(rows, report, path):
    subprocess.run(
        ["gnuplot", "-"],
        input=drawing(rows, report, path).encode(),
        check=True,
    )
