# SPDX-License-Identifier: Apache-2.0
"""Our gRPC against others': grpcio's client and grpcurl against our server, our client against grpcio's server.

Run by test/interop/run, which makes the programs, the stubs (echo_pb2), and the keys. Prints a line for each case
that fails and `N passed, N failed` at the end.
"""
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from concurrent import futures

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import echo_pb2
import echo_pb2_grpc

PROGRAMS, WORK, GRPCURL = sys.argv[1:4]
KEYS = {name: os.path.join(WORK, name) for name in os.listdir(WORK) if name.endswith((".pem", ".key"))}
TIMEOUT = 20  # seconds for what should take none
BIG = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)]

cases = []


def case(*kinds):
    """Registers a test, once for each kind of transport."""

    def register(function):
        cases.extend((function, kind) for kind in kinds)
        return function

    return register


def read(name):
    with open(KEYS[name], "rb") as f:
        return f.read()


def equal(found, wanted):
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"


def status_of(function, *args, **kwargs):
    """The status that a call ends with, and its text."""
    try:
        result = function(*args, timeout=kwargs.pop("timeout", TIMEOUT), **kwargs)
        if hasattr(result, "__next__"):
            for _ in result:
                pass
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


started = []


class OurServer:
    """grpc_echo_server on one kind of transport."""

    def __init__(self, kind):
        self.kind = kind
        self.path = os.path.join(WORK, f"{kind}-{len(started)}.sock")
        started.append(self)
        address = {"unix": f"unix:{self.path}", "tcp": "tcp://127.0.0.1:0", "tls": "tls://127.0.0.1:0"}[kind]
        command = [f"{PROGRAMS}/grpc_echo_server", address, os.path.join(WORK, "echo.bin")]
        if kind == "tls":
            command += [KEYS["ca.pem"], KEYS["server.pem"], KEYS["server.key"]]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def channel(self, credentials=None):
        if self.kind == "unix":
            return grpc.insecure_channel(f"unix:{self.path}", BIG)
        if self.kind == "tcp":
            return grpc.insecure_channel(f"127.0.0.1:{self.port}", BIG)
        credentials = credentials or grpc.ssl_channel_credentials(read("ca.pem"), read("node.key"), read("node.pem"))
        return grpc.secure_channel(f"127.0.0.1:{self.port}", credentials, BIG)

    def grpcurl(self, *arguments, data=None):
        target = f"127.0.0.1:{self.port}"
        command = [GRPCURL, "-max-time", str(TIMEOUT)]
        if self.kind == "tls":
            command += ["-cacert", KEYS["ca.pem"], "-cert", KEYS["node.pem"], "-key", KEYS["node.key"]]
        else:
            command += ["-plaintext"]
        if self.kind == "unix":
            command += ["-unix"]
            target = self.path
        if data is not None:
            command += ["-d", data]
        done = subprocess.run(command + [target, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
        return done.stdout + done.stderr

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)


servers = {}


def with_server(function):
    """Hands the one server of that kind, and a stub on a channel of its own, to the test."""

    def run(kind):
        if kind not in servers:
            servers[kind] = OurServer(kind)
        with servers[kind].channel() as channel:
            function(servers[kind], echo_pb2_grpc.EchoStub(channel), channel)
        assert servers[kind].process.poll() is None, "the server has ended"

    run.__name__ = function.__name__
    return run


ALL = ("unix", "tcp", "tls")

# ---- grpcio's client against our server ----


@case(*ALL)
@with_server
def a_unary_call_with_metadata_is_answered(server, stub, _):
    answer = stub.Unary(echo_pb2.EchoRequest(payload=b"hello"), metadata=(("x-echo", "m"),), timeout=TIMEOUT)
    equal(answer.payload, b"hello")
    equal(answer.metadata, "m")
    if server.kind == "tls":
        equal(answer.peer, "node-1")
    if server.kind == "unix":
        assert f"pid={os.getpid()}" in answer.peer, answer.peer


@case("unix")
@with_server
def a_status_comes_with_its_text(_, stub, __):
    text = "100 % wrong: é\nand more"
    for status in range(1, 17):
        code, details = status_of(stub.Unary, echo_pb2.EchoRequest(status=status, text=text))
        equal(code.value[0], status)
        equal(details, text)


@case(*ALL)
@with_server
def a_server_stream_of_ten_thousand_messages_is_whole(_, stub, __):
    request = echo_pb2.EchoRequest(payload=bytes(1000), repeat=10000)
    equal(sum(len(answer.payload) for answer in stub.ServerStream(request, timeout=TIMEOUT)), 10000000)


@case("unix")
@with_server
def a_slow_reader_gets_everything_in_the_end(_, stub, __):
    count = 0
    for _ in stub.ServerStream(echo_pb2.EchoRequest(payload=bytes(10000), repeat=2000), timeout=TIMEOUT):
        count += 1
        if count % 500 == 0:
            threading.Event().wait(0.05)  # what the reader is slow with
    equal(count, 2000)


@case(*ALL)
@with_server
def a_client_stream_is_summed_up(_, stub, __):
    answer = stub.ClientStream((echo_pb2.EchoRequest(payload=bytes(1000)) for _ in range(3000)), timeout=TIMEOUT)
    equal(answer.total, 3000000)


@case(*ALL)
@with_server
def bidi_messages_alternate(_, stub, __):
    go, count = threading.Semaphore(1), 0

    def requests():
        for i in range(100):
            go.acquire()
            yield echo_pb2.EchoRequest(payload=b"%d" % i)

    for answer in stub.Bidi(requests(), timeout=TIMEOUT):
        equal(answer.payload, b"%d" % count)
        count += 1
        go.release()
    equal(count, 100)


@case("unix", "tls")
@with_server
def bidi_messages_flood_both_ways(_, stub, __):
    requests = (echo_pb2.EchoRequest(payload=bytes(5000)) for _ in range(4000))
    equal(sum(len(answer.payload) for answer in stub.Bidi(requests, timeout=TIMEOUT)), 20000000)


@case(*ALL)
@with_server
def a_message_of_twenty_megabytes_comes_back(_, stub, __):
    payload = os.urandom(20 << 20)
    answers = list(stub.Bidi(iter([echo_pb2.EchoRequest(payload=payload)]), timeout=TIMEOUT))
    equal(len(answers), 0 if payload is None else 1)
    assert answers[0].payload == payload


@case("unix")
@with_server
def a_message_over_the_limit_is_resource_exhausted(_, stub, __):
    code, details = status_of(stub.Unary, echo_pb2.EchoRequest(payload=bytes(5 << 20)))
    equal(code, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert "4194304" in details, details


@case("unix", "tls")
@with_server
def a_deadline_passes_in_time(_, stub, __):
    start = time.monotonic()
    code, _ = status_of(stub.Unary, echo_pb2.EchoRequest(hang=True), timeout=0.2)
    equal(code, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert time.monotonic() - start < 2


@case("unix")
@with_server
def a_cancelled_call_leaves_the_others(_, stub, __):
    call = stub.Unary.future(echo_pb2.EchoRequest(hang=True))
    call.cancel()
    equal(call.code(), grpc.StatusCode.CANCELLED)
    equal(stub.Unary(echo_pb2.EchoRequest(payload=b"x"), timeout=TIMEOUT).payload, b"x")


@case("unix")
@with_server
def ninety_calls_at_once_are_answered(_, stub, __):
    calls = [stub.Unary.future(echo_pb2.EchoRequest(payload=b"%d" % i), timeout=TIMEOUT) for i in range(90)]
    for i, call in enumerate(calls):
        equal(call.result().payload, b"%d" % i)


@case("unix")
@with_server
def more_calls_than_the_limit_wait_for_their_turn(_, stub, __):
    calls = [stub.Unary.future(echo_pb2.EchoRequest(payload=b"x"), timeout=TIMEOUT) for _ in range(400)]
    equal([call.code() for call in calls if call.code() != grpc.StatusCode.OK], [])


@case("unix")
@with_server
def unknown_methods_and_compression_are_unimplemented(_, stub, channel):
    code, details = status_of(channel.unary_unary("/interop.Echo/Nope"), b"")
    equal(code, grpc.StatusCode.UNIMPLEMENTED)
    equal(details, "unknown method '/interop.Echo/Nope'")
    code, _ = status_of(stub.Unary, echo_pb2.EchoRequest(payload=bytes(1000)), compression=grpc.Compression.Gzip)
    equal(code, grpc.StatusCode.UNIMPLEMENTED)


@case("unix")
@with_server
def bytes_that_are_no_message_are_invalid(_, __, channel):
    code, _ = status_of(channel.unary_unary("/interop.Echo/Unary"), b"\x0a\xff")
    equal(code, grpc.StatusCode.INVALID_ARGUMENT)


@case("unix")
@with_server
def too_much_metadata_is_resource_exhausted(_, stub, __):
    # grpcio itself keeps to the limit that our SETTINGS name, so either side may say it.
    code, _ = status_of(stub.Unary, echo_pb2.EchoRequest(), metadata=(("x-big", "v" * 20000),))
    assert code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL), code


@case(*ALL)
@with_server
def health_is_checked_and_watched(_, __, channel):
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest
    equal(stub.Check(request(), timeout=TIMEOUT).status, health_pb2.HealthCheckResponse.SERVING)
    equal(stub.Check(request(service="interop.Echo"), timeout=TIMEOUT).status,
          health_pb2.HealthCheckResponse.NOT_SERVING)
    equal(status_of(stub.Check, request(service="nope"))[0], grpc.StatusCode.NOT_FOUND)
    watch = stub.Watch(request(service="nope"), timeout=TIMEOUT)
    equal(next(watch).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
    watch.cancel()


@case("tls")
@with_server
def without_a_certificate_nobody_is_let_in(server, _, __):
    with server.channel(grpc.ssl_channel_credentials(read("ca.pem"))) as channel:
        code, _ = status_of(echo_pb2_grpc.EchoStub(channel).Unary, echo_pb2.EchoRequest(), timeout=3)
        assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), code


@case(*ALL)
def a_server_that_is_told_to_stop_finishes_its_calls(kind):
    server = OurServer(kind)
    with server.channel() as channel:
        stub = echo_pb2_grpc.EchoStub(channel)
        go = threading.Semaphore(1)

        def requests():
            for i in range(3):
                go.acquire()
                yield echo_pb2.EchoRequest(payload=b"%d" % i)

        answers = stub.Bidi(requests(), timeout=TIMEOUT)
        equal(next(answers).payload, b"0")
        server.process.send_signal(signal.SIGTERM)
        go.release()
        equal(next(answers).payload, b"1")
        go.release()
        equal(next(answers).payload, b"2")
        equal(list(answers), [])
        equal(answers.code(), grpc.StatusCode.OK)
        equal(server.process.wait(TIMEOUT), 0)
        equal(status_of(stub.Unary, echo_pb2.EchoRequest())[0], grpc.StatusCode.UNAVAILABLE)


# ---- grpcurl against our server ----


@case(*ALL)
@with_server
def grpcurl_lists_and_describes_by_reflection(server, _, __):
    listed = server.grpcurl("list").split()
    equal(listed, ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "interop.Echo"])
    equal(server.grpcurl("list", "interop.Echo").split(),
          [f"interop.Echo.{method}" for method in ("Bidi", "ClientStream", "ServerStream", "Unary")])
    assert "rpc Bidi ( stream .interop.EchoRequest )" in server.grpcurl("describe", "interop.Echo")
    assert "bytes payload = 1;" in server.grpcurl("describe", "interop.EchoRequest")
    assert "SERVICE_UNKNOWN = 3" in server.grpcurl("describe", "grpc.health.v1.HealthCheckResponse")
    assert "not found" in server.grpcurl("describe", "interop.Nope").lower()


@case(*ALL)
@with_server
def grpcurl_calls_by_reflection(server, _, __):
    assert '"payload": "aGVsbG8="' in server.grpcurl("interop.Echo/Unary", data='{"payload":"aGVsbG8="}')
    assert '"status": "SERVING"' in server.grpcurl("grpc.health.v1.Health/Check", data="{}")
    equal(server.grpcurl("interop.Echo/ServerStream", data='{"payload":"YQ==","repeat":7}').count('"payload"'), 7)
    output = server.grpcurl("interop.Echo/Bidi", data='{"payload":"YQ=="}{"payload":"Yg=="}')
    assert '"YQ=="' in output and '"Yg=="' in output, output
    output = server.grpcurl("interop.Echo/Unary", data='{"status":9,"text":"not now"}')
    assert "Code: FailedPrecondition" in output and "Message: not now" in output, output


# ---- Our client against grpcio's server ----


class TheirEcho(echo_pb2_grpc.EchoServicer):
    def Unary(self, request, context):
        if request.hang:
            threading.Event().wait(1)
        if request.status:
            context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x05details"),))
            context.abort(grpc.StatusCode.NOT_FOUND, "nicht da: ä %")
        return echo_pb2.EchoResponse(payload=request.payload, total=len(context.invocation_metadata()))

    def ServerStream(self, request, context):
        for _ in range(1000):
            yield echo_pb2.EchoResponse(payload=request.payload)

    def ClientStream(self, requests, context):
        return echo_pb2.EchoResponse(total=sum(len(request.payload) for request in requests))

    def Bidi(self, requests, context):
        for request in requests:
            yield echo_pb2.EchoResponse(payload=request.payload)


class TheirServer:
    def __init__(self, kind, **options):
        self.kind = kind
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=BIG, **options)
        echo_pb2_grpc.add_EchoServicer_to_server(TheirEcho(), self.server)
        if kind == "unix":
            path = os.path.join(WORK, f"their-{os.getpid()}.sock")
            self.server.add_insecure_port(f"unix:{path}")
            self.address = f"unix:{path}"
        elif kind == "tcp":
            self.address = f"tcp://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        else:
            credentials = grpc.ssl_server_credentials(((read("server.key"), read("server.pem")),), read("ca.pem"), True)
            self.address = f"tls://127.0.0.1:{self.server.add_secure_port('127.0.0.1:0', credentials)}"
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(0).wait()

    def start_call(self, method, messages=1, size=0, timeout_ms=0, status=0):
        command = [f"{PROGRAMS}/grpc_echo_client", self.address, method, messages, size, timeout_ms, status]
        if self.kind == "tls":
            command += [KEYS["ca.pem"], KEYS["node.pem"], KEYS["node.key"], "manager.test"]
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)

    def call(self, method, **arguments):
        process = self.start_call(method, **arguments)
        output = process.communicate(timeout=2 * TIMEOUT)[0]
        equal(process.returncode, 0)
        return output.strip()


