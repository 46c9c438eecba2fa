"""HTTP/3 over QUIC by aioquic: a server that echoes request bodies, and a client whose every datagram goes through SOCKS5 UDP ASSOCIATE.

  quic_peer.py server FOLDER               prints its UDP port once it listens; ends when standard input does
  quic_peer.py client PROXY PORT BYTES     posts so many random bytes, prints the SHA-256 of what went and of what came back
"""

import asyncio
import datetime
import hashlib
import os
import socket
import ssl
import struct
import sys
import time

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DEADLINE_S = 30


class EchoProtocol(QuicConnectionProtocol):
    """Answers each request with its own body."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = None
        self.bodies = {}

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        if self.http is None:
            return
        for each in self.http.handle_event(event):
            if isinstance(each, (HeadersReceived, DataReceived)):
                self.take(each)

    def take(self, event):
        body = self.bodies.setdefault(event.stream_id, bytearray())
        if isinstance(event, DataReceived):
            body.extend(event.data)
        if event.stream_ended:
            self.http.send_headers(event.stream_id, [(b":status", b"200")])
            self.http.send_data(event.stream_id, bytes(body), end_stream=True)
            self.transmit()


def make_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths = [os.path.join(folder, file) for file in ("certificate.pem", "key.pem")]
    for path, content in zip(paths, (certificate.public_bytes(pem), private)):
        with open(path, "wb") as file:
            file.write(content)
    return paths


async def run_server(folder):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(*make_certificate(folder))
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=EchoProtocol)
    print(server._transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def associate(proxy_port):
    """The control connection, and where datagrams are to be sent."""
    control = socket.create_connection(("127.0.0.1", proxy_port), DEADLINE_S)
    control.sendall(b"\x05\x01\x00")
    assert control.recv(2) == b"\x05\x00"
    control.sendall(b"\x05\x03\x00\x01" + bytes(6))
    reply = control.recv(10)
    assert reply[:4] == b"\x05\x00\x00\x01", reply
    return control, (socket.inet_ntoa(reply[4:8]), struct.unpack(">H", reply[8:])[0])


def run_client(proxy_port, port, length):
    control, relay = associate(proxy_port)
    header = b"\x00\x00\x00\x01" + socket.inet_aton("127.0.0.1") + struct.pack(">H", port)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE, server_name="localhost")
    quic = QuicConnection(configuration=configuration)
    http = None
    sent = os.urandom(length)
    received = bytearray()
    deadline = time.time() + DEADLINE_S
    quic.connect(("127.0.0.1", port), now=time.time())
    done = False
    while not done:
        for data, _ in quic.datagrams_to_send(now=time.time()):
            datagrams.sendto(header + data, relay)
        timer = quic.get_timer()
        datagrams.settimeout(max(0.001, min(timer if timer is not None else deadline, deadline) - time.time()))
        try:
            frame = datagrams.recv(65536)
            assert frame[:10] == header, "an answer of another address"
            quic.receive_datagram(frame[10:], ("127.0.0.1", port), now=time.time())
        except TimeoutError:
            assert time.time() < deadline, "no answer in time"
            quic.handle_timer(now=time.time())
        while (event := quic.next_event()) is not None:
            assert not isinstance(event, ConnectionTerminated), event
            if isinstance(event, ProtocolNegotiated):
                http = H3Connection(quic)
                stream = quic.get_next_available_stream_id()
                names = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/")]
                http.send_headers(stream, names)
                http.send_data(stream, sent, end_stream=True)
            if http is None:
                continue
            for each in http.handle_event(event):
                if isinstance(each, DataReceived):
                    received.extend(each.data)
                done = done or getattr(each, "stream_ended", False)
    control.close()
    print(hashlib.sha256(sent).hexdigest(), hashlib.sha256(received).hexdigest(), len(received))


if sys.argv[1] == "server":
    asyncio.run(run_server(sys.argv[2]))
else:
    run_client(*(int(argument) for argument in sys.argv[2:5]))
