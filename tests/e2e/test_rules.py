"""The life of one certificate, orders and quota, what can be ended and how, and a ledger that shows all of it."""
import csv
import io
import json
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest
from fault_rows import saw
from signer_client import DONE, EVIDENCE_DIGEST, EVIDENCE_SIGNED, ISSUED, REFUSED
from station import BUILD, PATIENCE_S, Station, wait_until
from tools import Requests, der_of, make_request, openssl, pem, serial_of, text_of, verify

PRODUCT = """certificate:
  subject: "O=Example,OU={ou},CN={{unit}}"
  validity: no-well-defined-expiration
  keys: [ec-p256]
  unit:
    pattern: "[A-Za-z0-9-]{{4,32}}"
    source: board
  rekey: {rekey}
  files:
    - {{ name: certificate, content: [certificate], encoding: der }}
board:
  driver: prov
  unit: board
  files:
    - {{ name: certificate, target: certificate }}
"""


@pytest.fixture(scope="module")
def line(module_station):
    s = module_station("--boards", "0")
    s.ca = der_of(s.imprint("ca", "show").stdout)
    return s


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    return Requests(tmp_path_factory.mktemp("requests"))


@pytest.fixture
def signer(line):
    """A connection; at the end of each test the ledger verifies."""
    line.imprint("order", "use", "DEMO")
    with line.signer() as connection:
        yield connection
    line.imprint("ledger", "verify")


def unit_id():
    return f"R-{secrets.token_hex(4)}"


def issued(answer):
    assert answer.type == ISSUED, f"{answer.refusal}: {answer.text}"
    return answer


def refused(answer, code, *words):
    assert answer.type == REFUSED, "it was not refused"
    assert answer.refusal == code, answer.text
    for word in words:
        assert word in answer.text, answer.text
    return answer.text


def certificate_of(answer):
    return answer.files["certificate"][0]


def install(signer, answer):
    i = answer.issuance
    done = signer.ask("installed", certificate_id=i["certificate_id"], unit=i["unit"], nest="X1", operator="test",
                      evidence=EVIDENCE_DIGEST, nonce=answer.nonce)
    assert done.type == DONE, done.text


def entries_of(line, kind):
    exported = [json.loads(row) for row in line.imprint("ledger", "export").stdout.splitlines()]
    return [row for row in exported if row.get("type") == kind]


def rows_of(line, unit):
    return [row for row in line.ledger_list() if row["unit"] == unit]


def open_order(line, quantity=1000, *options, product="demo", check=True):
    order = f"O-{secrets.token_hex(4)}"
    done = line.imprint("order", "open", order, "--product", product, "--quantity", quantity, *options, check=check)
    return order if check else done


# --- units and keys ---


def test_same_unit_and_key_again(line, signer, requests):
    unit, request = unit_id(), requests.new()
    first = issued(signer.issue(unit, request))
    used = line.order()["used"]
    for _ in range(3):
        again = issued(signer.issue(unit, request))
        assert again.again == 1 and certificate_of(again) == certificate_of(first)
    assert first.again == 0 and line.order()["used"] == used and len(rows_of(line, unit)) == 1


def test_same_again_after_the_order_is_closed_or_full(line, signer, requests):
    unit, request, order = unit_id(), requests.new(), open_order(line, 1)
    first = issued(signer.issue(unit, request, order))
    refused(signer.issue(unit_id(), requests.new(), order), "order-quota", "1")
    assert certificate_of(issued(signer.issue(unit, request, order))) == certificate_of(first)
    line.imprint("order", "close", order)
    assert certificate_of(issued(signer.issue(unit, request, order))) == certificate_of(first)
    refused(signer.issue(unit_id(), requests.new(), order), "order-closed", order)
    assert len(rows_of(line, unit)) == 1


def test_same_again_through_the_station_of_another_day(line, signer, requests):
    """Also when it was installed, and when another order is in use."""
    unit, request = unit_id(), requests.new()
    first = issued(signer.issue(unit, request))
    install(signer, first)
    open_order(line)
    again = issued(signer.issue(unit, request))
    assert certificate_of(again) == certificate_of(first) and again.issuance["order"] == "DEMO"
    assert rows_of(line, unit)[0]["state"] == "installed"


