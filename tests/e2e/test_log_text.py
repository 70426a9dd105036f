"""How the bytes of a log become lines, in the browser's own engine."""

from collections.abc import Sequence

from playwright.sync_api import Page

from tests.running_server import RunningServer

READ = """async (chunks) => {
  const { LogLines, styledRuns } = await import("/static/js/log-text.js");
  const log = new LogLines();
  for (const chunk of chunks) log.append(new Uint8Array(chunk));
  return log.lines.map((line) => styledRuns(line.text).map((run) => run.text).join(""));
}"""
STYLES = """async (text) => {
  const { styledRuns } = await import("/static/js/log-text.js");
  return styledRuns(text).map((run) => [run.text, run.classes.join(" ")]);
}"""


def lines(page: Page, server: RunningServer, *chunks: bytes) -> Sequence[str]:
    page.goto(f"{server.url}/sign-in")
    return list(page.evaluate(READ, [list(chunk) for chunk in chunks]))


def test_lines_are_the_same_wherever_the_chunks_end(page: Page, server: RunningServer) -> None:
    text = "first\n\nzwölf ✓\nlast".encode()
    expected = ["first", "", "zwölf ✓", "last"]
    assert lines(page, server, text) == expected
    assert lines(page, server, *(bytes([byte]) for byte in text)) == expected


def test_a_carriage_return_writes_over_the_line(page: Page, server: RunningServer) -> None:
    assert lines(page, server, b" 10 %\r", b" 50 %\r100 %\ndone\n") == ["100 %", "done"]


def test_what_is_shorter_leaves_the_rest_of_the_line(page: Page, server: RunningServer) -> None:
    assert lines(page, server, b"abcdef\rXY\n") == ["XYcdef"]


def test_windows_line_ends_are_line_ends(page: Page, server: RunningServer) -> None:
    assert lines(page, server, b"one\r\ntwo\r\n") == ["one", "two"]


def test_colours_become_classes_and_markup_stays_text(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.url}/sign-in")
    styled = page.evaluate(STYLES, "a\x1b[31;1mred <b>\x1b[0m z\x1b[2K")
    assert styled == [["a", ""], ["red <b>", "ansi-1 ansi-bold"], [" z", ""]]
