"""How the bytes of a log become lines, in the browser's own engine."""

from collections.abc import Sequence

from playwright.sync_api import Page

from tests.running_server import RunningServer

READ = """async (chunks) => {
  const { LogLines, styledRuns } = await import("/static/js/log-text.js");
  const log = new LogLines();
  for (const chunk of chunks) log.append(new Uint8Array(chunk));
  return Array.from({ length: log.length }, (_, at) => styledRuns(log.text(at)).map((run) => run.text).join(""));
}"""
PLACES = """async (chunks) => {
  const { LogLines } = await import("/static/js/log-text.js");
  const log = new LogLines();
  for (const chunk of chunks) log.append(new Uint8Array(chunk));
  const starts = Array.from({ length: log.length }, (_, at) => log.byteOf(at));
  return [starts, starts.map((start) => log.lineAt(start)), log.lineAt(starts[1] + 2)];
}"""
FIND = """async ([chunks, wanted]) => {
  const { LogLines } = await import("/static/js/log-text.js");
  const log = new LogLines();
  for (const chunk of chunks) log.append(new Uint8Array(chunk));
  return [log.find(wanted, -1, 1), log.find(wanted, 2, 1), log.find(wanted, 2, -1), log.find("nowhere", 0, 1)];
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


def test_a_coloured_progress_bar_takes_the_place_of_the_one_before(page: Page, server: RunningServer) -> None:
    assert lines(page, server, b"\x1b[32m 50 %\x1b[0m of it\r\x1b[32m100 %\x1b[0m\n") == ["100 %"]


def test_where_a_line_begins_in_the_log_is_known_to_the_byte(page: Page, server: RunningServer) -> None:
    text = "first\nzwölf ✓ lines\n10 %\r20 %\rdone\n\nlast".encode()
    starts = [0, 6, 23, 38, 39]
    page.goto(f"{server.url}/sign-in")
    for chunks in ([text], [text[:9], text[9:30], text[30:]]):
        found = page.evaluate(PLACES, [list(chunk) for chunk in chunks])
        assert found == [starts, [0, 1, 2, 3, 4], 1]


def test_text_is_found_forwards_backwards_and_from_the_other_end(page: Page, server: RunningServer) -> None:
    chunks = [list(chunk) for chunk in (b"Needle\nhay\n", b"hay\nhay nee", b"dle\nhay\n")]
    page.goto(f"{server.url}/sign-in")
    assert page.evaluate(FIND, [chunks, "needle"]) == [0, 3, 0, -1]