def test_same_key_on_another_unit(line, signer, requests):
    """Refused, with one alarm a pair, however often it is tried."""
    first, second, third, request = unit_id(), unit_id(), unit_id(), requests.new()
    issued(signer.issue(first, request))
    for _ in range(3):
        refused(signer.issue(second, request), "key-other-unit", first, second)
    alarms = [row for row in entries_of(line, "alarm") if row["unit"] == second]
    assert len(alarms) == 1 and alarms[0]["other_unit"] == first
    refused(signer.issue(third, request), "key-other-unit")
    assert len([row for row in entries_of(line, "alarm") if row["other_unit"] == first]) == 2
    assert rows_of(line, second) == rows_of(line, third) == []
    assert "ALERT" in line.log("signer") or re.search(r"^<1>", line.log("signer"), re.M)


def test_every_key_is_remembered(line, signer, requests):
    """The key of a void certificate is still that of its unit."""
    first, second, request = unit_id(), unit_id(), requests.new()
    issued(signer.issue(first, request))
    line.imprint("void", first, "--reason", "scrapped")
    refused(signer.issue(second, request), "key-other-unit")


def test_another_key_on_the_same_unit(line, signer, requests):
    unit, old, new = unit_id(), requests.new(), requests.new()
    first = issued(signer.issue(unit, old))
    refused(signer.issue(unit, new), "unit-other-key", unit, "void")
    line.imprint("void", unit, "--reason", "the board lost its key")
    second = issued(signer.issue(unit, new))
    assert certificate_of(second) != certificate_of(first)
    assert [row["state"] for row in rows_of(line, unit)] == ["void", "issued"]
    install(signer, second)
    refused(signer.issue(unit, requests.new()), "unit-other-key", unit, "revoke")
    line.imprint("revoke", unit, "--reason", "returned")
    third = issued(signer.issue(unit, requests.new()))
    assert [row["state"] for row in rows_of(line, unit)] == ["void", "revoked", "issued"]
    assert len({serial_of(certificate_of(answer)) for answer in (first, second, third)}) == 3


def test_after_void_any_key(line, signer, requests):
    unit, request = unit_id(), requests.new()
    first = issued(signer.issue(unit, request))
    line.imprint("void", unit, "--reason", "test")
    second = issued(signer.issue(unit, request))
    assert second.again == 0 and certificate_of(second) != certificate_of(first)


def test_after_revoked_a_new_key_only(line, signer, requests):
    unit, request = unit_id(), requests.new()
    install(signer, issued(signer.issue(unit, request)))
    line.imprint("revoke", unit, "--reason", "test")
    refused(signer.issue(unit, request), "key-revoked", unit)
    issued(signer.issue(unit, requests.new()))
    refused(signer.issue(unit_id(), request), "key-other-unit")


def test_moves_that_are_not_possible(line, signer, requests):
    unit = unit_id()
    answer = issued(signer.issue(unit, requests.new()))
    assert line.imprint("revoke", unit, "--reason", "x", check=False).returncode == 1
    install(signer, answer)
    done = line.imprint("void", unit, "--reason", "x", check=False)
    assert done.returncode == 1 and "revoke" in done.stderr
    line.imprint("revoke", "--certificate-id", answer.issuance["certificate_id"].hex(), "--reason", "x")
    assert line.imprint("revoke", unit, "--reason", "x", check=False).returncode == 1
    done = line.imprint("void", "nobody-1", "--reason", "x", check=False)
    assert done.returncode == 1 and "nobody-1" in done.stderr


