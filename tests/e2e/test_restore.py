"""The disk of a ledger dies: backup, token and the station's own record of runs bring the line back, with the gap named."""
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from types import SimpleNamespace

import pytest

from disk import Disk, why_not
from station import BUILD, LONG, PATIENCE_S, PROGRAMS
from test_ceremony import cbor
from test_kill import NO_PTRACE
from test_power_points import Stopped

FIRST, LATER = ("A1", "A2", "A3", "A4"), ("A5", "A6", "A7", "A8")
WHY_NOT = why_not() or NO_PTRACE
LEDGER, RESTORED = 1, 18  # entry types


def work(s, *nests):
    s.imprint("start", *nests)
    s.imprint("wait", "--outcome", "PASS")


@pytest.fixture(scope="module")
def lost(module_station, scratch):
    """A station that made a backup, issued on, mailed a head and died; with its log not folded into the ledger's file."""
    s = module_station("--boards", 8, "--quantity", 8)
    folder = scratch / "restore"
    folder.mkdir()
    paths = {name: folder / name for name in ("backup", "backup.head", "mailed.head", "runs.jsonl")}
    work(s, *FIRST)
    paths["backup.head"].write_text(s.imprint("ledger", "backup", paths["backup"]).stdout)
    work(s, *LATER)
    s.imprint("revoke", s.boards()["A1"], "--reason", "stolen")
    paths["mailed.head"].write_text(s.imprint("ledger", "head").stdout)
    rows = {row["unit"]: row for row in s.ledger_list()}
    flash = {nest: s.dump(s.boards()[nest]) for nest in LATER}
    s.kill("station", signal.SIGTERM)
    s.kill_signer()
    signer = s.dir / "lib/signer"
    assert (signer / "ledger.db-wal").stat().st_size > 0
    shutil.copytree(signer, folder / "signer")
    shutil.copy(s.dir / "lib/station/runs.jsonl", paths["runs.jsonl"])
    sizes = [json.loads(paths[name].read_text())["size"] for name in ("backup.head", "mailed.head")]
    return SimpleNamespace(s=s, signer=signer, snapshot=folder / "signer", folder=folder, rows=rows, flash=flash, backup=paths["backup"],
                           backup_head=paths["backup.head"], mailed=paths["mailed.head"], runs=paths["runs.jsonl"],
                           size=sizes[0], gap=f"{sizes[0] + 1}-{sizes[1]}")


def bring_back(lost, *without):
    """The signer's folder as it was when the signer died; without the files named, as after a loss."""
    for path in lost.signer.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(lost.snapshot, lost.signer, dirs_exist_ok=True)
    for name in without:
        (lost.signer / name).unlink(missing_ok=True)


DEAD = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock")


@pytest.fixture
def dead(lost):
    bring_back(lost, *DEAD)
    yield lost
    lost.s.kill("station", signal.SIGTERM)
    lost.s.kill("signer", signal.SIGTERM)


