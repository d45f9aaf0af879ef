"""Lines on logarithmic axes as one SVG, without any library: panels side by side, a legend below, every point's value in its title."""
import html
import math

WIDTH, HEIGHT = 470, 300                        # of a panel
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 34, 46       # around its plot
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")  # Okabe and Ito: told apart by most eyes
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4")   # and without colour
UNITS = {"bytes": ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")), "seconds": ((1, "s"), (1e-3, "ms")),
         "": ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))}


class Panel:
    def __init__(self, title, x, y, lines):
        """lines: name → [(x, y)]; the unit of y is "bytes" or "seconds"."""
        self.title, self.x, self.y = title, x, y
        self.lines = {name: sorted((px, py) for px, py in points if px > 0 and py > 0) for name, points in lines.items()}


def label(value, unit):
    for size, letter in UNITS[unit]:
        if value >= size * 0.9995:
            return f"{value / size:.4g} {letter}".rstrip()
    return f"{value:.3g}"


def limits(values):
    """Whole powers of ten around the values, at least one apart."""
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return low, high if high > low else low + 1


def axis(panel, unit, low, high, at, is_x):
    parts = []
    for power in range(low, high + 1):
        place = at(10.0 ** power)
        if is_x:
            parts.append(f'<line class="grid" x1="{place:.1f}" y1="{TOP}" x2="{place:.1f}" y2="{HEIGHT - BOTTOM}"/>'
                         f'<text x="{place:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{label(10.0 ** power, unit)}</text>')
        else:
            parts.append(f'<line class="grid" x1="{LEFT}" y1="{place:.1f}" x2="{WIDTH - RIGHT}" y2="{place:.1f}"/>'
                         f'<text x="{LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{label(10.0 ** power, unit)}</text>')
    return parts


def panel_svg(panel, names):
    points = [point for line in panel.lines.values() for point in line]
    if not points:
        return f'<text x="{LEFT}" y="{TOP}">{html.escape(panel.title)}: nothing measured</text>'
    (x_low, x_high), (y_low, y_high) = limits([x for x, _ in points]), limits([y for _, y in points])

    def at_x(x):
        return LEFT + (math.log10(x) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def at_y(y):
        return HEIGHT - BOTTOM - (math.log10(y) - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text class="title" x="{LEFT}" y="20">{html.escape(panel.title)}</text>', *axis(panel, "", x_low, x_high, at_x, True),
             *axis(panel, panel.y, y_low, y_high, at_y, False),
             f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"/>',
             f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{html.escape(panel.x)}</text>']
    for name, line in panel.lines.items():
        number = names.index(name)
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" stroke="{colour}" stroke-dasharray="{dash}"/>')
        for x, y in line:
            title = html.escape(f"{name}: {label(x, '')} {panel.x}, {label(y, panel.y)}")
            parts.append(f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3.5" fill="{colour}"><title>{title}</title></circle>')
    return "\n".join(parts)


def legend_svg(names, y):
    parts, x = [], LEFT
    for number, name in enumerate(names):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        parts.append(f'<polyline points="{x},{y - 4} {x + 32},{y - 4}" stroke="{colour}" stroke-dasharray="{dash}"/>'
                     f'<circle cx="{x + 16}" cy="{y - 4}" r="3.5" fill="{colour}"/><text x="{x + 40}" y="{y}">{html.escape(name)}</text>')
        x += 60 + 7 * len(name)
    return "\n".join(parts)


def picture(panels, columns):
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    rows = math.ceil(len(panels) / columns)
    width, height = columns * WIDTH, rows * HEIGHT + 34
    places = ((number % columns * WIDTH, number // columns * HEIGHT) for number in range(len(panels)))
    body = "\n".join(f'<g transform="translate({x} {y})">\n{panel_svg(panel, names)}\n</g>' for panel, (x, y) in zip(panels, places))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'font-family="sans-serif" font-size="11">\n'
            "<style>text { fill: #333 } .title { font-size: 12px; font-weight: bold } .grid { stroke: #ddd } "
            ".frame { fill: none; stroke: #999 } polyline { fill: none; stroke-width: 2 }</style>\n"
            f'<rect width="{width}" height="{height}" fill="#fff"/>\n{body}\n{legend_svg(names, rows * HEIGHT + 16)}\n</svg>\n')