def test_nonce_serves_once_and_for_one_issuance(line, signer, requests):
    first, second = (issued(signer.issue(unit_id(), requests.new())) for _ in range(2))
    ask = {"nest": "X1", "operator": "test", "evidence": EVIDENCE_DIGEST}
    mixed = signer.ask("installed", certificate_id=first.issuance["certificate_id"], unit=first.issuance["unit"], nonce=second.nonce, **ask)
    refused(mixed, "nonce")
    refused(signer.ask("installed", certificate_id=first.issuance["certificate_id"], unit=first.issuance["unit"], nonce=bytes(32), **ask),
            "nonce")
    install(signer, first)
    install(signer, second)
    refused(signer.ask("installed", certificate_id=second.issuance["certificate_id"], unit=second.issuance["unit"], nonce=second.nonce,
                       **ask), "nonce")


def test_signed_evidence_needs_the_boards_signature(line, signer, requests):
    unit, csr = unit_id(), requests.new()
    for signature in (b"", bytes(70), b"\x30\x06\2\1\1\2\1\1"):
        refused(prove(signer, issued(signer.issue(unit, csr)), signature), "proof")
    answer = issued(signer.issue(unit, csr))
    refused(prove(signer, answer, proof(answer, requests.key())), "proof")
    assert rows_of(line, unit)[0]["state"] == "issued"


def test_a_proof_needs_the_key_and_the_files_and_no_flash(line, signer, requests):
    """The claim that is a warning: who holds the key signs what it was sent, wherever it keeps it."""
    unit, key = unit_id(), requests.key()
    answer = issued(signer.issue(unit, make_request(key)))
    refused(prove(signer, answer, proof(answer, key, files=[bytes(32)])), "proof")
    answer = issued(signer.issue(unit, make_request(key)))
    assert prove(signer, answer, proof(answer, key)).type == DONE
    assert rows_of(line, unit)[0]["evidence"] == "signed"


def proof(answer, key, files=None):
    """docs/prov.md, "prove"."""
    i = answer.issuance
    signed = b"imprint-prove-v1\0" + answer.nonce + i["certificate_id"] + i["unit"].encode()
    return openssl("dgst", "-sha256", "-sign", key, data=signed + b"".join(files or [sha256 for _, sha256 in answer.files.values()]))


def prove(signer, answer, signature):
    i = answer.issuance
    return signer.ask("installed", certificate_id=i["certificate_id"], unit=i["unit"], nest="X1", operator="test",
                      evidence=EVIDENCE_SIGNED, nonce=answer.nonce, signature=signature)


# --- orders ---


def test_ten_of_sixty_four(station):
    """An order of 10, and 64 boards at once: exactly 10 certificates."""
    s = station("--boards", "64", "--quantity", "10")
    s.imprint("start")
    assert s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S, check=False).returncode == 1
    wait_until(lambda: ended(s, 64), what="64 runs")
    runs = s.json("runs")
    passed = [run for run in runs if run["outcome"] == "PASS"]
    others = [run for run in runs if run["outcome"] != "PASS"]
    assert len(passed) == 10 and len(others) == 54
    # The order is full: that is no board's fault.
    assert {(run["outcome"], run["code"]) for run in others} == {("ERROR", "order-quota")}
    assert all("10" in run["text"] and "DEMO" in run["text"] and run["unit"] in run["text"] for run in others)
    assert len(s.ledger_list()) == 10
    assert {row["unit"] for row in s.ledger_list()} == {run["unit"] for run in passed}
    held = [unit for unit in s.boards().values() if s.dump(unit)]
    assert sorted(held) == sorted(run["unit"] for run in passed)
    assert s.order()["used"] == 10
    s.imprint("ledger", "verify")
    # A supervisor raises the quantity: exactly so many more.
    s.imprint("order", "quantity", "DEMO", "12")
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S, check=False)
    wait_until(lambda: ended(s, 128), what="128 runs")
    assert len(s.ledger_list()) == s.order()["used"] == 12
    s.imprint("ledger", "verify")


def ended(s, count):
    return len(s.json("runs")) == count and not any(row.get("state") == "running" for row in s.json("status"))