def restore(lost, *options, backup=None, heads=None, code=0):
    heads = (lost.backup_head, lost.mailed) if heads is None else heads
    options = [*options, *(word for head in heads for word in ("--head", head))]
    done = lost.s.imprint("ledger", "restore", backup or lost.backup, "--reason", "the disk died", *options, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def entries(path):
    with closing(sqlite3.connect(path)) as db:
        return [cbor(row[0])[0] for row in db.execute("SELECT data FROM entries ORDER BY number")]


def test_the_line_goes_on_and_the_gap_is_named(dead):
    s = dead.s
    assert f"--gap-accepted {dead.gap}" in restore(dead, code=1)
    assert not (dead.signer / "ledger.db").exists()
    said = restore(dead, "--gap-accepted", dead.gap)
    assert f"Missing: entries {dead.gap.replace('-', ' to ')}." in said and "epoch 2 begins" in said and "kept in" not in said

    rows = entries(dead.signer / "ledger.db")
    ledger, restored = rows[-2:]
    assert [ledger[5], restored[5]] == [LEDGER, RESTORED] and ledger[2] == restored[2] == 2
    assert restored[6] == dead.mailed.read_text().strip() and restored[7] == "the disk died" and restored[8]
    assert ledger[3] == dead.size + 1  # with the old head's size: what is missing

    s.start("signer")
    s.start("station")
    ok = s.imprint("ledger", "verify", "--head", dead.backup_head).stdout
    assert "restored from a backup, 1 in all" in ok and f"missing since: {int(dead.gap.split('-')[1]) - dead.size}" in ok
    listing = dead.folder / "nothing-registered.json"
    listing.write_text('{"certificates": []}')
    missing = int(dead.gap.split("-")[1]) - dead.size
    assert f"{missing} entries lost before a restore" in s.imprint("reconcile", listing).stdout
    alarm = s.imprint("ledger", "verify", "--head", dead.mailed, check=False)
    assert alarm.returncode == 3  # who holds the newer head sees that entries are gone
    order = s.order()
    assert order["state"] == "closed" and order["used"] == len(FIRST)

    units = s.boards()
    begun = end_missing(dead.runs, units[LATER[0]])
    gap = s.imprint("ledger", "gap", dead.runs, "--json", check=False)
    assert gap.returncode == 3 and f'"certificate_id":"{begun}"' in gap.stdout
    unknown = {run["unit"]: run["certificate_id"] for run in map(json.loads, gap.stdout.splitlines())}
    assert unknown == {units[nest]: dead.rows[units[nest]]["certificate_id"] for nest in LATER}

    # No order is open; then a board of before the gap is known, and one of the gap gets a certificate of its own.
    assert s.imprint("start", "A2", check=False).returncode == 1
    s.imprint("order", "open", "AFTER", "--product", "demo", "--quantity", 4)
    work(s, "A2", *LATER)
    assert s.order("AFTER")["used"] == 4
    after = {row["unit"]: row for row in s.ledger_list()}
    assert after[units["A2"]]["certificate_id"] == dead.rows[units["A2"]]["certificate_id"]
    serials = [row["certificate_serial"] for row in after.values()] + [dead.rows[units[nest]]["certificate_serial"] for nest in LATER]
    assert len(set(serials)) == len(serials) == 12
    assert s.imprint("ledger", "verify").returncode == 0


def end_missing(path, unit):
    """As if the power had gone in the middle of that unit's run: the record knows it as under way alone."""
    lines = [line for line in map(json.loads, path.read_text().splitlines()) if "run" not in line or line["unit"] != unit]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return next(line["certificate_id"] for line in lines if "certificate_id" in line and line["unit"] == unit)


def adopt(lost, *words, code=0):
    done = lost.s.imprint("ledger", "adopt", "--product", "demo", *words, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_was_read_back_is_known_again(dead, tmp_path):
    """Certificates of the gap come from the boards' flash; then these boards are what they were."""
    s, units = dead.s, dead.s.boards()
    files = {}
    for nest in LATER:
        files[nest] = tmp_path / f"{nest}.der"
        files[nest].write_bytes(dead.flash[nest])
    read_back = [f"{units[nest]}={path}" for nest, path in files.items()]
    restore(dead, "--gap-accepted", dead.gap)
    other = f"{units['A6']}={files['A5']}"
    assert "does not name the unit" in adopt(dead, read_back[0], other, code=1)
    assert "is not UNIT=CERT" in adopt(dead, "x", code=2)
    forged = tmp_path / "forged"
    forged.write_bytes(files["A5"].read_bytes()[:-1] + b"\0")
    assert f"unit {units['A5']}: " in adopt(dead, f"{units['A5']}={forged}", code=1)
    assert len(entries(dead.signer / "ledger.db")) == dead.size + 2
    assert "Adopted: 4," in adopt(dead, *read_back)
    assert f"unit {units['A5']}: " in adopt(dead, read_back[0], code=1)  # it is known now

    s.start("signer")
    s.start("station")
    assert s.imprint("ledger", "gap", dead.runs).returncode == 0
    assert s.imprint("ledger", "verify", "--head", dead.backup_head).returncode == 0
    s.imprint("order", "open", "AFTER", "--product", "demo", "--quantity", 4)
    work(s, *LATER)
    after = {row["unit"]: row for row in s.ledger_list()}
    for nest in LATER:
        assert after[units[nest]]["certificate_id"] == dead.rows[units[nest]]["certificate_id"]
        assert (after[units[nest]]["state"], after[units[nest]]["evidence"]) == ("installed", "signed")
    assert s.order("AFTER")["used"] == 0


def test_without_a_gap(dead):
    dead.signer.joinpath("ledger.db").write_bytes(b"")  # a file system's check left an empty one
    said = restore(dead, heads=[dead.backup_head])
    assert "No entry is known to be missing." in said
    kept, = dead.signer.glob("ledger-kept-*")
    assert f"kept in {kept}" in said and (kept / "ledger.db").read_bytes() == b""
    assert f"{dead.gap}: no entry" not in said
    old = json.loads(entries(dead.signer / "ledger.db")[-1][6])
    assert (old["epoch"], old["size"]) == (1, dead.size)


def test_no_head_at_all_is_said(dead):
    assert "whether entries are missing is not known" in restore(dead, heads=[])


def test_a_ledger_that_can_be_read_counts_as_a_head(lost):
    bring_back(lost)
    before = {name: (lost.signer / name).read_bytes() for name in ("ledger.db", "ledger.db-wal")}
    assert f"--gap-accepted {lost.gap}" in restore(lost, heads=[lost.backup_head], code=1)
    assert {name: (lost.signer / name).read_bytes() for name in before} == before
    restore(lost, "--gap-accepted", lost.gap, heads=[lost.backup_head])
    kept, = lost.signer.glob("ledger-kept-*")
    assert {name: (kept / name).read_bytes() for name in before} == before
    old = json.loads(entries(lost.signer / "ledger.db")[-1][6])
    assert old["size"] == json.loads(lost.mailed.read_text())["size"] and old["signature"]


def test_what_was_restored_is_not_lost_by_doing_it_again(dead):
    restore(dead, "--gap-accepted", dead.gap)
    before = (dead.signer / "ledger.db").read_bytes()
    assert "restored here already" in restore(dead, "--gap-accepted", dead.gap, code=1)
    assert (dead.signer / "ledger.db").read_bytes() == before


def test_the_same_backup_twice_is_two_epochs(dead):
    restore(dead, "--gap-accepted", dead.gap)
    dead.s.start("signer")
    second = dead.folder / "second.head"
    second.write_text(dead.s.imprint("ledger", "head").stdout)
    dead.s.kill("signer", signal.SIGTERM)
    bring_back(dead, *DEAD)
    restore(dead, "--gap-accepted", dead.gap, heads=[second, dead.mailed])
    rows = entries(dead.signer / "ledger.db")
    assert rows[-1][2] == 3  # so that no number of an epoch is two entries
    dead.s.start("signer")
    assert dead.s.imprint("ledger", "verify").returncode == 0


# --- what is refused ---


def test_the_signer_must_be_stopped(dead):
    bring_back(dead)
    dead.s.start("signer")
    assert "stop the signer first" in restore(dead, code=1)
    assert not list(dead.signer.glob("*.fresh*"))


@pytest.mark.parametrize("options", [("--gap-accepted", "x"), ("--gap-accepted", "9-3"), ("--gap-accepted", "0-3"),
                                     ("--head", "/none"), ("--head", "/etc/hosts")], ids=" ".join)
def test_a_word_that_is_wrong(dead, options):
    assert restore(dead, *options, code=2)
    assert not (dead.signer / "ledger.db").exists()


def test_the_gap_must_be_the_gap(dead):
    first, last = map(int, dead.gap.split("-"))
    for wrong in (f"{first}-{last - 1}", f"{first + 1}-{last}", f"{first}-{last + 1}"):
        assert "too old" in restore(dead, "--gap-accepted", wrong, code=1)
    assert "no entry is known to be missing" in restore(dead, "--gap-accepted", dead.gap, heads=[dead.backup_head], code=2)


def merkle(leaves):
    """RFC 6962 2.1"""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + merkle(leaves[:split]) + merkle(leaves[split:])).digest()


def frontier(datas):
    """The complete subtrees of the tree, the largest first: as the ledger's file has them."""
    leaves, found = [hashlib.sha256(b"\0" + data).digest() for data in datas], b""
    while leaves:
        size = 1 << len(leaves).bit_length() - 1
        found, leaves = found + merkle(leaves[:size]), leaves[size:]
    return found


def forge(lost, change, tree=True):
    """A backup in which somebody changed entries, and made the tree anew so that it looks right."""
    path = lost.folder / "forged"
    shutil.copy(lost.backup, path)
    with sqlite3.connect(path) as db:
        for trigger, in list(db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")):
            db.execute(f"DROP TRIGGER {trigger}")
        datas = [row[0] for row in db.execute("SELECT data FROM entries ORDER BY number")]
        forged = change(list(datas))
        for number, data in enumerate(forged, 1):
            db.execute("UPDATE entries SET data = ? WHERE number = ?", (data, number))
        db.execute("DELETE FROM entries WHERE number > ?", (len(forged),))
        if tree:
            db.execute("UPDATE tree SET size = ?, frontier = ?", (len(forged), frontier(forged)))
    db.close()
    return path


def other_nest(datas):
    return [data.replace(b"\x62A1", b"\x62A9") for data in datas]


def other_certificate(datas):
    at = max(range(len(datas)), key=lambda i: len(datas[i]) if cbor(datas[i])[0][5] == 10 else 0)
    datas[at] = datas[at][:-1] + bytes([datas[at][-1] ^ 1])
    return datas


@pytest.mark.parametrize("change,tree,says", [
    (other_nest, False, "changed|do not make its tree"),
    (other_nest, True, "entries were changed"),
    (other_certificate, True, "entry "),
], ids=["an entry", "an entry and the tree", "a certificate and the tree"])
def test_a_backup_that_was_changed_is_an_alarm(dead, change, tree, says):
    said = restore(dead, "--gap-accepted", dead.gap, backup=forge(dead, change, tree), code=3)
    assert said.startswith("ALARM: ") and re.search(says, said)
    assert {path.name for path in dead.signer.iterdir()} <= {"token", "ledger.db.lock", "ledger.db.fresh.lock"}


def test_tables_that_were_changed_are_made_anew(dead):
    path = dead.folder / "tables"
    shutil.copy(dead.backup, path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE issuances SET state = 4")
        db.execute("UPDATE orders SET used = 0, quantity = 1000")
    db.close()
    restore(dead, "--gap-accepted", dead.gap, backup=path)
    dead.s.start("signer")
    assert {row["state"] for row in dead.s.ledger_list()} == {"installed"}
    assert (dead.s.order()["used"], dead.s.order()["quantity"]) == (4, 8)


def test_what_is_no_backup(dead):
    (dead.folder / "noise").write_bytes(os.urandom(8192))
    assert restore(dead, backup=dead.folder / "noise", code=3)
    assert restore(dead, backup=dead.folder / "none", code=2)
    assert restore(dead, backup=dead.folder, code=2)


@pytest.mark.parametrize("name,says", [("SZ9", "this is a backup of station"), ("LINE", "does not hold the key of the heads")])
def test_another_station_or_another_token(dead, tmp_path, name, says):
    env = dict(os.environ, IMPRINT_DIR=str(tmp_path / "other"))
    subprocess.run([BUILD / "imprint-ca", "init", "--station", name], env=env, check=True, capture_output=True, timeout=600)
    done = subprocess.run([BUILD / "imprint", "ledger", "restore", dead.backup, "--reason", "test", "--gap-accepted", dead.gap,
                           "--head", dead.mailed], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1 and says in done.stderr


# --- a power cut on the way ---

STEP = {"link": 2, "unlink": 3, "fsync": 3}  # the short form takes some


def readable(lost):
    """What stands there opens, as the signer would."""
    return subprocess.run([PROGRAMS["signer"], "--check"], env=lost.s.env, capture_output=True, text=True, timeout=PATIENCE_S)


def size_of(lost, folder):
    """How many entries stand in a ledger, asked of a copy; None if there is none."""
    if not (folder / "ledger.db").exists():
        return None
    shutil.rmtree(lost.folder / "look", ignore_errors=True)
    (lost.folder / "look").mkdir()
    for path in folder.glob("ledger.db*"):
        shutil.copy(path, lost.folder / "look")
    return len(entries(lost.folder / "look/ledger.db"))


@pytest.mark.skipif(bool(WHY_NOT), reason=str(WHY_NOT))
@pytest.mark.parametrize("kind", ["ext4", "xfs"] if LONG else ["xfs"])
def test_power_cut_on_the_way(lost, kind):
    """In front of every call that changes a name, and of every sync: it can be run again, and what stood there is never lost."""
    options = ["--reason", "cut", "--gap-accepted", lost.gap, "--head", lost.mailed]
    command = [BUILD / "imprint", "ledger", "restore", lost.backup, *options]
    before = {name: (lost.snapshot / name).read_bytes() for name in ("ledger.db", "ledger.db-wal")}
    cuts = 0
    bring_back(lost, *DEAD)  # an empty folder would do: the disk is mounted over it
    with Disk(lost.signer, kind) as disk:
        for calls in ("mkdir", "link", "unlink", "rename", "fsync"):
            for number in range(1, 100, 1 if LONG else STEP.get(calls, 1)):
                bring_back(lost)
                subprocess.run(["sync", "-f", disk.path], check=True)
                stopped = Stopped(lost.s, command, calls, number)
                disk.cut(number % 2 == 0)
                output = "".join(stopped.end())
                disk.back()
                where = f"{calls} {number}: {output}"
                assert size_of(lost, lost.signer) in (None, size_of(lost, lost.snapshot), lost.size + 2), where
                again = lost.s.imprint("ledger", "restore", lost.backup, *options, check=False)
                assert again.returncode == 0 or "restored here already" in again.stderr, where + again.stderr
                assert readable(lost).returncode == 0, where + again.stdout + again.stderr
                rows = entries(lost.signer / "ledger.db")
                assert [row[5] for row in rows].count(RESTORED) == 1 and rows[-1][2] == 2, where
                kept = {name: [path.read_bytes() for path in lost.signer.glob(f"ledger-kept-*/{name}")] for name in before}
                assert all(before[name] in kept[name] for name in before), where
                if stopped.finished:
                    break
                cuts += 1
    assert cuts > 6
