"""The folders of the design: who may include whom, which library may appear where, what each program links."""
import os
import re
import shutil
import subprocess

import pytest

from station import BUILD, ROOT

# A folder's own rule, or that of the nearest folder above it: whose headers it may include beside its own.
# base <- serial, fixtures, hsm/api, station/control <- station/*, hsm/*, cloud; never a neighbour.
USES = {
    "base": set(),
    "serial": {"base"},
    "serial/agent": {"base", "serial"},
    "fixtures": {"base"},
    "hsm/api": {"base"},
    "hsm/api/proof": {"base", "hsm/api"},
    "station/control": {"base"},
    "station": {"base", "serial", "fixtures", "hsm/api", "station/control"},
    "station/command": {"base", "hsm/api", "station/control"},
    "station/screen": {"base", "hsm/api", "station/control"},
    "hsm": {"base", "hsm/api", "hsm/token"},
    "hsm/x509": {"base", "hsm/api/proof"},
    "hsm/token": {"base", "hsm/x509"},
    "hsm/product": {"base", "hsm", "hsm/api", "hsm/api/proof", "hsm/token", "hsm/x509"},
    "hsm/certificate": {"base", "hsm/api", "hsm/product", "hsm/token", "hsm/x509"},
    "hsm/ledger": {"base", "hsm/api", "hsm/api/proof"},
    "hsm/ceremony": {"base", "hsm", "hsm/api", "hsm/certificate", "hsm/ledger", "hsm/token", "hsm/x509"},
    "hsm/signer": {"base", "hsm", "hsm/api", "hsm/api/proof", "hsm/certificate", "hsm/ledger", "hsm/product", "hsm/token"},
    "hsm/command": {"base", "hsm/api", "hsm/api/proof", "hsm/certificate", "hsm/product", "hsm/token", "hsm/x509"},
    "cloud": set(),
    "cloud/aws": {"base"},
    "cloud/ledger": {"base", "hsm/api", "hsm/api/proof"},
    "cloud/command": {"base", "hsm/api", "hsm/api/proof", "cloud/aws", "cloud/ledger"},
    "cloud/reconcile": {"base", "hsm/api", "hsm/api/proof", "cloud/aws", "cloud/ledger"},
    "cloud/rehearsal": {"base"},
    "cloud/rehearsal/rest": {"base", "cloud/rehearsal"},
    "cloud/rehearsal/launch": {"base", "cloud/rehearsal", "cloud/rehearsal/rest"},
    "cloud/rehearsal/broker": {"base", "cloud/rehearsal"},
}
# The header of a library, and where alone it may appear.
LIBRARIES = {
    "libserialport.h": {"serial"},
    "sha2.h": {"serial"},
    "modbus": {"fixtures"},
    "libp11.h": {"hsm/token"},
    "p11-kit": {"hsm/token"},
    "pkcs11": {"hsm/token"},
    "sqlite3.h": {"hsm/ledger", "cloud/rehearsal"},
    "openssl": {folder for folder in USES if folder.startswith("hsm/") and folder != "hsm/api"}
    | {"cloud/aws", "cloud/command", "cloud/reconcile", "cloud/rehearsal", "cloud/rehearsal/broker", "cloud/rehearsal/launch", "cloud/rehearsal/rest"},
    "curl": {"cloud/aws"},
    "microhttpd.h": {"cloud/rehearsal/rest"},
    "mosquitto.h": {"cloud/rehearsal/broker"},
    "mosquitto_plugin.h": {"cloud/rehearsal/broker"},
    "mosquitto_broker.h": {"cloud/rehearsal/broker"},
    "ncurses": {"station/screen"},
    "ncursesw": {"station/screen"},
    "cyaml": {"base", "fixtures", "hsm", "hsm/product", "station"},
    "yaml.h": {"base"},
    "jansson.h": {"station", "station/command", "hsm/command", "cloud/aws", "cloud/command", "cloud/ledger", "cloud/reconcile",
                  "cloud/rehearsal", "cloud/rehearsal/rest"},
}
# What each program must not load, directly or through another library.
METAL = {"libp11", "libserialport", "libmodbus", "libcyaml", "libncurses", "libncursesw"}
NOT_LINKED = {
    "imprint-cloud": METAL | {"libsqlite3", "libmicrohttpd", "libmosquitto"},
    "imprint-reconcile": METAL | {"libsqlite3", "libmicrohttpd", "libmosquitto"},
    "imprint-rehearsal": METAL | {"libcurl", "libssl", "libmosquitto"},
    "imprint-rehearsal.so": METAL | {"libcurl", "libmicrohttpd"},
    "imprint-ui": {"libcrypto", "libssl", "libp11", "libsqlite3", "libserialport", "libmodbus", "libcurl", "libcyaml"},
    "imprint-station": {"libcrypto", "libssl", "libp11", "libsqlite3", "libcurl", "libncurses", "libncursesw"},
    "imprint-signer": {"libserialport", "libmodbus", "libncurses", "libncursesw", "libcurl", "libmicrohttpd", "libmosquitto"},
    "imprint-board": {"libcrypto", "libssl", "libp11", "libsqlite3", "libcurl", "libcyaml", "libjansson", "libmodbus"},
    "imprint": {"libcrypto", "libssl", "libp11", "libsqlite3", "libserialport", "libmodbus", "libcurl"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def sources():
    """{path: text} of all C files that the rules are for: not the tests."""
    tops = sorted({folder.split("/")[0] for folder in USES})
    return {str(path.relative_to(ROOT)): path.read_text() for top in tops for path in sorted((ROOT / top).rglob("*.[ch]"))}


def rule_of(folder, rules):
    while folder and folder not in rules:
        folder = os.path.dirname(folder)
    return folder


def wrong_folders(files):
    wrong = []
    for path, text in files.items():
        folder = os.path.dirname(path)
        rule = rule_of(folder, USES)
        for ours, _ in INCLUDE.findall(text):
            to = os.path.dirname(ours)
            if not ours:
                continue
            if not to:
                wrong.append(f"{path}: \"{ours}\" is included without its folder")
            elif to != folder and to not in USES.get(rule, set()) and not (to.startswith(folder + "/") and to not in USES):
                wrong.append(f"{path}: a file of {folder}/ may not include {ours}")
    return wrong


def wrong_libraries(files):
    wrong = []
    for path, text in files.items():
        folder = os.path.dirname(path)
        for _, header in INCLUDE.findall(text):
            allowed = LIBRARIES.get(header.split("/")[0])
            if allowed is not None and folder not in allowed:
                wrong.append(f"{path}: <{header}> belongs into {', '.join(sorted(allowed))} alone")
    return wrong


def cycles(files):
    """Each chain of headers that comes back to its first."""
    edges = {path: [ours for ours, _ in INCLUDE.findall(text) if ours] for path, text in files.items() if path.endswith(".h")}
    found, done = [], set()

    def walk(path, chain):
        if path in chain:
            found.append(" -> ".join(chain[chain.index(path):] + [path]))
        elif path in edges and path not in done:
            for to in edges[path]:
                walk(to, chain + [path])
            done.add(path)

    for path in edges:
        walk(path, [])
    return found


def test_folders_use_lower_ones():
    files = sources()
    assert len(files) > 100
    assert wrong_folders(files) == []


def test_libraries_stay_in_their_folder():
    assert wrong_libraries(sources()) == []


def test_no_include_cycles():
    assert cycles(sources()) == []
    # Nor may two folders use each other.
    assert cycles({f"{folder}.h": "".join(f'#include "{to}.h"\n' for to in uses) for folder, uses in USES.items()}) == []


@pytest.mark.parametrize("path, line, check", [
    ("base/file.c", '#include "serial/frame.h"', wrong_folders),
    ("serial/link.c", '#include "fixtures/bus.h"', wrong_folders),
    ("station/steps.c", '#include "hsm/certificate/csr.h"', wrong_folders),
    ("station/steps.c", '#include "hsm/api/proof/verify.h"', wrong_folders),
    ("station/command/status.c", '#include "station/box.h"', wrong_folders),
    ("station/steps.c", '#include "hsm/signer/signer.h"', wrong_folders),
    ("cloud/reconcile.c", '#include "hsm/signer/signer.h"', wrong_folders),
    ("hsm/ledger/state.c", '#include "hsm/signer/signer.h"', wrong_folders),
    ("hsm/certificate/csr.c", '#include "serial/frame.h"', wrong_folders),
    ("hsm/certificate/csr.c", '#include "der.h"', wrong_folders),
    ("station/nest.c", "#include <openssl/sha.h>", wrong_libraries),
    ("hsm/api/head.c", "#include <openssl/sha.h>", wrong_libraries),
    ("station/port.c", "#include <libserialport.h>", wrong_libraries),
    ("base/log.c", "#include <jansson.h>", wrong_libraries),
    ("cloud/ledger/export.c", "#include <openssl/sha.h>", wrong_libraries),
    ("cloud/rehearsal/rest/ca.c", "#include <sqlite3.h>", wrong_libraries),
    ("cloud/rehearsal/rest/ca.c", '#include "cloud/aws/iot.h"', wrong_folders),
], ids=lambda value: getattr(value, "__name__", str(value)))
def test_rules_can_be_broken(path, line, check):
    assert len(check({path: line + "\n"})) == 1


def test_cycle_is_found():
    files = {"base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/c.h"\n', "base/c.h": '#include "base/a.h"\n'}
    assert len(cycles(files)) == 1


def needed(program):
    """Short names of the libraries that the loader would load."""
    assert program.exists(), f"{program} is not built"
    out = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {line.strip().split(".so")[0] for line in out.splitlines() if " => " in line and ".so" in line}


@pytest.mark.parametrize("name", sorted(NOT_LINKED))
def test_linked_libraries(name):
    libraries = needed(BUILD / name)
    assert "libc" in libraries
    assert libraries & NOT_LINKED[name] == set()


def test_linked_libraries_are_seen():
    assert {"libcrypto", "libp11", "libsqlite3"} <= needed(BUILD / "imprint-signer")
    assert "libserialport" in needed(BUILD / "imprint-station")


PORTABLE = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "serial/agent").glob("*.c")) + ["base/cbor.c", "serial/frame.c"]
LIBC_ALLOWED = {"memcpy", "memset", "memcmp", "memmove", "strlen", "strcmp", "memchr"}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_agent_is_portable(compiler, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    objects = []
    for source in PORTABLE:
        objects.append(str(tmp_path / source.replace("/", "_")) + ".o")
        done = subprocess.run([compiler, "-std=c99", "-ffreestanding", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-Os",
                               "-fno-stack-protector", "-I.", "-c", source, "-o", objects[-1]], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    # Nothing is asked of the firmware but the port functions (pointers) and a little of string.h.
    symbols = subprocess.run(["nm", *objects], capture_output=True, text=True, check=True).stdout
    defined = set(re.findall(r"[0-9a-f]+ [TDRBt] (\w+)$", symbols, re.M))
    wanted = set(re.findall(r"^ +U (\w+)$", symbols, re.M))
    assert "agent_receive" in defined
    assert wanted - defined <= LIBC_ALLOWED