def test_used_quota_stays_used(line, signer, requests):
    """Void after issued and revoked both keep their place; a supervisor may raise the quantity."""
    order, unit, other = open_order(line, 2), unit_id(), unit_id()
    issued(signer.issue(unit, requests.new(), order))
    line.imprint("void", unit, "--reason", "test")
    install(signer, issued(signer.issue(other, requests.new(), order)))
    line.imprint("revoke", other, "--reason", "test")
    assert line.order(order)["used"] == 2
    refused(signer.issue(unit, requests.new(), order), "order-quota")
    line.imprint("order", "quantity", order, "3")
    issued(signer.issue(unit, requests.new(), order))
    refused(signer.issue(other, requests.new(), order), "order-quota")
    assert [row["quantity"] for row in entries_of(line, "order-quantity") if row["order"] == order] == [3]
    assert line.imprint("order", "quantity", order, "2", check=False).returncode == 1


def test_refused_requests_cost_nothing(line, signer, requests):
    order = open_order(line, 1)
    for _ in range(3):
        refused(signer.issue(unit_id(), b"nonsense", order), "csr")
    assert line.order(order)["used"] == 0
    issued(signer.issue(unit_id(), requests.new(), order))


def test_until(line, signer, requests):
    done = open_order(line, 5, "--until", "2020-01-01", check=False)
    assert done.returncode == 1 and "over" in done.stderr
    unit, request, other = unit_id(), requests.new(), requests.new()
    order, until, first = ends_soon(line, signer, unit, request)
    wait_until(lambda: time.time() > until + 1, what="the end of the order")
    refused(signer.issue(unit_id(), other, order), "order-late", order)
    assert certificate_of(issued(signer.issue(unit, request, order))) == certificate_of(first)


