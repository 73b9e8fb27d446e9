"""imprint cloud: registering a CA and its state at AWS, with Internet and without."""
import os
import pty
import re
import shlex
import subprocess

import pytest
from aws_server import Answer, error
from cloud import cloud, line, sentence, table  # noqa: F401
from signer_client import PATIENCE_S
from station import BUILD
from tools import der_of, pem


# --- the CA ---

def test_register_ca(cloud, line):
    done, calls = cloud.calls("register-ca")
    assert [call.split("?")[0] for call in calls] == [
        f"GET /cacertificate/{line.ca_id}", "GET /registrationcode", "POST /cacertificate", f"GET /cacertificate/{line.ca_id}"]
    shown = table(done.stdout)
    assert shown["CA certificate"] == line.ca_id
    assert shown["status"].split() == ["ACTIVE", "done", "now"] and shown["auto-registration"].split() == ["ENABLE", "done", "now"]
    assert shown["mode"] == "DEFAULT" and shown["region"].startswith(cloud.server.keys.region)
    assert cloud.account.cas[line.ca_id]["certificateMode"] == "DEFAULT"
    # Again: one look, nothing signed, nothing changed.
    done, calls = cloud.calls("register-ca")
    assert calls == [f"GET /cacertificate/{line.ca_id}"]
    assert table(done.stdout)["status"].split() == ["ACTIVE", "so", "already"]
    # Only what differs.
    cloud.account.cas[line.ca_id]["autoRegistrationStatus"] = "DISABLE"
    answer, = cloud.json("register-ca")
    assert answer["done"] == ["auto_registration"] and answer["auto_registration"] == "ENABLE" and answer["status"] == "ACTIVE"
    assert cloud.account.calls[-2] == f"PUT /cacertificate/{line.ca_id}?newAutoRegistrationStatus=ENABLE"


def test_register_ca_quietly(cloud, line):
    answer, = cloud.json("register-ca", "--inactive", "--no-auto-registration")
    assert (answer["status"], answer["auto_registration"], answer["certificate_mode"]) == ("INACTIVE", "DISABLE", "DEFAULT")
    assert answer["done"] == ["registered", "status", "auto_registration"]
    assert cloud.json("register-ca")[0]["done"] == ["status", "auto_registration"]


def test_sni_only(cloud, line):
    answer, = cloud.json("register-ca", "--sni-only")
    assert answer["certificate_mode"] == "SNI_ONLY" and "GET /registrationcode" not in cloud.account.calls
    done = cloud("cloud", "register-ca")
    assert "mode SNI_ONLY, not DEFAULT" in done.stderr and table(done.stdout)["mode"] == "SNI_ONLY"


def test_wrong_mode_is_said(cloud, line):
    cloud("cloud", "register-ca", "--inactive")
    done, calls = cloud.calls("register-ca", "--sni-only", ok=False)
    sentence(done, "mode DEFAULT", "nothing was changed", "delete it")
    assert len(calls) == 1


def test_the_owners_pc(cloud, line, tmp_path):
    """No signer there: the CA is a file, or an id."""
    ca, none = tmp_path / "the ca.pem", tmp_path / "none"
    ca.write_text(pem(line.ca))
    sentence(cloud("cloud", "describe-ca", folder=none, ok=False), "start imprint-signer", "--ca")
    sentence(cloud("cloud", "register-ca", "--ca", line.ca_id, folder=none, ok=False), "not registered yet", "--ca FILE")
    sentence(cloud("cloud", "register-ca", "--ca", ca, folder=none, ok=False), "not registered yet", "--sni-only")
    sentence(cloud("cloud", "describe-ca", "--ca", ca, folder=none, ok=False), "does not know the CA", "imprint cloud register-ca", "--region")
    assert cloud.json("register-ca", "--ca", ca, "--sni-only", folder=none)[0]["ca_certificate_id"] == line.ca_id
    for name in (line.ca_id, line.ca_id.upper(), ca):
        assert cloud.json("describe-ca", "--ca", name, folder=none)[0]["status"] == "ACTIVE"
    ca.write_bytes(line.ca)
    assert cloud.json("describe-ca", "--ca", ca, folder=none)
    ca.write_text(2 * pem(line.ca))
    sentence(cloud("cloud", "describe-ca", "--ca", ca, folder=none, ok=False), "several certificates")
    sentence(cloud("cloud", "describe-ca", "--ca", "\x1b[31mred", folder=none, ok=False), r"\?\[31mred")
    ca.write_text("hello")
    sentence(cloud("cloud", "describe-ca", "--ca", ca, folder=none, ok=False), "holds no certificate")
    assert cloud.json("list", "--ca", line.ca_id, folder=none) == []


@pytest.mark.parametrize("answer", [lambda id: error("ResourceAlreadyExistsException", status=409), lambda id: Answer({"certificateId": id})])
def test_register_ca_touches_no_other(cloud, line, answer):
    """Whoever answers, that another CA is meant: it is not switched on."""
    other = "ab" * 32
    said = answer(other)
    said.body = {"certificateId": other, "resourceId": other, "message": "there"}
    cloud.account.cas[other] = {"certificateId": other, "status": "INACTIVE", "autoRegistrationStatus": "DISABLE"}
    cloud.account.before = lambda call: said if call.startswith("POST /cacertificate") else None
    done = cloud("cloud", "register-ca", ok=False)
    assert done.returncode == 1 and "instead of" in done.stderr
    assert cloud.account.cas[other]["status"] == "INACTIVE"


