"""imprint(1) and `imprint help` say the same: each command, each option. The pages themselves are mdoc without a fault."""
import re
import subprocess

import pytest
from station import BUILD, PATIENCE_S, ROOT

PAGES = sorted((ROOT / "docs/man").iterdir())
PAGE = ROOT / "docs/man/imprint.1"
OF_ARGP = {"help", "usage", "version", "dir"}
SHARED = [{"board list", "board probe", "nest learn"}, {"product root", "product check"}]  # one list of options for all
PAGE_OF_ITS_OWN = {"ui": ROOT / "docs/man/imprint-ui.1"}


def help_of(*words):
    done = subprocess.run([BUILD / "imprint", "help", *words], text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands_of_help():
    """A group's commands have two words."""
    lines = [line.split() for line in help_of().splitlines() if re.match(r"  [a-z]", line) and not line.startswith("  imprint ")]
    groups = {word for word in {words[0] for words in lines} if help_of(word).startswith(f"Usage: imprint {word} COMMAND")}
    return {" ".join(words[:1 + (words[0] in groups)]) for words in lines} - {"help"}


def entries():
    """Commands, .It line, all its lines, the section that it stands in: in the order of the page."""
    found, section = [], []
    for line in PAGE.read_text().replace("\\\n", " ").splitlines():
        if line.startswith((".Ss", ".Sh")):
            section = []
        section.append(line)
        if line.startswith(".It Cm "):
            found.append((names_of(line), line, [line], section))
        elif found and section is found[-1][3]:
            found[-1][2].append(line)
    return found


def names_of(line):
    """'.It Cm order use Ns | Ns Cm close Ar ID , Cm order list' is order use, order close, order list."""
    names = []
    for part in re.split(r" , ", re.sub(r" Ns \| Ns Cm ", "|", line.removeprefix(".It "))):
        match = re.match(r"Cm ([a-z]+)(?: ([a-z|-]+)(?= |$))?", part)
        if match:
            names += [f"{match[1]} {word}".strip() for word in (match[2] or "").split("|")]
    return names


def options_of(text):
    """-csv , -aws of 'Fl -json | Fl -csv' and of '.Fl -profile , -region'."""
    return {name for flags in re.findall(r"Fl ((?:-[a-z-]+(?: [,|] )?)+)", text) for name in re.findall(r"-([a-z][a-z-]+)", flags)}


def options_of_help(command):
    return set(re.findall(r"^ +(?:-., )?--([a-z-]+)", help_of(*command.split()), re.M)) - OF_ARGP


ENTRIES = entries()
COMMANDS = sorted({name for entry in ENTRIES for name in entry[0]})


def page_of(command):
    """The lines about it, and those at the head of its section."""
    lines = []
    for names, _, own, section in ENTRIES:
        if command in names:
            lines += own + section[:section.index(".Bl -tag -width Ds")]
    return "\n".join(lines)


def test_no_command_is_forgotten():
    assert set(COMMANDS) == commands_of_help()


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_is_forgotten(command):
    """It stands in the command's entry, or at the head of its section (what all of it take)."""
    alike = next((group for group in SHARED if command in group), {command})
    page = "".join(map(page_of, sorted(alike)))
    if command in PAGE_OF_ITS_OWN:
        page += PAGE_OF_ITS_OWN[command].read_text()
    assert options_of_help(command) - options_of(page) == set()


@pytest.mark.parametrize("names, line", [entry[:2] for entry in ENTRIES], ids=[" ".join(entry[0])[:40] for entry in ENTRIES])
def test_no_option_is_invented(names, line):
    assert options_of(line) <= set().union(*map(options_of_help, names))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_mdoc(page):
    """Long lines and a page of another package that is not installed are no fault."""
    said = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], text=True, capture_output=True, timeout=PATIENCE_S).stdout
    assert said == ""
