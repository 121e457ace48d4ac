"""The tables of bench.py: for the terminal, and for the two READMEs."""
import re

CALLS = "Call that "  # the groups with a row for each export


def met(figure):
    if figure["goal"] == "none":
        return ""
    value = figure.get("ratio", figure["ours"])
    return "yes" if (value >= figure["goal_value"]) == (figure["goal"] == "at least") else "NO"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def goal(figure):
    return "" if figure["goal"] == "none" else f"{figure['goal']} {figure['goal_value']:g}"


def row(figure):
    peer = f"{number(figure['peer'])} ({figure['peer_name']})" if "peer" in figure else ""
    ratio = f"{figure['ratio']:.2f}" if "ratio" in figure else ""
    return [f"{figure['group']}: {figure['name']}", figure["flavour"], f"{number(figure['ours'])} {figure['unit']}", peer,
            ratio, goal(figure), met(figure)]


HEAD = ["figure", "build", "ours", "peer", "ratio", "goal", "met"]


def growth_row(curve):
    return [f"Growth: {curve['title']}", curve["flavour"], f"exponent {curve['exponent']:.2f}", "", "", "at most 1.1",
            "yes" if curve["exponent"] <= 1.1 else "NO"]


def figure_rows(result, wanted=lambda figure: True):
    rows = [row(figure) for figure in result["figures"] if not figure["group"].startswith(CALLS) and wanted(figure)]
    return rows + [growth_row(curve) for curve in result["curves"]]


def call_rows(result):
    """An export a row; nanoseconds of a refused and of a successful call, by build, and how often it takes the empty one's."""
    calls = [figure for figure in result["figures"] if figure["group"].startswith(CALLS)]
    columns = list(dict.fromkeys((figure["group"][len(CALLS):], figure["flavour"]) for figure in calls))
    found = {(figure["name"], figure["group"][len(CALLS):], figure["flavour"]): f"{number(figure['ours'])} ({number(figure['ratio'])}x)"
             for figure in calls}
    names = sorted({name for name, _, _ in found})
    head = ["export, ns a call (of an empty one)"] + [f"{path}, {flavour}" for path, flavour in columns]
    return [head] + [[name] + [found.get((name, *column), "") for column in columns] for name in names]


def empty_call(result):
    """What the empty function costs, by build."""
    peers = {}
    for figure in result["figures"]:
        if figure["group"].startswith(CALLS):
            peers.setdefault(figure["flavour"], []).append(figure["peer"])
    return ", ".join(f"{flavour} {sorted(values)[len(values) // 2]:.1f} ns" for flavour, values in peers.items())


def columns_of(rows):
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in rows)


def markdown(rows):
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def for_terminal(result):
    parts = [f"\n{result['date']}, {result['machine']}\n", columns_of([HEAD, *figure_rows(result)])]
    calls = call_rows(result)
    if len(calls) > 1:
        parts += [f"\nCalls; an indirect call of an empty exported function: {empty_call(result)}\n", columns_of(calls)]
    missed = [cells[0] for cells in figure_rows(result) if cells[-1] == "NO"]
    return "\n".join(parts) + (f"\n\ngoals missed: {'; '.join(missed)}" if missed else "")


def short(result):
    """README.md: what the issues set a goal for."""
    return f"{result['date']}, {result['machine']}:\n\n" + markdown(
        [HEAD, *figure_rows(result, lambda figure: figure["goal"] != "none" or figure["group"] == "Loading")])


def whole(result):
    calls = call_rows(result)
    return (f"{result['date']}, {result['machine']}:\n\n{markdown([HEAD, *figure_rows(result)])}\n\n"
            f"An indirect call of an empty exported function: {empty_call(result)}.\n\n{markdown(calls)}\n\n" +
            "\n".join(f"![{curve['title']}](bench/{curve['name']}.svg)" for curve in result["curves"]))


def commit(result, path, table):
    begin, end = "<!-- figures: ./dev bench --commit-figures -->", "<!-- end of figures -->"
    text = path.read_text(encoding="utf-8")
    replaced, count = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{table(result)}\n{end}", text,
                              flags=re.S)
    if count != 1:
        raise SystemExit(f"{path} has no place for the figures: {begin} ... {end}")
    path.write_text(replaced, encoding="utf-8")
