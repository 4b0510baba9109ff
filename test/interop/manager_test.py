# SPDX-License-Identifier: Apache-2.0
"""varmor-manager as a stranger sees it: health, reflection, and the agents' stream opened by hand with grpcio.

    manager_test.py MANAGER STUBS GRPCURL       STUBS: the folder of stubs made from proto/
"""
import json
import os
import queue
import subprocess
import sys
import tempfile
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

sys.path.insert(0, sys.argv[2])
from varmor.v1 import agent_pb2, agent_pb2_grpc, profile_pb2, status_pb2, status_pb2_grpc  # noqa: E402

POLICY = """apiVersion: crd.varmor.org/v1beta1
kind: VarmorPolicy
metadata: {name: web, namespace: shop}
spec:
  target: {kind: Pod, selector: {matchLabels: {app: web}}}
  policy:
    enforcer: BPF
    mode: EnhanceProtect
    enhanceProtect:
      privileged: true
      bpfRawRules: {files: [{pattern: %s, permissions: [read]}]}
"""


POLICY_OF_A_LATER_VERSION = """apiVersion: crd.varmor.org/v1beta1
kind: VarmorPolicy
metadata: {name: web, namespace: shop}
spec:
  target: {kind: Pod, name: web}
  policy: {enforcer: AppArmor, mode: BehaviorModeling, modelingOptions: {duration: 30}}
"""


class Stream:
    """One agent's stream: what it says is put in, what the manager says is taken out."""

    def __init__(self, channel, node):
        self.out = queue.Queue()
        self.answers = agent_pb2_grpc.AgentServiceStub(channel).Sync(iter(self.out.get, None), timeout=30)
        enforcers = [agent_pb2.EnforcerState(enforcer=profile_pb2.ENFORCER_BPF, usable=True)]
        self.say(hello=agent_pb2.Hello(protocol=1, node=node, enforcers=enforcers))

    def say(self, **message):
        self.out.put(agent_pb2.AgentMessage(**message))

    def take(self, kind):
        message = next(self.answers)
        assert message.WhichOneof("message") == kind, f"wanted {kind}, got {message}"
        return getattr(message, kind)

    def confirm(self, profile, digest=None):
        result = agent_pb2.EnforcerResult(enforcer=profile_pb2.ENFORCER_BPF, applied=True)
        self.say(result=agent_pb2.ProfileResult(name=profile.name, digest=digest or profile.digest,
                                                enforcers=[result]))

    def close(self):
        self.out.put(None)
        self.answers.cancel()


def put_policy(folder, pattern):
    with open(folder + "/.new", "w") as f:
        f.write(POLICY % pattern)
    os.rename(folder + "/.new", folder + "/web.yaml")


def policy(channel):
    items = status_pb2_grpc.StatusServiceStub(channel).ListPolicies(status_pb2.ListRequest()).items
    return items[0] if items else None


def becomes(channel, condition):
    """Waits until the policy is so; the last state seen is the message."""
    for event in status_pb2_grpc.StatusServiceStub(channel).Watch(
            status_pb2.WatchRequest(resource=status_pb2.RESOURCE_POLICIES), timeout=10):
        if event.type == status_pb2.WatchEvent.TYPE_PUT and condition(event.policy):
            return event.policy
    raise AssertionError("the stream ended")


def health_is_serving(channel, folder, address):
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING, answer


def grpcurl(address, *arguments):
    return subprocess.run([sys.argv[3], "-plaintext", "-unix", address, *arguments],
                          check=True, capture_output=True, text=True, timeout=20).stdout


def grpcurl_lists_and_describes(channel, folder, address):
    services = grpcurl(address, "list").split()
    for service in ("grpc.health.v1.Health", "varmor.v1.AgentService", "varmor.v1.StatusService"):
        assert service in services, services
    described = grpcurl(address, "describe", "varmor.v1.ArmorProfile")
    assert "repeated .varmor.v1.Rule rules = 11" in described, described


def grpcurl_checks_health_and_calls(channel, folder, address):
    assert json.loads(grpcurl(address, "grpc.health.v1.Health/Check")) == {"status": "SERVING"}
    put_policy(folder, "/etc/shadow")
    becomes(channel, lambda p: p.name == "web")
    listed = json.loads(grpcurl(address, "varmor.v1.StatusService/ListPolicies"))
    assert listed["items"][0]["profileName"] == "varmor-shop-web", listed


