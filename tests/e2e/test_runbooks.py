"""docs/runbooks.md: every command of the page is run as it stands there, in its order, and prints what the page says."""
import json
import re
import shlex
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from rehearsal import Rehearsal
from signer_client import PATIENCE_S
from station import BUILD, ROOT
from tools import certificate_id, pem

PAGE = (ROOT / "docs/runbooks.md").read_text()
# systemctl, as it is here: the daemon of the test station. All belongs to one user.
SHELL = f"""systemctl() {{
	if [ "$1" = start ] || [ "$1" = enable ]; then {shlex.quote(str(ROOT / 'tests/line'))} signer "$IMPRINT_DIR"; return; fi
	pid=$(cat "$IMPRINT_DIR/run/signer.pid")
	kill "$pid" 2>/dev/null
	while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}}
chown() {{ :; }}
"""


def runbooks():
    """{title: [(command, what it prints)]}"""
    found = {}
    for title, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S):
        found[title] = []
        for block in re.findall(r"```console\n(.*?)```", text, re.S):
            for part in re.split(r"^[#$] ", block, flags=re.M)[1:]:
                command, _, said = part.partition("\n")
                found[title].append((command, said))
    return found


RUNBOOKS = runbooks()


@pytest.fixture(scope="module")
def site(module_station, scratch):
    """A station that worked for a day, the files that its people kept, and an AWS of its own."""
    s = module_station("--boards", 4, "--quantity", 10)
    desk = scratch / "desk"
    desk.mkdir()
    for word, nests in (("start", ["A1", "A2"]), ("wait", ["--outcome", "PASS"])):
        s.imprint(word, *nests)
    (desk / "backup.head").write_text(s.imprint("ledger", "backup", desk / "backup.db").stdout)
    for nest in ("A3", "A4"):  # one behind the other: so stand they on the page
        s.imprint("start", nest)
        s.imprint("wait", "--outcome", "PASS")
    stranger = s.dump(s.boards()["A3"])
    (desk / "T-0004.pem").write_text(pem(s.dump("T-0004")))
    (desk / "mailed.head").write_text(s.imprint("ledger", "head").stdout)
    shutil.copytree(s.dir / "etc", desk / "etc-copy")
    shutil.copy(s.dir / "etc/token-pin", desk / "right-pin")
    with Rehearsal(scratch / "cloud") as cloud:
        yield SimpleNamespace(s=s, desk=desk, cloud=cloud, values={}, stranger=stranger)


def lose_the_ledger(site):
    site.s.kill_signer()
    for path in (site.s.dir / "lib/signer").glob("ledger.db*"):
        path.unlink()


def move_away(site):
    shutil.rmtree(site.desk / "token-copy", ignore_errors=True)
    shutil.copytree(site.s.dir / "lib/signer/token", site.desk / "token-copy")


def steal_the_key(site):
    """AWS knows a certificate that the CA signed and the ledger does not: of a board in the gap."""
    (site.desk / "ca.pem").write_text("-----BEGIN" + site.s.imprint("ca", "show").stdout.partition("-----BEGIN")[2])
    (site.desk / "stranger.pem").write_text(pem(site.stranger))
    shell(site, "imprint cloud register-ca")
    site.cloud.aws("register-certificate", "--certificate-pem", f"file://{site.desk / 'stranger.pem'}", "--ca-certificate-pem",
                   f"file://{site.desk / 'ca.pem'}", "--set-as-active")
    site.values["OLD_CA"] = json.loads(site.s.imprint("ca", "show", "--json").stdout.splitlines()[0])["ca_certificate_id"]
    site.values["STRANGER"] = certificate_id(site.stranger)


def lose_the_token(site):
    shutil.rmtree(site.s.dir / "lib/signer/token")


PREPARE = {
    "The ledger is damaged, or its disk died": lose_the_ledger,
    "The station's PC is replaced": move_away,
    "The CA key may be in strange hands": steal_the_key,
    "The token is lost: SoftHSM's disk died, and the CA key with it": lose_the_token,
}


def shell(site, command):
    """As at an installed station, but that everything lies in the test's folder. What it prints, all of it."""
    places = {"/etc/imprint": str(site.s.dir / "etc"), "/var/lib/imprint": str(site.s.dir / "lib")}
    command = command.replace("-o imprint-signer ", "")
    for installed, here in places.items():
        command = command.replace(installed, here)
    env = {**site.s.env, **site.cloud.env, **site.values, "IMPRINT_DIR": str(site.s.dir), "IMPRINT_BUILD": str(BUILD),
           "PATH": f"{BUILD}:/usr/bin:/bin", "AWS_ENDPOINT_URL": site.cloud.client["rest_url"]}
    said = subprocess.run(["bash", "-c", SHELL + command], cwd=site.desk, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=2 * PATIENCE_S).stdout
    for installed, here in places.items():
        said = said.replace(here, installed)
    return said


def as_said(page, said):
    """Line for line, with … for anything."""
    pattern = ".*".join(re.escape(part) for part in page.split("…"))
    return re.fullmatch(pattern, said, re.S)


def test_every_command(site):
    for title, commands in RUNBOOKS.items():
        PREPARE.get(title, lambda site: None)(site)
        for command, page in commands:
            said = shell(site, command)
            assert as_said(page, said), f"{title}:\n# {command}\n{said}--- the page says\n{page}\n{site.s.logs()}"


def test_the_page_has_its_bad_days():
    assert len(RUNBOOKS) == 8 and all(RUNBOOKS.values())
