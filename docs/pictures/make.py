#!/usr/bin/env python3
"""Makes the pictures of README.md from samples/: what hunt prints on a terminal, as SVG,
and its HTML report, in a light and a dark form.

    python3 docs/pictures/make.py [GYOJI]

needs Chromium for the report (chromium in PATH, or $CHROMIUM). GYOJI is the program; it
is built from the checkout when it is left out.
"""
import fcntl, html, os, pty, re, struct, subprocess, sys, tempfile, termios, unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COLUMNS, LINES = 104, 36  # of the terminal; lines past these are left out

# The 16 colours of a terminal, for each background.
THEMES = {
    "light": {"bg": "#fbfaf8", "fg": "#1c1b1a", "bar": "#e4dfd8", "soft": "#6b6660",
              "colors": ["#1c1b1a", "#b3261e", "#2f6b43", "#8a5a00", "#1f5fa8", "#8b0f5a", "#0f6a73", "#6b6660"]},
    "dark": {"bg": "#171615", "fg": "#eceae6", "bar": "#2b2926", "soft": "#a29c94",
             "colors": ["#171615", "#ef7a6d", "#72b98b", "#e5b64c", "#7fb0ea", "#e58ac4", "#6cc5cf", "#a29c94"]},
}


def terminal(command, cwd):
    """What a command prints on a terminal, with its colours, as bytes."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS))
        os.environ.pop("NO_COLOR", None)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    out = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.waitpid(pid, 0)
    return out


def lines_of(text):
    """Lines of (style, text) pieces. A style is (bold, dim, colour, background)."""
    bold = dim = False
    color = back = None
    lines = []
    for raw in text.replace("\r\n", "\n").split("\n"):
        raw = raw.rsplit("\r", 1)[-1]  # a bar that was drawn over
        pieces = []
        for part in re.split(r"(\x1b\[[0-9;]*[A-Za-z])", raw):
            if not part.startswith("\x1b["):
                if part:
                    pieces.append(((bold, dim, color, back), part))
                continue
            if not part.endswith("m"):
                continue
            codes = [int(c or 0) for c in part[2:-1].split(";")]
            for c in codes:
                if c == 0:
                    bold = dim = False
                    color = back = None
                elif c == 1:
                    bold = True
                elif c == 2:
                    dim = True
                elif c == 22:
                    bold = dim = False
                elif 30 <= c <= 37:
                    color = c - 30
                elif 90 <= c <= 97:
                    color = c - 90
                elif c == 39:
                    color = None
                elif 40 <= c <= 47:
                    back = c - 40
                elif c == 49:
                    back = None
        lines.append(pieces)
    while lines and not any(t.strip() for _, t in lines[-1]):
        lines.pop()
    return lines


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def svg(title, lines, theme):
    """A terminal's window as SVG."""
    cw, lh, pad, top = 7.83, 18, 16, 34
    w, h = round(COLUMNS * cw + 2 * pad), top + len(lines) * lh + pad
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{html.escape(title)}">',
           f'<rect width="{w}" height="{h}" rx="8" fill="{theme["bg"]}" stroke="{theme["bar"]}"/>',
           f'<path d="M0 24V8a8 8 0 0 1 8-8h{w - 16}a8 8 0 0 1 8 8v16z" fill="{theme["bar"]}"/>']
    for i in range(3):
        out.append(f'<circle cx="{16 + 16 * i}" cy="12" r="5" fill="{theme["soft"]}" opacity=".6"/>')
    out.append(f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13" fill="{theme["fg"]}">')
    for n, pieces in enumerate(lines):
        x, spans = 0, []
        for (bold, dim, color, back), text in pieces:
            attrs = f' x="{pad + x * cw:.1f}" textLength="{width(text) * cw:.1f}"'
            if bold:
                attrs += ' font-weight="bold"'
            if back is not None:
                out.append(f'<rect x="{pad + x * cw - 2:.1f}" y="{top + n * lh}" width="{width(text) * cw + 4:.1f}" height="{lh}" rx="3" fill="{theme["colors"][back]}"/>')
                attrs += f' fill="{theme["bg"]}"'
            elif color is not None:
                attrs += f' fill="{theme["colors"][color]}"'
            elif dim:
                attrs += f' fill="{theme["soft"]}"'
            if text.strip():
                spans.append(f"<tspan{attrs}>{html.escape(text.replace(' ', chr(0xa0)))}</tspan>")
            x += width(text)
        if spans:
            out.append(f'<text y="{top + 14 + n * lh}">{"".join(spans)}</text>')
    return "\n".join(out + ["</g>", "</svg>", ""])


def main():
    gyoji = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as temp:
        if gyoji is None:
            gyoji = os.path.join(temp, "gyoji")
            subprocess.run(["go", "build", "-o", gyoji, "./cmd/gyoji"], cwd=ROOT, check=True)
        shown = terminal([gyoji, "hunt", "--config", "none", "samples/"], ROOT).decode()
        lines = [[((True, False, None, None), "$ gyoji hunt samples/")]] + lines_of(shown)
        if len(lines) > LINES:
            lines = lines[:LINES - 1] + [[((False, True, None, None), "...")]]
        for name, theme in THEMES.items():
            with open(os.path.join(HERE, f"terminal-{name}.svg"), "w", encoding="utf-8") as f:
                f.write(svg("gyoji hunt samples/", lines, theme))

        page = os.path.join(temp, "report.html")
        subprocess.run([gyoji, "hunt", "-Q", "--config", "none", "-f", "html", "-o", page, "samples/"], cwd=ROOT, check=True)
        for name, scheme in (("light", 1), ("dark", 0)):  # Blink's PreferredColorScheme
            subprocess.run([os.environ.get("CHROMIUM", "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                            "--window-size=1120,720", f"--blink-settings=preferredColorScheme={scheme}",
                            f"--screenshot={os.path.join(HERE, f'report-{name}.png')}", f"file://{page}"], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