@case(*ALL)
def our_client_makes_calls_of_each_kind(kind):
    with TheirServer(kind) as server:
        found = server.call("Unary", size=100)
        assert found.startswith("OK messages=1 bytes=100 "), found
        found = server.call("ServerStream", size=3000)
        assert found.startswith("OK messages=1000 bytes=3000000 "), found
        found = server.call("ClientStream", messages=2000, size=1000)
        assert found.startswith("OK messages=1 bytes=0 total=2000000 "), found
        found = server.call("Bidi", messages=2000, size=1000)
        assert found.startswith("OK messages=2000 bytes=2000000 "), found


@case("unix", "tls")
def our_client_sends_and_takes_a_big_message(kind):
    with TheirServer(kind) as server:
        found = server.call("Unary", size=8 << 20)
        assert found.startswith(f"OK messages=1 bytes={8 << 20} "), found


@case("unix", "tls")
def our_client_reads_status_text_and_details(kind):
    with TheirServer(kind) as server:
        equal(server.call("Unary", status=5), "NOT_FOUND messages=0 bytes=0 total=0 details=CAVkZXRhaWxz text=nicht da: ä %")


@case("unix")
def our_client_keeps_its_deadline(kind):
    with TheirServer(kind) as server:
        start = time.monotonic()
        found = server.call("Unary", status=99, timeout_ms=200)
        assert found.startswith("DEADLINE_EXCEEDED "), found
        assert time.monotonic() - start < 0.9


