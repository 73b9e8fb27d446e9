"""A server on loopback that stands where AWS would: it verifies every request's signature twice (sigv4.py) and answers from a
script. A request that a verifier refuses is answered as AWS does, and noted.

	with AwsServer([Answer({"registrationCode": "ab" * 32})]) as aws:     # one answer a request, the last one again and again
		run(program, env=aws.environment(home))
		aws.requests[0].target, aws.refused                          # what came; which verifier refused what
	AwsServer(lambda request, number: Answer(…))                          # or a function
	AwsServer(forward=("127.0.0.1", port))                                # or another server answers, byte for byte
	AwsServer([…], tls=(certificate, key))                                # as https_proxy it plays every host of AWS itself"""
import http.client
import json
import os
import socket
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate

from sigv4 import Keys, Request, verify

PATIENCE_S = 60
BODY_MAX = 1 << 22


@dataclass
class Answer:
    body: object = b""  # bytes, a text, or what becomes JSON
    status: int = 200
    error: str = ""  # AWS's code: x-amzn-ErrorType
    headers: dict = field(default_factory=dict)
    clock_s: float = 0  # how far AWS's clock is ahead of ours; None: no Date header
    cut: int = None  # so many bytes of the answer, then the connection ends
    silent: bool = False  # no answer; the connection stays open until the end

    def data(self):
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def wire(self):
        data = self.data()
        headers = {"Date": formatdate(time.time() + (self.clock_s or 0), usegmt=True), "Content-Type": "application/json", "Content-Length": len(data)}
        if self.error:
            headers["x-amzn-ErrorType"] = self.error
        headers.update(self.headers)
        if self.clock_s is None:
            del headers["Date"]
        head = f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, 'Odd')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (head.encode() + b"\r\n" + data)[:self.cut]


def error(code, message="as the test wants it", status=400, **more):
    return Answer({"message": message}, status, code, **more)


class Connection(socketserver.StreamRequestHandler):
    timeout = PATIENCE_S

    def handle(self):
        try:
            while self.one():
                pass
        except OSError:
            pass  # the client went away, or the test ended

    def one(self):
        line = self.rfile.readline(65536)
        if not line.strip():
            return False
        method, target, _ = line.decode("latin-1").split(" ", 2)
        if method == "CONNECT" and self.server.aws.tls:
            return self.tunnel()
        head, headers = [line], []
        while (line := self.rfile.readline(65536)).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
            head.append(line)
        request = Request(method, target, headers, b"")
        length = int(request.header("Content-Length", 0))
        assert 0 <= length <= BODY_MAX and request.header("Transfer-Encoding") is None
        request.body = self.rfile.read(length)
        return self.answer(request, b"".join(head) + b"\r\n" + request.body)

    def tunnel(self):
        while self.rfile.readline(65536).strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.aws.tls)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        return True

    def answer(self, request, raw):
        answer = self.server.aws.take(request, raw)
        if isinstance(answer, bytes):
            self.wfile.write(answer)
            return False
        if answer.silent:
            self.server.aws.ended.wait(PATIENCE_S)
            return False
        self.wfile.write(answer.wire())
        if answer.cut is not None:
            self.connection.shutdown(socket.SHUT_RDWR)
        return answer.cut is None and request.header("Connection", "").lower() != "close"


class AwsServer:
    def __init__(self, answers=(), keys=None, forward=None, tls=None):
        self.answers, self.keys, self.forward = answers, keys or Keys(), forward
        self.tls = tls
        self.requests, self.lock, self.ended = [], threading.Lock(), threading.Event()

    def __enter__(self):
        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 64

        self.server = Server(("127.0.0.1", 0), Connection)
        self.server.aws = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def take(self, request, raw):
        request.refused = verify(request, self.keys)
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
        if request.refused:
            return error("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.", 403)
        if self.forward:
            return self.pass_on(raw)
        if callable(self.answers):
            return self.answers(request, number)
        return self.answers[min(number, len(self.answers) - 1)]

    def pass_on(self, raw):
        """The same bytes to the other server; its answer, whole. `Connection: close` is not signed."""
        head, _, body = raw.partition(b"\r\n\r\n")
        with socket.create_connection(self.forward, PATIENCE_S) as other:
            other.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
            parts = []
            while part := other.recv(65536):
                parts.append(part)
        return b"".join(parts)

    @property
    def refused(self):
        return [(request.method, request.target, request.refused) for request in self.requests if request.refused]

    def environment(self, home, **more):
        """An environment in which AWS's tools and ours come here, and know no other account."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
        env |= {"HOME": str(home), "AWS_REGION": self.keys.region, "AWS_DEFAULT_REGION": self.keys.region, "AWS_PAGER": "",
                "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ACCESS_KEY_ID": self.keys.access_key, "AWS_SECRET_ACCESS_KEY": self.keys.secret_key}
        if self.keys.token:
            env["AWS_SESSION_TOKEN"] = self.keys.token
        return env | more
