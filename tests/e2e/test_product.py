"""imprint product check: a sample to approve, or every mistake with line and column."""
import re
import shutil
import subprocess

import pytest

from station import BUILD, ROOT

EXAMPLES = ROOT / "docs/examples/products"


def check(*args):
    return subprocess.run([BUILD / "imprint-product", "check", *map(str, args)], text=True, capture_output=True,
                          timeout=600)


@pytest.fixture
def product(tmp_path):
    """demo.yaml with words exchanged, as a file of its own."""
    def write(*changes):
        text = (EXAMPLES / "demo.yaml").read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "demo.yaml"
        path.write_text(text)
        return path
    return write


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*.yaml")))
def test_examples_are_good(name):
    done = check(EXAMPLES / name)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "CA:FALSE" in done.stdout
    assert "Sample CA, not yours" in done.stdout


def test_sample_shows_what_the_product_says(product):
    done = check("--unit", "UNIT-77", product(
        ('"O=Imprint Demo,CN={unit}"', '"C=NL,O=Brand\\\\, Inc.,OU={product},CN={unit}"\n'
         '  san: ["DNS:{unit}.example.com", "IP:192.0.2.1"]'),
        ("no-well-defined-expiration", "3650 days"),
        ("keys: [ec-p256, ec-p384, rsa-2048, rsa-3072, rsa-4096]",
         "keys: [rsa-2048]\n  key_usage: [digitalSignature, keyEncipherment]\n"
         "  extended_key_usage: [clientAuth, 1.3.6.1.4.1.311.20.2.2]")))
    assert done.returncode == 0, done.stderr
    for words in ('C = NL, O = "Brand, Inc.", OU = demo, CN = UNIT-77', "DNS:UNIT-77.example.com", "IP Address:192.0.2.1",
                  "Digital Signature, Key Encipherment", "TLS Web Client Authentication, Microsoft Smartcard Login",
                  "Public-Key: (2048 bit)"):
        assert words in done.stdout, words
    assert "9999" not in done.stdout
    files = dict(re.findall(r"^  (\w+) .* (?:der|pem) +(\d+)$", done.stdout, re.M))
    assert set(files) == {"certificate", "issuer", "bundle"}
    assert int(files["bundle"]) > (int(files["certificate"]) + int(files["issuer"])) * 4 // 3


def test_every_mistake_of_both_parts(product):
    path = product(("CN={unit}", "CN={serial}"), ("no-well-defined-expiration", "soon"), ("driver: prov", "driver: smoke"),
                   ("keys: [ec-p256,", "keys: [dsa,"))
    done = check(path)
    assert done.returncode == 1
    assert done.stdout == ""
    for line in (rf"{path}:3:12: .*{{serial}}.*allowed here: {{unit}}", rf"{path}:4:13: \"soon\" is no validity",
                 rf"{path}:5:10: \"dsa\" is unknown; allowed here: ec-p256", rf"{path}:15:11: \"smoke\" is no driver; allowed here: prov"):
        assert re.search(line, done.stderr), line + "\n" + done.stderr


@pytest.mark.parametrize("old, new, sentence", [
    ("target: issuer }", "target: issuer }\n    - { name: chain, target: chain }", r":20:15: certificate.files makes no file \"chain\""),
    ("    - { name: bundle, target: bundle }\n", "", r":18:5: the file \"bundle\" of certificate.files has no target here"),
    ("  unit: board\n  files", "  unit: list\n  files", r":16:9: the unit id comes from \"list\" here"),
])
def test_parts_that_do_not_match(product, old, new, sentence):
    done = check(product((old, new)))
    assert done.returncode == 1
    assert re.search(sentence, done.stderr), done.stderr


def test_ca_certificate_is_refused(product):
    done = check(product(("  unit:\n", "  key_usage: [keyCertSign]\n  unit:\n")))
    assert done.returncode == 1
    assert "demo.yaml:6:15: keyCertSign is refused: a product must not make CA certificates" in done.stderr


def test_product_without_board_part(product):
    path = product()
    path.write_text(path.read_text().split("board:  ")[0])
    done = check(path)
    assert done.returncode == 0, done.stderr
    assert "imprint issue alone" in done.stdout


def test_unit_that_does_not_match(product):
    done = check(product(), "--unit", "a b")
    assert done.returncode == 1
    assert '"a b" does not match ^[A-Za-z0-9-]{4,32}$' in done.stderr


def test_no_example_known(product):
    path = product(("^[A-Za-z0-9-]{4,32}$", "[q-z]{7}%"))
    assert "name one with --unit ID" in check(path).stderr
    assert check(path, "--unit", "qwertyz%").returncode == 1  # e is none of q-z
    assert check(path, "--unit", "qwrstyz%").returncode == 0


def test_server_root(product, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    "/dev/null", "-out", tmp_path / "root.pem", "-subj", "/CN=Root"], check=True, capture_output=True)
    path = product(("  unit:\n", "  server_root: root.pem\n  unit:\n"),
                   ("content: [issuer], encoding: der", "content: [server_root], encoding: der"))
    done = check(path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"issuer +server_root +der", done.stdout)
    (tmp_path / "root.pem").unlink()
    done = check(path)
    assert done.returncode == 1
    assert re.search(r"demo.yaml:6:16: cannot open .*root.pem", done.stderr)


def test_station_program_is_missing(tmp_path):
    """A board part that nobody looked at is not called good."""
    alone = tmp_path / "imprint-product"
    shutil.copy(BUILD / "imprint-product", alone)
    done = subprocess.run([alone, "check", EXAMPLES / "demo.yaml"], text=True, capture_output=True, timeout=600)
    assert done.returncode == 1
    assert "the board part is not checked" in done.stderr


@pytest.mark.parametrize("args", [[], ["check"], ["approve", "x"], ["check", "a", "b"], ["--what"]])
def test_usage(args):
    done = subprocess.run([BUILD / "imprint-product", *args], text=True, capture_output=True, timeout=600)
    assert done.returncode == 2
    assert done.stderr


def test_no_file(tmp_path):
    done = check(tmp_path / "absent.yaml")
    assert done.returncode == 1
    assert re.fullmatch(r"cannot open .*absent.yaml: No such file or directory\n", done.stderr)