@case("unix")
def our_client_hears_of_methods_that_are_not_there(kind):
    with TheirServer(kind) as server:
        found = server.call("Nope")
        assert found.startswith("UNIMPLEMENTED "), found


@case("unix")
def our_client_refuses_compression_that_it_did_not_offer(kind):
    with TheirServer(kind, compression=grpc.Compression.Gzip) as server:
        found = server.call("Unary", size=10000)
        assert found.startswith("INTERNAL ") and "compressed, which we did not offer" in found, found


@case("unix", "tls")
def our_client_finishes_its_call_after_goaway(kind):
    with TheirServer(kind) as server:
        process = server.start_call("Unary", size=10, status=99)
        threading.Event().wait(0.4)  # the call is within its second at the server
        server.server.stop(5)
        found = process.communicate(timeout=TIMEOUT)[0]
        assert found.startswith("OK messages=1 bytes=10 "), found


@case("unix", "tls")
def our_client_says_when_nobody_is_there(kind):
    server = TheirServer(kind)
    server.server.stop(0).wait()
    found = server.call("Unary")
    assert found.startswith("UNAVAILABLE ") and "cannot connect to" in found, found


def main():
    passed = failed = 0
    for function, kind in cases:
        start = time.monotonic()
        try:
            function(kind)
            passed += 1
        except BaseException:  # also what a test that was interrupted leaves behind
            failed += 1
            print(f"  FAILED {function.__name__} ({kind}), {time.monotonic() - start:.1f} s")
            traceback.print_exc(limit=-3, file=sys.stdout)
    for kind, server in servers.items():
        if server.stop() != 0:
            failed += 1
            print(f"  FAILED: our server on {kind} did not end well")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
