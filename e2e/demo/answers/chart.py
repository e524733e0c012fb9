hours = {"Mon": 3, "Tue": 5, "Wed": 8, "Thu": 6, "Fri": 2, "Sat": 9, "Sun": 11}


class Chart:
    """Bars, drawn as SVG."""

    def _repr_svg_(self):
        bars = "".join(
            f"<rect x='{46 * n + 12}' y='{122 - 9 * h}' width='30' height='{9 * h}' rx='3' fill='#0d9488'/>"
            f"<text x='{46 * n + 27}' y='{116 - 9 * h}'>{h}</text>"
            f"<text x='{46 * n + 27}' y='140'>{day}</text>"
            for n, (day, h) in enumerate(hours.items())
        )
        return (
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 336 150' width='336'"
            " font-family='sans-serif' font-size='12' text-anchor='middle' fill='#334155'>"
            f"<rect width='336' height='150' rx='8' fill='#f8fafc'/>{bars}</svg>"
        )


print(f"Most sun: {max(hours, key=hours.get)}, {sum(hours.values()) / 7:.1f} hours a day")
Chart()
