"""`imprint cloud publish`: the list of issued certificates in a folder and in a bucket, whole or broken off in the middle."""
import hashlib
import http.server
import json
import shutil
import threading

import pytest
from csr import new_csr

ENV = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret/with+odd", "AWS_REGION": "eu-central-1",
       "AWS_EC2_METADATA_DISABLED": "true"}
KEYS = ["certificateId", "caCertificateId", "state", "unit", "product", "order", "station", "updatedAt"]
ALARM = 3


class Bucket(http.server.BaseHTTPRequestHandler):
    """Objects in memory, by path; after `left` of them were put it refuses more. `before(path)` runs ahead of each PUT."""
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", tag=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        found = self.server.objects.get(self.path)
        if found is None:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        self.answer(200, found, etag(found))

    def is_free(self):
        """If-None-Match and If-Match, as S3 has them."""
        found, match = self.server.objects.get(self.path), self.headers["If-Match"]
        assert self.headers["If-None-Match"] in (None, "*")
        return (not self.headers["If-None-Match"] or found is None) and (not match or match == etag(found))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.left == 0:
            return self.answer(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
        self.server.before(self.path)
        with self.server.lock:
            if not self.is_free():
                return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            self.server.left -= 1
            self.server.puts.append(self.path)
            self.server.objects[self.path] = body
        self.answer(200)

    def log_message(self, *_):
        pass


def etag(data):
    return None if data is None else f'"{hashlib.md5(data).hexdigest()}"'


@pytest.fixture
def bucket():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.objects, server.puts, server.left, server.lock = {}, [], -1, threading.Lock()
    server.before = lambda path: None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def s(module_station):
    return module_station("--boards", 1)


def issue(s, count, prefix):
    with s.signer() as signer:
        return [signer.issue(f"{prefix}-{number:04}", new_csr()).issuance["certificate_id"].hex() for number in range(count)]


def publish(s, *words, check=True, **env):
    """The finished program, and how many were published."""
    done = s.imprint("cloud", "publish", *words, "--json", env={**ENV, **env}, check=check)
    return done, [json.loads(line)["published"] for line in done.stdout.splitlines()]


def objects(folder):
    return {path.stem: json.loads(path.read_text()) for path in folder.iterdir() if len(path.stem) == 64}


def ledger(s):
    """What the list should say: {certificate id: (state, unit)}"""
    return {row["certificate_id"]: (row["state"], row["unit"]) for row in s.ledger_list() if row.get("certificate_id")}


def test_a_folder_follows_the_ledger(s, tmp_path):
    folder = tmp_path / "list"
    ids = issue(s, 5, "A")
    assert publish(s, folder)[1] == [len(ledger(s))]
    said = objects(folder)
    assert {id: (row["state"], row["unit"]) for id, row in said.items()} == ledger(s)
    assert list(said[ids[0]]) == KEYS and said[ids[0]]["certificateId"] == ids[0] and len(said[ids[0]]["caCertificateId"]) == 64
    assert said[ids[0]]["station"] == "LINE" and said[ids[0]]["updatedAt"].endswith("Z")

    assert publish(s, folder)[1] == [0]
    s.imprint("void", "A-0001", "--reason", "scrapped")
    more = issue(s, 2, "B")
    before = (folder / f"{ids[0]}.json").stat().st_mtime_ns
    assert publish(s, folder)[1] == [3]
    assert objects(folder)[ids[1]]["state"] == "void" and set(more) <= set(objects(folder))
    assert (folder / f"{ids[0]}.json").stat().st_mtime_ns == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_an_export_says_the_same(s, tmp_path):
    issue(s, 2, "C")
    export = tmp_path / "sz1.jsonl"
    export.write_text(s.imprint("ledger", "export").stdout)
    publish(s, tmp_path / "own")
    done, counts = publish(s, tmp_path / "exported", "--ledger", export, "--ledger", export)
    assert counts == [len(ledger(s)), 0], done.stderr
    assert objects(tmp_path / "own") == objects(tmp_path / "exported")


def test_what_is_no_prefix_is_refused(s, tmp_path):
    """An older export, a changed mark, another ledger's mark: a sentence, and nothing written."""
    folder, old = tmp_path / "list", tmp_path / "old.jsonl"
    old.write_text(s.imprint("ledger", "export").stdout)
    issue(s, 1, "D")
    publish(s, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done, _ = publish(s, folder, "--ledger", old, check=False)
    assert done.returncode == ALARM and "ALARM: " in done.stderr and "entries are missing" in done.stderr, done.stderr
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}

    mark, = folder.glob("*.head.json")
    whole = mark.read_text()
    for text, word in (("{}", "head.json"), (whole.replace('"size":', '"size":1'), "signature"), ("x" * 5000, "head.json"), ("", "head.json")):
        mark.write_text(text)
        done, counts = publish(s, folder, check=False)
        assert done.returncode in (1, ALARM) and not counts and word in done.stderr, (text, done.stderr)
        assert "what was published before" in done.stderr


@pytest.mark.parametrize("inner", ["newer", "older"])
@pytest.mark.parametrize("known, moment", [(False, 1), (True, 1), (True, 2)], ids=["new", "published before", "between get and put"])
def test_two_publish_at_once(s, bucket, tmp_path, inner, known, moment):
    """One runs from its begin to its end while the other one is about to write the same object: whichever it is, at whichever of its
    tries, the newer state is what stays, at once."""
    target, env = "s3://brand-list/sz1", {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{bucket.server_port}"}
    unit = f"G-{inner}-{known}-{moment}"
    id, = issue(s, 1, unit)
    exports = {"older": tmp_path / "older.jsonl", "newer": tmp_path / "newer.jsonl"}
    exports["older"].write_text(s.imprint("ledger", "export").stdout)
    if known:  # and the marks were lost: all of it is published again
        publish(s, target, "--ledger", exports["older"], **env)
        bucket.objects = {path: body for path, body in bucket.objects.items() if path.endswith(f"/{id}.json")}
    s.imprint("void", f"{unit}-0000", "--reason", "scrapped")
    exports["newer"].write_text(s.imprint("ledger", "export").stdout)
    tries = []

    def before(path):
        if path.endswith(f"/{id}.json"):
            tries.append(path)
            if len(tries) == moment:
                publish(s, target, "--ledger", exports[inner], **env)

    bucket.before = before
    outer = {"newer": "older", "older": "newer"}[inner]
    publish(s, target, "--ledger", exports[outer], **env)
    assert len(tries) >= moment
    assert json.loads(bucket.objects[f"/brand-list/sz1/{id}.json"])["state"] == "void"
    bucket.before = lambda path: None
    publish(s, target, "--ledger", exports["newer"], **env)
    listed = {path.split("/")[-1][:64]: json.loads(body)["state"] for path, body in bucket.objects.items() if len(path.split("/")[-1]) == 69}
    assert listed == {id: state for id, (state, _) in ledger(s).items()}


def test_a_folder_broken_off_in_the_middle(s, tmp_path):
    """Something lies in the way of one object: what stands before it stays, the mark waits, and the next run goes on there."""
    folder = tmp_path / "list"
    issue(s, 230, "E")
    whole = ledger(s)
    in_the_way = folder / f"{list(whole)[-20]}.json"
    in_the_way.mkdir(parents=True)
    (in_the_way / "something").touch()
    done, _ = publish(s, folder, check=False)
    assert done.returncode == 1 and in_the_way.name in done.stderr and f"of {len(whole)} are published" in done.stderr, done.stderr
    assert not list(folder.glob("*.head.json"))
    shutil.rmtree(in_the_way)
    left = len(whole) - len(objects(folder))
    assert 0 < left < len(whole)
    counts = publish(s, folder)[1]
    assert left <= counts[0] <= left + 100, "it goes on near where it was"
    assert {id: (row["state"], row["unit"]) for id, row in objects(folder).items()} == whole
    assert publish(s, folder)[1] == [0]


def test_a_bucket_broken_off_in_the_middle(s, bucket):
    env = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{bucket.server_port}"}
    target = "s3://brand-list/sz1"
    issue(s, 130, "F")
    whole = ledger(s)
    bucket.left = 120
    done, _ = publish(s, target, check=False, **env)
    assert done.returncode == 1 and "Access Denied" in done.stderr, done.stderr
    assert len(bucket.puts) == 120 and not [path for path in bucket.objects if path.endswith(".head.json")]
    # What changes meanwhile must not be lost, though its object was written already.
    changed = bucket.puts[0].split("/")[-1].removesuffix(".json")
    s.imprint("void", whole[changed][1], "--reason", "scrapped")
    bucket.left, bucket.puts = -1, []
    counts = publish(s, target, **env)[1]
    assert counts[0] < len(whole), "it goes on, it does not begin again"
    assert bucket.puts[-1].endswith(".head.json"), "the mark comes last"
    listed = {path.split("/")[-1]: json.loads(body) for path, body in bucket.objects.items() if path.endswith(".json") and "head" not in path}
    assert {row["certificateId"]: (row["state"], row["unit"]) for row in listed.values()} == ledger(s)
    assert all(path.startswith("/brand-list/sz1/") for path in bucket.objects)
    assert listed[f"{changed}.json"]["state"] == "void"
    bucket.puts = []
    assert publish(s, target, **env)[1] == [0] and bucket.puts == []


@pytest.mark.parametrize("words, status, sentence", [
    ((), 2, "it wants"), (("s3://",), 2, "is no target"), (("s3://b/a b",), 2, "is no target"),
    (("/nowhere/at/all",), 1, "cannot make the folder"), (("/tmp/x", "--ledger", "/nowhere.jsonl"), 1, "nowhere.jsonl"),
], ids=str)
def test_a_sentence_for_each_mistake(s, words, status, sentence):
    done, _ = publish(s, *words, check=False)
    assert done.returncode == status and sentence in done.stderr, done.stderr
