"""The activation function where it can run: a copy of cloud/activation with its packages, in the build's folder."""
import fcntl
import json
import os
import re
import shutil
import subprocess

import pytest

from signer_client import PATIENCE_S
from station import BUILD, ROOT

SOURCE = ROOT / "cloud/activation"
TESTS = ROOT / "tests/unit/activation.test.mjs"
HOME = BUILD / "activation"  # cloud/activation and tests/unit below it, as in the tree
NO_NETWORK = re.compile(r"npm (?:ERR!|error) code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH)")


def npm_ci(folder):
    """The packages that package-lock.json names, once for each lock."""
    lock, stamp = (folder / "package-lock.json").read_text(), folder / "installed-lock"
    if stamp.exists() and stamp.read_text() == lock:
        return
    done = subprocess.run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"], cwd=folder, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=4 * PATIENCE_S)
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip(f"npm cannot reach its registry: {NO_NETWORK.search(done.stderr).group(1)}")
    assert done.returncode == 0, done.stderr
    stamp.write_text(lock)


def put(path, folder):
    """Whole or not at all: the other worker's node may read it now."""
    beside = folder / f"{path.name}.new"
    shutil.copy(path, beside)
    beside.replace(folder / path.name)


def install():
    """The folder where `node run.mjs` works; whoever comes second waits for the first."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: tests/setup --tests")
    code, tests = HOME / "cloud/activation", HOME / "tests/unit"
    code.mkdir(parents=True, exist_ok=True)
    tests.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in [*SOURCE.glob("*.mjs"), *SOURCE.glob("package*.json"), SOURCE / ".npmrc"]:
            put(path, code)
        put(TESTS, tests)
        npm_ci(code)
    return code


def environment(cas, bucket, prefix, policy):
    """What the function's template gives it."""
    return {"CA_IDS": ",".join(cas), "LIST_BUCKET": bucket, "LIST_PREFIX": prefix, "POLICY_NAME": policy}


def run(folder, event, env):
    """run.mjs with the event, a dict or a text: the finished process, and the line that it printed (None if it printed none)."""
    text = event if isinstance(event, str) else json.dumps(event)
    done = subprocess.run(["node", "run.mjs"], cwd=folder, env={"PATH": os.environ["PATH"], **env}, input=text, capture_output=True,
                          text=True, timeout=PATIENCE_S)
    return done, json.loads(done.stdout) if done.stdout else None
