"""The curves of bench.py, from Google Benchmark's JSON to pictures (SVG): cost against size, both on logarithmic axes, with
a line of proportional growth to compare with."""
import math
import xml.sax.saxutils

# What growth.cpp measures: the title, the axis below, the unit of what is counted.
CURVES = {
    "database_size": "Verification of a database, by its size in MiB",
    "log_count": "Verification of a log chain, by its number of logs",
    "map_size": "DsRestoreRegister, by the number of databases in its map",
    "session_count": "Sessions at once over rpc, begun, asked and ended, by their number",
}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 440, 80, 24, 48, 60
INK, GREY, LIGHT = "#1f4e79", "#777777", "#dddddd"


def from_google(output):
    points, fits = {}, {}
    for entry in output["benchmarks"]:
        name, _, size = entry["name"].partition("/")
        if entry.get("run_type") == "aggregate":
            for suffix in ("_BigO", "_RMS"):
                if name.endswith(suffix):
                    fits.setdefault(name[:-len(suffix)], {})[suffix[1:]] = entry.get("big_o", entry.get("rms"))
            continue
        milliseconds = entry["real_time"] * {"ns": 1e-6, "us": 1e-3, "ms": 1}[entry["time_unit"]]
        points.setdefault(name, []).append((int(size.split("/")[0]), milliseconds))
    return [{"name": name, "title": CURVES[name], "flavour": "native", "points": points[name],
             "exponent": exponent(points[name]), "fit": fits.get(name, {})} for name in points]


def exponent(points):
    """The slope on logarithmic axes over the larger half, where what every call costs counts no more: 1 is linear."""
    larger = [(math.log(size), math.log(cost)) for size, cost in points[len(points) // 2:]]
    x = sum(size for size, _ in larger) / len(larger)
    y = sum(cost for _, cost in larger) / len(larger)
    return sum((a - x) * (b - y) for a, b in larger) / sum((a - x) ** 2 for a, _ in larger)


def draw(curves, folder):
    pictures = []
    for curve in curves:
        pictures.append(folder / f"{curve['name']}.svg")
        pictures[-1].write_text(picture(curve), encoding="utf-8")
    return pictures


def text(x, y, words, size=14, anchor="middle", colour="#222222", turn=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{turn}>'
            f"{xml.sax.saxutils.escape(words)}</text>")


def line(points, colour, width, dash=""):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'


def tick(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def picture(curve):
    sizes = [size for size, _ in curve["points"]]
    costs = [cost for _, cost in curve["points"]]
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))

    def across(size):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def up(cost):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(cost) - low) / (high - low)

    title, _, axis = curve["title"].partition(", by ")
    parts = [text(WIDTH / 2, 28, f"{title}: cost grows with exponent {curve['exponent']:.2f}", 15),
             text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, axis),
             text(22, (TOP + HEIGHT - BOTTOM) / 2, "time, ms", turn=f' transform="rotate(-90 22 {(TOP + HEIGHT - BOTTOM) / 2})"')]
    for power in range(low, high + 1):
        y = up(10.0 ** power)
        parts += [line([(LEFT, y), (WIDTH - RIGHT, y)], LIGHT, 1), text(LEFT - 8, y + 5, tick(10.0 ** power), 13, "end")]
    for size in sizes:
        x = across(size)
        parts += [line([(x, TOP), (x, HEIGHT - BOTTOM)], LIGHT, 1), text(x, HEIGHT - BOTTOM + 20, tick(size), 13)]
    # Proportional growth, ending where the measured one ends.
    begin = max(sizes[0], sizes[-1] * 10.0 ** low / costs[-1])
    parts += [line([(across(begin), up(costs[-1] * begin / sizes[-1])), (across(sizes[-1]), up(costs[-1]))], GREY, 1.5,
                   ' stroke-dasharray="6 5"'),
              text(WIDTH - RIGHT - 8, HEIGHT - BOTTOM - 12, "dashed: proportional to the size", 13, "end", GREY),
              line([(across(size), up(cost)) for size, cost in curve["points"]], INK, 2.5)]
    parts += [f'<circle cx="{across(size):.1f}" cy="{up(cost):.1f}" r="4" fill="{INK}"/>' for size, cost in curve["points"]]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'font-family="sans-serif">\n<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