def ends_soon(line, signer, unit, request):
    """An order's id, its end, and the certificate that it was good for until then: the later, the slower this machine is."""
    for seconds in (2, 8, 32, 128):
        order, until = f"O-{secrets.token_hex(4)}", int(time.time()) + seconds
        text = datetime.fromtimestamp(until, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        done = line.imprint("order", "open", order, "--product", "demo", "--quantity", 1000, "--until", text, check=False)
        answer = signer.issue(unit, request, order)
        if answer.type == ISSUED:
            return order, until, answer
        refused(answer, "order-late" if done.returncode == 0 else "order-unknown", order)
    raise AssertionError(f"no order could be used before its end: {answer.text}")


def test_units_by_pattern(line, signer, requests):
    order = open_order(line, 5, "--units", "W-[0-9]{3}")
    issued(signer.issue("W-123", requests.new(), order))
    for unit in ("W-12", "W-1234", "XW-123", "w-123"):
        refused(signer.issue(unit, requests.new(), order), "order-unit", unit)
    done = open_order(line, 5, "--units", "W-[0-9", check=False)
    assert done.returncode == 1 and "W-[0-9" in done.stderr
    done = open_order(line, 5, "--units", "((W{99}){99}){99}", check=False)
    assert done.returncode == 1 and "too many" in done.stderr


def test_units_by_list(line, signer, requests, tmp_path):
    units = tmp_path / "units"
    units.write_text("L-0001\nL-0002\n")
    order = open_order(line, 5, "--units", units)
    issued(signer.issue("L-0001", requests.new(), order))
    for unit in ("L-0003", "L-000", "L-0001L-0002", "L-00011"):
        refused(signer.issue(unit, requests.new(), order), "order-unit", unit)
    # More than one record can hold.
    units.write_text("".join(f"L-{i:06}\n" for i in range(20000)))
    long = open_order(line, 5, "--units", units)
    assert line.order(long)["listed"] == 20000
    for unit in ("L-000000", "L-012345", "L-019999"):
        issued(signer.issue(unit, requests.new(), long))
    refused(signer.issue("L-020000", requests.new(), long), "order-unit")


def test_unknown_closed_and_unnamed_orders(line, signer, requests):
    refused(signer.issue(unit_id(), requests.new(), "NOWHERE"), "order-unknown", "NOWHERE")
    order = open_order(line)
    line.imprint("order", "close", order)
    for verb in ("close", "use"):
        done = line.imprint("order", verb, order, check=False)
        assert done.returncode == 1 and "closed" in done.stderr
    refused(signer.issue(unit_id(), requests.new()), "order-none")
    done = line.imprint("order", "open", order, "--product", "demo", "--quantity", "1", check=False)
    assert done.returncode == 1 and order in done.stderr


def test_unit_ids_of_the_product(line, signer, requests):
    for unit in ("abc", "with blank", "x" * 33, "under_score"):
        refused(signer.issue(unit, requests.new()), "unit-text")


# --- products ---


def write_product(line, name, **values):
    path = line.dir / "etc/products" / f"{name}.yaml"
    path.write_text(PRODUCT.format(**{"ou": "First", "rekey": "never", **values}))
    return path


def test_rekey_before_installed(line, signer, requests):
    """A product may say so: a never-installed issuance is voided by the signer, three times a unit, and costs no quota."""
    write_product(line, "rekey", rekey="before_installed")
    order, unit = open_order(line, 1, product="rekey"), unit_id()
    answers = [issued(signer.issue(unit, requests.new(), order)) for _ in range(4)]
    assert len({certificate_of(answer) for answer in answers}) == 4
    refused(signer.issue(unit, requests.new(), order), "rekey-limit", unit)
    assert line.order(order)["used"] == 1
    assert [row["state"] for row in rows_of(line, unit)] == ["void", "void", "void", "issued"]
    refused(signer.issue(unit_id(), requests.new(), order), "order-quota")


def test_no_rekey_once_installed(line, signer, requests):
    write_product(line, "rekey", rekey="before_installed")
    order, unit = open_order(line, 5, product="rekey"), unit_id()
    install(signer, issued(signer.issue(unit, requests.new(), order)))
    refused(signer.issue(unit, requests.new(), order), "unit-other-key")


def test_changed_product_is_taken_over(line, signer, requests):
    write_product(line, "change", ou="First")
    order, pid = open_order(line, product="change"), line.pid("signer")
    assert "OU=First" in text_of(certificate_of(issued(signer.issue(unit_id(), requests.new(), order))))
    write_product(line, "change", ou="Second")
    assert "OU=Second" in text_of(certificate_of(issued(signer.issue(unit_id(), requests.new(), order))))
    assert line.pid("signer") == pid


def test_broken_product_is_refused_with_its_place(line, signer, requests):
    path = write_product(line, "broken")
    order = open_order(line, product="broken")
    good = path.read_text()
    path.write_text(good.replace("  keys: [ec-p256]", "  keys: [ec-p999]"))
    text = refused(signer.issue(unit_id(), requests.new(), order), "product")
    assert re.search(r"broken\.yaml:4:\d+: ", text) and "ec-p256" in text
    done = open_order(line, product="broken", check=False)
    assert done.returncode == 1 and "broken.yaml:4:" in done.stderr
    path.write_text(good.replace("  rekey: never", "  rekai: never"))
    assert re.search(r"broken\.yaml:8:3: ", refused(signer.issue(unit_id(), requests.new(), order), "product"))
    path.unlink()
    refused(signer.issue(unit_id(), requests.new(), order), "product", "broken")
    path.write_text(good)
    issued(signer.issue(unit_id(), requests.new(), order))
    done = open_order(line, product="none-such", check=False)
    assert done.returncode == 1 and "none-such" in done.stderr


# --- CRL and verification certificate ---


def fetch_crl(line, path):
    path.write_text(line.imprint("ca", "crl").stdout)
    text = openssl("crl", "-in", path, "-noout", "-text").decode()
    return int(re.search(r"CRL Number: *\n? *(\d+|0x[0-9A-Fa-f]+)", text).group(1), 0), {
        serial.lower() for serial in re.findall(r"Serial Number: ([0-9A-F]+)", text)}


def test_crl(line, signer, requests, tmp_path):
    good, void, revoked, reserved = (unit_id() for _ in range(4))
    answers = {unit: issued(signer.issue(unit, requests.new())) for unit in (good, void, revoked)}
    install(signer, answers[good])
    install(signer, answers[revoked])
    first, before = fetch_crl(line, tmp_path / "before.pem")
    line.imprint("void", void, "--reason", "test")
    line.imprint("revoke", revoked, "--reason", "test")
    second, after = fetch_crl(line, tmp_path / "crl.pem")
    assert second > first
    assert after - before == {serial_of(certificate_of(answers[unit])) for unit in (void, revoked)}
    (tmp_path / "ca.pem").write_text(pem(line.ca))
    said = openssl("crl", "-in", tmp_path / "crl.pem", "-CAfile", tmp_path / "ca.pem", "-noout", check=False)
    assert said.returncode == 0 and b"verify OK" in said.stderr
    for unit, fine in ((good, True), (void, False), (revoked, False)):
        done = verify(line.ca, [certificate_of(answers[unit])], tmp_path, "-crl_check", "-CRLfile", tmp_path / "crl.pem")
        assert (done.returncode == 0) == fine
        assert fine or b"certificate revoked" in done.stderr


def test_crl_carries_a_head(line, tmp_path):
    text = line.imprint("ca", "crl").stdout
    head = text[:text.index("-----BEGIN")]
    (tmp_path / "head").write_text(head[head.index("{"):])
    line.imprint("ledger", "verify", "--head", tmp_path / "head")


def test_verification_certificate(line, tmp_path):
    code = secrets.token_hex(32)
    der = der_of(line.imprint("ca", "verification-cert", code).stdout)
    text = text_of(der)
    assert f"Subject: CN={code}\n" in text
    assert verify(line.ca, [der], tmp_path).returncode == 0
    start, end = (datetime.strptime(found, "%b %d %H:%M:%S %Y") for found in re.findall(r"Not (?:Before|After) ?: (.*) GMT", text))
    assert 0 < (end - start).total_seconds() <= 86400 + 3600
    assert "CA:TRUE" not in text
    kept = [row for row in entries_of(line, "verification") + entries_of(line, "verification-cert") if row["code"] == code]
    assert len(kept) == 1 and bytes.fromhex(kept[0]["certificate"]) == der
    for bad in ("", "short", "x" * 64, code + "0"):
        assert line.imprint("ca", "verification-cert", bad, check=False).returncode != 0


# --- the ledger, held against itself ---


def export(line, path):
    path.write_text(line.imprint("ledger", "export").stdout)
    return path.read_text().splitlines(keepends=True)


def verify_export(path, *options):
    """On any PC: no station's folder, no token."""
    return subprocess.run([BUILD / "imprint", "ledger", "verify", "--export", path, *options], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "IMPRINT_DIR": "/nonexistent"}, timeout=PATIENCE_S)