def a_hello_receives_the_profile(channel, folder, address):
    put_policy(folder, "/etc/shadow")
    becomes(channel, lambda p: p.name == "web")
    agent = Stream(channel, "n1")
    agent.take("welcome")
    profile = agent.take("profile")
    assert profile.name == "varmor-shop-web" and profile.rules[0].file.pattern == "/etc/shadow", profile
    assert agent.take("in_sync").n_profiles == 1
    assert not policy(channel).ready
    agent.confirm(profile)
    assert becomes(channel, lambda p: p.ready).nodes_ready == 1
    agent.close()


def only_this_digest_counts(channel, folder, address):
    put_policy(folder, "/etc/shadow")
    agent = Stream(channel, "n1")
    agent.take("welcome")
    old = agent.take("profile")
    agent.take("in_sync")
    agent.confirm(old)
    becomes(channel, lambda p: p.ready)
    put_policy(folder, "/etc/gshadow")
    new = agent.take("profile")
    assert new.digest != old.digest
    agent.confirm(new, old.digest)
    time.sleep(0.2)
    assert not policy(channel).ready, "an answer to the older digest counted"
    agent.confirm(new)
    becomes(channel, lambda p: p.ready)
    agent.close()


def who_holds_the_digest_is_sent_nothing(channel, folder, address):
    put_policy(folder, "/etc/shadow")
    agent = Stream(channel, "n1")
    agent.take("welcome")
    profile = agent.take("profile")
    agent.close()
    again = Stream(channel, "n1")
    again.out.get()
    held = [agent_pb2.HeldProfile(name=profile.name, digest=profile.digest)]
    enforcers = [agent_pb2.EnforcerState(enforcer=profile_pb2.ENFORCER_BPF, usable=True)]
    again.say(hello=agent_pb2.Hello(protocol=1, node="n1", enforcers=enforcers, held=held))
    again.take("welcome")
    again.take("in_sync")
    again.close()


def a_policy_that_is_not_supported_says_why(channel, folder, address):
    with open(folder + "/web.yaml", "w") as f:
        f.write(POLICY_OF_A_LATER_VERSION)
    p = becomes(channel, lambda p: p.phase == "Error")
    messages = " ".join(c.message for c in p.conditions)
    assert "not supported by this version" in messages and "BehaviorModeling" in messages, messages


def a_message_that_is_none_ends_the_stream(channel, folder, address):
    agent = Stream(channel, "n1")
    agent.take("welcome")
    agent.say()
    try:
        while True:
            next(agent.answers)
    except grpc.RpcError as e:
        assert e.code() == grpc.StatusCode.INVALID_ARGUMENT, e
    health_is_serving(channel, folder, address)


TESTS = (
    health_is_serving, grpcurl_lists_and_describes, grpcurl_checks_health_and_calls, a_hello_receives_the_profile,
    only_this_digest_counts, who_holds_the_digest_is_sent_nothing, a_policy_that_is_not_supported_says_why,
    a_message_that_is_none_ends_the_stream,
)


def run(test):
    with tempfile.TemporaryDirectory() as folder:
        address = folder + "/manager.sock"
        os.mkdir(folder + "/policies")
        manager = subprocess.Popen([sys.argv[1], "--policies", folder + "/policies", "--listen", "unix:" + address],
                                   stderr=subprocess.PIPE, text=True)
        try:
            with grpc.insecure_channel("unix:" + address) as channel:
                grpc.channel_ready_future(channel).result(timeout=10)
                test(channel, folder + "/policies", address)
            manager.terminate()
            log = manager.communicate(timeout=10)[1]
            assert manager.returncode == 0, f"the manager ended with {manager.returncode}: {log}"
        finally:
            manager.kill()
            manager.wait()


def main():
    n_failed = 0
    for test in TESTS:
        try:
            run(test)
            print("  ok   ", test.__name__)
        except Exception as e:  # every failure is told, and the next test runs
            n_failed += 1
            print("  FAIL ", test.__name__, type(e).__name__, e)
    print(f"{len(TESTS) - n_failed} passed, {n_failed} failed")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
