"""The operator's screen, over a real station with virtual boards: scripts against expected screens, and tmux for what
needs a terminal. Its death, its size and its socket are nobody's business but its own."""
import os
import re
import signal
import subprocess

import pytest

from station import BUILD, PATIENCE_S, wait_until
from terminal import Terminal

BARCODE = "IMPRINT-"


@pytest.fixture(scope="module")
def panel(module_station):
    """Eight boards, the third one mute; slow enough to be seen at work."""
    return module_station("--boards", 8, "--baud", 19200, "--fault", "A3=mute")


def run_script(station, tmp_path, lines, *options, check=True):
    script = tmp_path / "script"
    script.write_text("\n".join(lines) + "\n")
    done = subprocess.run([BUILD / "imprint", "ui", "--script", script, *options], text=True, capture_output=True,
                          env=dict(station.env, TZ="UTC", LC_ALL="C.UTF-8"), stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
    assert not check or done.returncode == 0, f"{done.stderr}\n{done.stdout}"
    return done if not check else masked(done.stdout)


def masked(screen):
    """Without what passes: the clock, seconds, counters of a shift, the mode line of a training station."""
    screen = re.sub(r"\d\d:\d\d$", "HH:MM", screen, flags=re.M)
    return re.sub(r"\d+\.\d s", "N.N s", screen)


def lines_of(screen, *begins):
    return [line.strip() for line in screen.splitlines() if line.strip().startswith(begins)]


def test_script_from_ready_to_fail(panel, tmp_path):
    """A whole panel, from start to result, with a scan in the middle that is refused aloud."""
    screen = run_script(panel, tmp_path, [
        "# the panel", "wait 8 boards are in.", "print", "key SPACE", "wait ●", "scan T-0001", "print",
        "wait F10", "wait NEXT  Re-seat A3", "key ESC", "print"], "--lang", "en")
    ready, running, failed = re.split(r"(?<=help\n)(?=(?:\(beep\)\n)? LINE)", screen)[:3]
    assert "8 boards are in." in ready and "A8 ■" in ready and "(beep)" not in ready
    assert "NO: boards are running. Wait for the end, then scan again." in running
    assert "of 8 done." in running
    assert "(beep)" in failed.split("LINE")[0] or "(beep)" in running
    assert lines_of(failed, "██") == [
        "██████   ████   ██  ██", "██      ██  ██  ██  ██", "█████   ██████  ██  ██       1 of 8",
        "██      ██  ██  ██  ██", "██      ██  ██  ██  ██████"]
    assert lines_of(failed, "A1") == [
        "A1 √ 0001 A2 √ 0002 A3 ✘ FAIL A4 √ 0004 A5 √ 0005 A6 √ 0006 A7 √ 0007 A8 √ 0008"]
    assert lines_of(failed, "A3 F10") == ["A3 F10  asking who it is: no answer in N.N s"]
    assert lines_of(failed, "NEXT") == [
        "NEXT  Re-seat A3, press SPACE to try again; or red bin. The others are done."]


def test_every_page_and_language(panel, tmp_path):
    screen = run_script(panel, tmp_path, [
        "wait A3", "key F1", "wait IMPRINT-START", "key ESC", "key F3", "wait ALARMS", "key F4", "wait SHIFT REPORT",
        "key F5", "wait DEMO", "wait in use", "key F6", "wait COLOURS AND SYMBOLS", "type t", "key F2", "wait JETZT",
        "key F2", "wait 次は", "key F2", "wait 下一步", "print", "key F2", "wait NEXT", "key ENTER", "wait Type, then",
        "type IMPRINT-HELP", "wait IMPRINT-HELP_", "key ENTER", "wait KEYS AND BARCODES", "size 120x36", "print"])
    assert "不合格：1 / 8" in screen and "电路板没有应答。" in screen
    assert max(len(line) for line in screen.splitlines()) > 100


def test_ascii_is_ascii(panel, tmp_path):
    screen = run_script(panel, tmp_path, ["wait A3", "print", "key F2", "print"], "--ascii", "--lang", "de")
    assert screen.isascii() and "This terminal has no letters for that language" in screen


@pytest.mark.parametrize("lines, says", [
    (["dance"], "there is no word \"dance\" in a script"),
    (["key NOTHING"], "there is no key NOTHING"),
    (["size 3x3"], "a size is WxH"),
], ids=lambda value: value[0] if isinstance(value, list) else "")
def test_a_wrong_script_says_where(panel, tmp_path, lines, says):
    done = run_script(panel, tmp_path, ["# first", *lines], check=False)
    assert done.returncode == 2 and f"{tmp_path}/script:2: {says}" in done.stderr


def test_without_a_terminal_it_says_so(panel):
    done = panel.imprint("ui", check=False)
    assert done.returncode == 2 and "needs a terminal" in done.stderr


def test_scans_are_sorted(panel):
    panel.imprint("order", "open", "WO-2", "--product", "demo", "--quantity", "5")
    panel.imprint("order", "open", "WO-3", "--product", "demo", "--quantity", "5")
    panel.imprint("order", "close", "WO-3")
    with Terminal(panel.dir, 80, 24, "--lang", "en") as t:
        t.wait("no order in use", "A8")
        t.scan("DEMO")
        t.wait("Order DEMO is in use.", "LINE  DEMO  demo")
        t.scan("WO-3")
        t.wait("order WO-3 is closed")
        t.scan(BARCODE + "NOTHING")
        t.wait("there is no command IMPRINT-NOTHING")
        t.scan(BARCODE + "HELP")
        t.wait("KEYS AND BARCODES")
        t.type("no-end-at-all")
        t.wait("the scanner must send CR or TAB")
        t.type("x" * 70 + "\r")
        t.wait("too long")
        t.key("F5")
        t.scan("WO-2")
        t.wait("Order WO-2 is in use.", "in use")
        t.scan("DEMO")
        t.wait("Order DEMO is in use.", "LINE  DEMO  demo")
    assert panel.order("DEMO")["in_use"]


def test_a_console_without_east_asian_letters_says_so(panel):
    with Terminal(panel.dir, 80, 24, "--lang", "zh", term="linux") as t:
        t.wait("This terminal has no letters for that language", "NEXT")
        t.key("l")
        t.wait("JETZT")
        t.key("l")
        t.wait("NEXT", gone=["JETZT"])


def test_sizes(panel):
    with Terminal(panel.dir, 80, 24, "--lang", "en") as t:
        t.wait("A8")
        t.resize(60, 20)
        t.wait("60x20; 80x24 are needed")
        t.resize(140, 40)
        t.wait("A8", "F5 orders", gone=["are needed"])
        t.key("C-l")
        t.wait("A8")


@pytest.mark.parametrize("end", ["TERM", "HUP", "INT", "SEGV", "ABRT", "Ctrl-C"])
def test_the_terminal_is_left_as_it_was(panel, tmp_path, end):
    before = f"stty -g >{tmp_path}/before; echo MARK-BEFORE; "
    after = f"stty -g >{tmp_path}/after; printf 'MARK-%s\\n' AFTER; cat"
    with Terminal(panel.dir, 80, 24, "--lang", "en", before=before, after=after) as t:
        t.wait("A8", gone=["MARK-BEFORE"])
        if end == "Ctrl-C":
            t.key("C-c")
        else:
            os.kill(t.pid(), getattr(signal, f"SIG{end}"))
        shown = t.wait("MARK-AFTER", "MARK-BEFORE")
        assert "A8" not in shown
        assert t.tmux("display-message", "-p", "#{cursor_flag}#{alternate_on}#{keypad_flag}").strip() == "100"
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()


def test_no_trace_in_a_running_panel(station):
    """One screen is killed, one is resized, one is stopped so that its socket fills: the panel goes on."""
    s = station("--boards", 8, "--baud", 4800)
    with Terminal(s.dir, 80, 24, "--lang", "en") as killed, Terminal(s.dir, 120, 36, "--lang", "en") as resized, \
            Terminal(s.dir, 80, 24, "--lang", "en") as frozen:
        for terminal in (killed, resized, frozen):
            terminal.wait("8 boards are in.")
        frozen_pid = frozen.pid()
        killed.key("Space")
        resized.wait("●", "of 8 done.")
        os.kill(killed.pid(), signal.SIGKILL)
        os.kill(frozen_pid, signal.SIGSTOP)
        resized.resize(80, 24)
        resized.resize(100, 30)
        s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
        resized.wait("All 8 are good.")
        os.kill(frozen_pid, signal.SIGCONT)
        frozen.wait("All 8 are good.")
    assert [run["outcome"] for run in s.json("runs")] == ["PASS"] * 8


def test_a_lost_station_is_said_and_found_again(station):
    s = station("--boards", 2)
    with Terminal(s.dir, 80, 24, "--lang", "en") as t:
        t.wait("2 boards are in.")
        s.kill("station")
        t.wait("The station does not", "Do not touch the boards")
        t.key("Space")
        t.wait("NO: the station does not answer.")
        s.start("station")
        t.wait("2 boards are in.", gone=["does not"])
        os.kill(s.pid("station"), signal.SIGSTOP)  # it is there, and says nothing
        t.wait("The station does not")
        os.kill(s.pid("station"), signal.SIGCONT)
        t.wait("2 boards are in.", gone=["does not"])
        t.key("Space")
        t.wait("All 2 are good.")
    wait_until(lambda: len(s.ledger_list()) == 2, what="both certificates")