@pytest.fixture
def exported(line, signer, requests, tmp_path):
    """An export with at least one entry of each kind of move."""
    void, revoked, request = unit_id(), unit_id(), requests.new()
    issued(signer.issue(void, request))
    signer.issue(unit_id(), request)
    line.imprint("void", void, "--reason", "test")
    install(signer, issued(signer.issue(revoked, requests.new())))
    line.imprint("revoke", revoked, "--reason", "test")
    line.imprint("ca", "crl")
    return export(line, tmp_path / "export.jsonl")


def red(path, lines):
    path.write_text("".join(lines))
    done = verify_export(path)
    assert done.returncode == 3, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stdout == "" or "ok" not in done.stdout
    assert "ALARM" in done.stderr
    return done.stderr


def test_export_verifies(exported, tmp_path):
    done = verify_export(tmp_path / "export.jsonl")
    assert done.returncode == 0, done.stderr
    kinds = {json.loads(line).get("type") for line in exported}
    assert {"ledger", "ca-key", "ca", "order-opened", "reserved", "issued", "installed", "void", "revoked", "alarm", "crl"} <= kinds


def change(line, key):
    """The line with one character of that key's value exchanged."""
    row = json.loads(line)
    value = row[key]
    if isinstance(value, int):
        row[key] = value + 1
    else:
        at = len(value) // 2
        row[key] = value[:at] + ("1" if value[at] != "1" else "2") + value[at + 1:]
    return json.dumps(row, separators=(",", ":")) + "\n"


