#!/usr/bin/env python3
"""Draws docs/growth.svg from the table that bench_growth writes.

    python3 tests/bench/plot_growth.py build/growth.tsv docs/growth.svg

Standard library only. Every panel has the points across and a cost up, both as
logarithms: a straight line at 45 degrees is a cost that grows as the points do.
"""
import csv
import math
import sys
from xml.sax.saxutils import escape

PANELS = [
    ("Build, s", [("build_s", "wall"), ("build_cpu_s", "processor")]),
    (
        "A search at recall 0.98, ms",
        [("text_ms", "text"), ("picture_ms", "picture"), ("exact_ms", "exact scan")],
    ),
    (
        "Memory, MB",
        [("build_anonymous_mb", "build"), ("query_anonymous_mb", "searching")],
    ),
    ("Disk, MB", [("data_mb", "data.mdb"), ("segments_mb", "segments")]),
    (
        "A durable commit, ms",
        [
            ("commit_1_ms", "1 point"),
            ("commit_1_p99_ms", "1 point, p99"),
            ("commit_1000_ms", "1000 points"),
        ],
    ),
]
COLOURS = ["#0072b2", "#d55e00", "#009e73"]
WIDTH, HEIGHT = 320, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 34, 36
COLUMNS = 3


def read(path):
    with open(path, encoding="utf-8", newline="") as f:
        rows = [{k: float(v) for k, v in r.items()} for r in csv.DictReader(f, delimiter="\t")]
    if not rows:
        sys.exit(f"plot_growth.py: no rows in {path}")
    return sorted(rows, key=lambda r: r["points"])


def short(value):
    """As a mark of an axis: 10k, 1M, 0.1."""
    for size, letter in (1e6, "M"), (1e3, "k"):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


class Axis:
    """Logarithms of values onto pixels, between whole powers of ten."""

    def __init__(self, values, first, last):
        self.low = math.floor(math.log10(min(values)) + 1e-9)
        self.high = max(math.ceil(math.log10(max(values)) - 1e-9), self.low + 1)
        self.first, self.last = first, last

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def marks(self):
        return [10.0**e for e in range(self.low, self.high + 1)]


def text(x, y, words, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'


def line(x1, y1, x2, y2, extra=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"{extra}/>'


def panel(title, series, rows):
    """The elements of one panel, at the origin."""
    values = [r[name] for name, _ in series for r in rows if r[name] > 0]
    out = [text(LEFT, 18, title, "start", ' class="title"')]
    if not values:
        return out + [text(WIDTH / 2, HEIGHT / 2, "not reached")]
    x = Axis([r["points"] for r in rows], LEFT, WIDTH - RIGHT)
    y = Axis(values, HEIGHT - BOTTOM, TOP)
    for mark in x.marks():
        out.append(line(x.at(mark), TOP, x.at(mark), HEIGHT - BOTTOM, ' class="grid"'))
        out.append(text(x.at(mark), HEIGHT - BOTTOM + 16, short(mark)))
    for mark in y.marks():
        out.append(line(LEFT, y.at(mark), WIDTH - RIGHT, y.at(mark), ' class="grid"'))
        out.append(text(LEFT - 6, y.at(mark) + 4, short(mark), "end"))
    for (name, label), colour in zip(series, COLOURS):
        points = [(x.at(r["points"]), y.at(r[name])) for r in rows if r[name] > 0]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
    for i, ((_, label), colour) in enumerate(zip(series, COLOURS)):
        at = LEFT + 6 + i * 88
        out.append(f'<circle cx="{at:.1f}" cy="{HEIGHT - 8}" r="4" fill="{colour}"/>')
        out.append(text(at + 8, HEIGHT - 4, label, "start"))
    return out


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    rows = read(sys.argv[1])
    n_lines = -(-len(PANELS) // COLUMNS)
    width, height = COLUMNS * WIDTH, n_lines * HEIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" fill="#333">',
        "<style>.title{font-size:13px;font-weight:bold}.grid{stroke:#ddd}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, (title, series) in enumerate(PANELS):
        out.append(f'<g transform="translate({i % COLUMNS * WIDTH},{i // COLUMNS * HEIGHT})">')
        out += panel(title, series, rows)
        out.append("</g>")
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write("\n".join(out + ["</svg>", ""]))


if __name__ == "__main__":
    main()
