"""`imprint cloud` for the tests: a station, an account of AWS IoT whose server checks each signature twice, and the command as people
type it. The fixtures are imported by name."""
import json
import re
import subprocess

import pytest
from aws_account import Account
from aws_server import AwsServer
from signer_client import PATIENCE_S
from station import BUILD, documented
from tools import Requests, certificate_id, der_of, make_request


@pytest.fixture(scope="module")
def line(module_station):
    s = module_station("--boards", "2")
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    s.ca = der_of(s.imprint("ca", "show").stdout)
    s.ca_id = certificate_id(s.ca)
    return s


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    return Requests(tmp_path_factory.mktemp("requests"))


class Cloud:
    """An account, its server, and the command as people type it."""

    def __init__(self, line, folder, keys=None):
        self.line, self.folder = line, folder
        self.account = Account(folder)
        self.server = AwsServer(self.account, keys)

    def environment(self):
        return self.server.environment(self.folder, IMPRINT_DIR=str(self.line.dir))

    def __call__(self, *words, ok=True, input=None, env=None, folder=None, cwd=None):
        env = dict(self.environment(), IMPRINT_DIR=str(folder or self.line.dir), **(env or {}))
        done = subprocess.run([BUILD / "imprint", *map(str, words)], env=env, text=True, capture_output=True, input=input or "",
                              timeout=2 * PATIENCE_S, cwd=cwd or self.folder)
        assert self.server.refused == []
        assert not ok or done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *words, **options):
        return [documented(json.loads(text)) for text in self("cloud", *words, "--json", **options).stdout.splitlines()]

    def calls(self, *words, **options):
        """The finished command, and what it asked."""
        self.account.calls = []
        return self("cloud", *words, **options), self.account.calls


@pytest.fixture
def cloud(line, tmp_path):
    it = Cloud(line, tmp_path)
    with it.server:
        yield it


def table(text):
    """{"status": "ACTIVE", …}"""
    return {row[:19].strip(): row[19:].strip() for row in text.splitlines()}


def sentence(done, *words, status=1):
    assert done.returncode == status, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.startswith("imprint: ") and "\x1b" not in done.stderr
    for word in words:
        assert re.search(word, done.stderr), f"{word!r} is not in: {done.stderr}"


def installed(line, number=0):
    return [row for row in line.ledger_list() if row["state"] == "installed"][number]


def issued(line, requests, unit):
    path = requests.folder / f"{unit}.csr"
    path.write_bytes(make_request(requests.key()))
    line.imprint("issue", "--unit", unit, "--csr", path)
    return next(row for row in line.ledger_list() if row["unit"] == unit)


def trusting(line, root):
    """The product whose boards trust that root, or none."""
    text = (line.dir / "etc/products/demo.yaml").read_text()
    if root:
        text = text.replace("  unit:\n", f"  server_root: {root}\n  unit:\n", 1)
        text = text.replace("  files:\n", "  files:\n    - { name: root, content: [server_root], encoding: der }\n", 1)
    (line.dir / "etc/products/trusting.yaml").write_text(text)