def test_one_changed_byte_is_red(exported, tmp_path):
    """In every field of one entry of every kind: what people read, and what is hashed."""
    seen = set()
    for number, line in enumerate(exported):
        row = json.loads(line)
        if "type" not in row or row["type"] in seen:
            continue
        seen.add(row["type"])
        for key, value in row.items():
            if value != "":
                red(tmp_path / "changed", exported[:number] + [change(line, key)] + exported[number + 1:])
    assert len(seen) >= 11


def test_cut_lines_are_red(exported, tmp_path):
    path = tmp_path / "cut"
    for number in [1, 2, len(exported) // 2, len(exported) - 2]:
        red(path, exported[:number] + exported[number + 1:])
    red(path, exported[:-1])
    red(path, exported[:-2] + exported[-1:])
    red(path, exported[:-3])
    red(path, exported + exported[-2:-1])
    swapped = exported[:3] + [exported[4], exported[3]] + exported[5:]
    red(path, swapped)
    red(path, exported[:-1] + [exported[-1][:-20]])


def test_first_line_is_red(exported, tmp_path):
    """Whatever becomes of it: its other lines say that this is an export, or was one."""
    path = tmp_path / "first"
    for first in ([], ["\n"], ["\xff\xd8\xff\xe0\n"], [exported[0][1:]], [exported[0].replace("imprint_export", "imprint_exporu")]):
        red(path, first + exported[1:])
    red(path, ["no line of an export\n" * 3, exported[4]])
    red(path, exported[:1])
    red(path, ["{}\n", exported[-1]])


FOREIGN = {"empty": b"", "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(range(256)) * 40, "CSV": b"entry,unit,state\n1,T-1,installed\n",
           "JSON": b'{"certificates": []}\n', "text": b"dear owner,\n\nhere is the export\n", "NUL": bytes(100)}


@pytest.mark.parametrize("kind", FOREIGN)
def test_file_that_is_no_export(tmp_path, kind):
    """Wrong input, and no alarm: no line of it is an export's."""
    path = tmp_path / kind
    path.write_bytes(FOREIGN[kind])
    done = verify_export(path)
    assert done.returncode == 1 and "ALARM" not in done.stderr and done.stdout == ""
    assert f"{path} is not a ledger export" in done.stderr


def test_csv_export_is_told_apart(line, tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_text(line.imprint("ledger", "export", "--format", "csv").stdout)
    done = verify_export(path)
    assert done.returncode == 1 and "is not a ledger export" in done.stderr and "not as CSV" in done.stderr


def test_changed_head_is_red(exported, tmp_path):
    head = json.loads(exported[-1])["head"]
    for key, value in head.items():
        changed = change(json.dumps(head), key)
        path = tmp_path / "head"
        path.write_text("".join(exported[:-1]) + '{"head":' + changed.strip() + "}\n")
        done = verify_export(path)
        assert done.returncode in (1, 3) and done.stderr, f"{key}: exit {done.returncode} {done.stdout}"
        if key in ("size", "root", "epoch", "ledger", "signature"):
            assert done.returncode == 3, f"{key}: {done.stderr}"


def test_old_head_is_a_prefix(line, signer, requests, exported, tmp_path):
    old = tmp_path / "old"
    old.write_text(line.imprint("ledger", "head").stdout)
    issued(signer.issue(unit_id(), requests.new()))
    line.imprint("ledger", "verify", "--head", old)
    export(line, tmp_path / "later.jsonl")
    assert verify_export(tmp_path / "later.jsonl", "--head", old).returncode == 0
    # The export of before cannot contain what came later.
    old.write_text(line.imprint("ledger", "head").stdout)
    done = verify_export(tmp_path / "export.jsonl", "--head", old)
    assert done.returncode == 3 and "ALARM" in done.stderr


def test_head_of_another_history_is_red(station, requests, tmp_path):
    """The same ledger and token, copied: from there on both went their own way, and each head betrays the other."""
    s = station("--boards", "0")
    with s.signer() as signer:
        issued(signer.issue("COMMON", requests.new()))
    s.kill("signer", 15)
    folder = Path(tempfile.mkdtemp(prefix="fork.", dir=s.dir.parent))
    shutil.copytree(s.dir, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("run"))
    (folder / "run").mkdir()
    for path in [folder / "etc/signer.yaml", *folder.glob("lib/signer/token/*.conf")]:
        path.write_text(path.read_text().replace(str(s.dir), str(folder)))
    with Station(folder) as fork:
        for one, unit in ((s, "HERE"), (fork, "THERE")):
            one.start("signer")
            with one.signer() as signer:
                issued(signer.issue(unit, requests.new()))
            (tmp_path / unit).write_text(one.imprint("ledger", "head").stdout)
        heads = [json.loads((tmp_path / unit).read_text()) for unit in ("HERE", "THERE")]
        assert heads[0]["size"] == heads[1]["size"] and heads[0]["root"] != heads[1]["root"]
        assert heads[0]["key"] == heads[1]["key"] and heads[0]["ledger"] == heads[1]["ledger"]
        s.imprint("ledger", "verify", "--head", tmp_path / "HERE")
        done = s.imprint("ledger", "verify", "--head", tmp_path / "THERE", check=False)
        assert done.returncode == 3 and "ALARM" in done.stderr
        export(s, tmp_path / "export.jsonl")
        assert verify_export(tmp_path / "export.jsonl", "--head", tmp_path / "HERE").returncode == 0
        assert verify_export(tmp_path / "export.jsonl", "--head", tmp_path / "THERE").returncode == 3


def test_head_of_another_station_is_red(line, station, tmp_path):
    other = station("--boards", "0")
    (tmp_path / "head").write_text(other.imprint("ledger", "head").stdout)
    done = line.imprint("ledger", "verify", "--head", tmp_path / "head", check=False)
    assert done.returncode == 3 and "ALARM" in done.stderr


def test_changed_database_is_red(station, requests):
    """Somebody with a root shell and sqlite3: verify is red."""
    s = station("--boards", "0")
    with s.signer() as signer:
        for number in range(3):
            issued(signer.issue(f"UNIT-{number}", requests.new()))
    s.kill("signer", 15)
    database = s.dir / "lib/signer/ledger.db"
    changed = subprocess.run(["sqlite3", database, ".tables"], capture_output=True, text=True, check=True).stdout.split()
    assert changed
    raw = database.read_bytes()
    assert raw.count(b"UNIT-1") >= 1
    database.write_bytes(raw.replace(b"UNIT-1", b"UNIT-9"))
    s.start("signer", ready=False)
    wait_until(lambda: not s.pid("signer") or s.answers("signer"), what="the signer's word")
    assert s.pid("signer")
    verified = s.imprint("ledger", "verify", check=False)
    assert verified.returncode == 3
    saw("ledger changed on the disk", verified.stderr)


def test_find_one(line, signer, requests):
    """ledger show takes a unit, a serial or a certificate id."""
    unit = unit_id()
    answer = issued(signer.issue(unit, requests.new()))
    for name in (unit, serial_of(certificate_of(answer)), answer.issuance["certificate_id"].hex()):
        assert [row["unit"] for row in line.json("ledger", "show", name)] == [unit]
        assert certificate_of(answer) == der_of(line.imprint("ledger", "show", name).stdout)
    done = line.imprint("ledger", "show", "NO-SUCH-UNIT", check=False)
    assert done.returncode == 1 and "NO-SUCH-UNIT" in done.stderr


def test_csv_is_quoted(line, signer, requests):
    unit, operator = unit_id(), '=HYPERLINK("http://x","y")'
    issued(signer.issue(unit, requests.new(), nest="@SUM(1)", operator=operator))
    text = line.imprint("ledger", "export", "--format", "csv").stdout
    first = text.splitlines()[0].split(",")
    assert first[:3] == ["station", "entry", "unit"]
    assert len(text.splitlines()) == len(line.ledger_list()) + 2
    row, = (row for row in csv.DictReader(io.StringIO(text)) if row["unit"] == unit)
    assert (row["operator"], row["nest"]) == ("'" + operator, "'@SUM(1)")  # no spreadsheet runs it
