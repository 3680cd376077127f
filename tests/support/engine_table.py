"""The page's table of verbs and engines."""

from tests.support.command_line import ROOT

PAGE = ROOT / "builder/pages/build.md"
WORDS = {"yes", "no", "-"}


def table() -> dict[str, dict[str, str]]:
    """What the page says of each verb, by the kind of engine."""
    text = PAGE.read_text("utf-8").partition("<!-- engines -->")[2].partition("<!-- end of engines -->")[0]
    head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.strip().splitlines()]
    return {row[0].strip("`"): dict(zip(head[1:], row[1:], strict=True)) for row in rows}
