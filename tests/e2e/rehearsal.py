"""The rehearsal of AWS IoT, for the tests: `imprint rehearsal` brings it up, and the clients that people have talk to it: the real
aws, mosquitto_pub and mosquitto_sub, with nothing changed but HOME.

	with Rehearsal(folder, "--refusal", "connect") as cloud:
		cloud.aws("get-registration-code")          # {"registrationCode": "…"}
		cloud.publish(certificates, key)            # a device: the finished mosquitto_pub
		with cloud.listen("foo/bar") as heard: …    # without TLS, as a rule of the account would
"""
import json
import os
import re
import subprocess
import threading

from signer_client import PATIENCE_S
from station import BUILD, wait_until

EVENTS = "$aws/events/certificates/registered/+"


class Rehearsal:
    def __init__(self, folder, *options, port=0):
        self.folder, self.port = folder, port
        # Nobody's account, and no aws but Debian's.
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        self.env["PATH"] = "/usr/bin:/bin:/usr/sbin:/sbin"
        self.options = options

    def __enter__(self):
        done = self.rehearsal("up", self.folder, "--mqtt-port", self.port, *self.options, "--json")
        assert done.returncode == 0, f"imprint rehearsal up: {done.stderr}{self.log()}"
        self.client = json.loads(done.stdout)
        self.port = self.client["mqtt_port"]
        self.env["HOME"] = self.client["home"]
        return self

    def __exit__(self, *_):
        done = self.rehearsal("down", self.folder)
        assert done.returncode == 0, f"imprint rehearsal down: {done.stderr}{self.log()}"

    def rehearsal(self, *words):
        return subprocess.run([BUILD / "imprint", "rehearsal", *map(str, words)], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=2 * PATIENCE_S)

    def log(self):
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in sorted(self.folder.glob("**/*log*"))
                       if path.is_file())

    # --- the control plane ---

    def shell(self, command, folder, stdin="", check=True):
        """A command line as somebody types it."""
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=self.env, input=stdin, capture_output=True, text=True,
                              timeout=PATIENCE_S)
        assert not check or done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}{self.log()}"
        return done

    def aws(self, *words):
        """What `aws iot` prints, as JSON; None if nothing."""
        done = subprocess.run(["/usr/bin/aws", "iot", *map(str, words)], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"aws iot {words[0]}: exit {done.returncode}: {done.stderr}{self.log()}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def statuses(self, ca):
        """{certificate id: status} of what is registered under a CA, as `aws` lists it."""
        rows = self.aws("list-certificates-by-ca", "--ca-certificate-id", ca)["certificates"]
        return {row["certificateId"]: row["status"] for row in rows}

    # --- the broker ---

    def device(self, program, name, certificates, key, *words):
        return [f"/usr/bin/{program}", "--cafile", self.client["root_cert"], "--cert", certificates, "--key", key, "-h",
                self.client["mqtt_host"], "-p", str(self.client["mqtt_port"]), "-q", "1", "-i", name, "-d", "-t", "foo/bar", *words]

    def publish(self, name, certificates, key):
        """A device connects and says Hello: the finished mosquitto_pub."""
        return subprocess.run(self.device("mosquitto_pub", name, certificates, key, "-m", "Hello"), env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)

    def listen(self, *topics):
        """On the listener without TLS."""
        return Heard(["/usr/bin/mosquitto_sub", "-h", self.client["mqtt_host"], "-p", str(self.client["event_port"]), "-d"]
                     + [word for topic in topics for word in ("-t", topic)])

    def session(self, name, certificates, key):
        """A device that stays connected and subscribed, and comes back when it is thrown out."""
        return Heard(self.device("mosquitto_sub", name, certificates, key))

    def hooks_done(self):
        """How often the command of --on-register ran to its end."""
        return len(re.findall("on-register: event [0-9]+: exit status", (self.folder / "log").read_text()))


def accepted(done):
    """True if the broker let it in and took its message, False if it was refused."""
    said = done.stdout + done.stderr
    taken = "received CONNACK (0)" in said and "received PUBACK" in said
    assert taken == (done.returncode == 0), f"mosquitto_pub: exit {done.returncode}:\n{said}"
    assert taken or "CONNACK (0)" not in said, said
    return taken


class Heard:
    """A mosquitto_sub: subscribed when the block begins, ended when it ends; `lines` is all that it printed."""

    def __init__(self, command):
        self.command, self.lines = ["stdbuf", "-oL", *command], []  # it flushes what it says with the next message only

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        wait_until(lambda: self.said("Subscribed (mid") or self.process.poll() is not None, what="mosquitto_sub")
        assert self.said("Subscribed (mid"), "".join(self.lines)
        return self

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def __exit__(self, *_):
        self.process.kill()  # one that is refused again and again may pass over a SIGTERM between two connections
        self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)

    def said(self, text):
        """How many lines hold it."""
        return sum(text in line for line in self.lines)

    def events(self):
        """Every JSON object that it received, so far."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def wait_event(self, count):
        """The count-th of them."""
        wait_until(lambda: len(self.events()) >= count, what=f"event {count}")
        return self.events()[count - 1]