def test_ca_on_and_off(cloud, line):
    cloud("cloud", "register-ca")
    for words, key, value in ((["deactivate-ca"], "status", "INACTIVE"), (["activate-ca"], "status", "ACTIVE"),
                              (["auto-registration", "off"], "auto_registration", "DISABLE"),
                              (["auto-registration", "on"], "auto_registration", "ENABLE")):
        answer, = cloud.json(*words)
        assert answer[key] == value and answer["done"] == [key]
        assert cloud.json(*words)[0]["done"] == []
    assert cloud.json("describe-ca")[0]["status"] == "ACTIVE"
    done, calls = cloud.calls("revoke-ca", ok=False)
    sentence(done, "cannot revoke a CA", "deactivate-ca", "keep working")
    assert calls == []


# --- without Internet ---

def paste(cloud, text):
    """What was printed, pasted into sh on another PC."""
    return subprocess.run(["sh", "-e"], input=text, text=True, capture_output=True, timeout=4 * PATIENCE_S, cwd=cloud.folder,
                          env=dict(cloud.server.environment(cloud.folder), PATH="/usr/bin:/bin"))


def test_print(cloud, line, tmp_path):
    odd = tmp_path / ".aws"
    odd.mkdir()
    (odd / "config").write_text("[profile o'brien $x]\n")
    where = ["--endpoint-url", cloud.server.url, "--region", cloud.server.keys.region]
    done = cloud("cloud", "register-ca", "--print", *where, input=f"{cloud.account.code}\r\n")
    assert cloud.account.calls == []
    names = re.findall(r"file://(\S+)", done.stdout)
    assert len(names) == 2 and der_of((tmp_path / names[0]).read_text()) == line.ca
    # The code is asked for after the command that shows it.
    first = done.stdout.splitlines()[1]
    assert first.startswith("aws iot get-registration-code")
    shown = paste(cloud, done.stdout)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(cloud.account.code)
    assert cloud.server.refused == []
    ca = cloud.account.cas[line.ca_id]
    assert (ca["status"], ca["autoRegistrationStatus"], ca["certificateMode"]) == ("ACTIVE", "ENABLE", "DEFAULT")
    # Never over files that are there.
    before = {name: (tmp_path / name).read_text() for name in names}
    (tmp_path / names[0]).unlink()
    done = cloud("cloud", "register-ca", "--print", "--code", cloud.account.code, ok=False)
    sentence(done, names[1], "there already")
    assert not (tmp_path / names[0]).exists() and (tmp_path / names[1]).read_text() == before[names[1]]


def test_print_quotes_for_sh(cloud, line, tmp_path):
    """Whatever a profile is called, it stays one word."""
    done = cloud("cloud", "register-ca", "--print", "--sni-only", "--inactive", "--profile", "o'brien $(x) \\", "--region", "a b")
    commands = [shlex.split(text) for text in done.stdout.splitlines() if not text.startswith("#")]
    assert len(commands) == 3
    for words in commands:
        assert words[:2] == ["aws", "iot"] and words[words.index("--profile") + 1] == "o'brien $(x) \\"
        assert words[words.index("--region") + 1] == "a b"
    assert "SNI_ONLY" in commands[0] and "--verification-certificate" not in commands[0]
    assert commands[1][-4:] == ["--new-status", "INACTIVE", "--new-auto-registration-status", "ENABLE"]


@pytest.mark.parametrize("code", ["", "\n", "nonsense\n", "ab" * 31 + "a\n", "ab" * 33 + "\n", "zz" * 32 + "\n", "x" * 5000])
def test_print_wrong_code(cloud, line, tmp_path, code):
    sentence(cloud("cloud", "register-ca", "--print", input=code, ok=False), "registration code", status=2)
    if code.strip():
        sentence(cloud("cloud", "register-ca", "--print", "--code", code.strip(), ok=False), "registration code", status=2)
    assert list(tmp_path.glob("*.pem")) == []


def test_print_wrong_options(cloud, line):
    code = cloud.account.code
    for words in (["--code", code], ["--print", "--json", "--code", code], ["--print", "--sni-only", "--code", code],
                  ["--print", "--ca", line.ca_id, "--sni-only"], ["--print", "--ca", line.ca_id]):
        sentence(cloud("cloud", "register-ca", *words, ok=False), "--", status=2)
    assert cloud.account.calls == [] and list(cloud.folder.glob("*.pem")) == []


def test_print_asks_on_a_terminal(cloud, line):
    master, slave = pty.openpty()
    env = cloud.environment()
    child = subprocess.Popen([BUILD / "imprint", "cloud", "register-ca", "--print"], env=env, stdin=slave, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, cwd=cloud.folder)
    os.close(slave)
    os.write(master, f"{cloud.account.code}\n".encode())
    out, err = child.communicate(timeout=PATIENCE_S)
    os.close(master)
    assert child.returncode == 0 and err == "The registration code that it printed: " and "register-ca-certificate" in out
