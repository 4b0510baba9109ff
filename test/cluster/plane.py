# SPDX-License-Identifier: Apache-2.0
"""What tests in Python share: a control plane of their own (control_plane.sh) or one that is given, kubectl, processes
with logs, waiting for a condition, and the count of what was found."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"), "debug")
DEADLINE = 30


class Plane:
    """etcd and kube-apiserver. Started and stopped here unless a folder is given that has them already."""

    def __init__(self, folder=None):
        self.work = tempfile.mkdtemp(prefix="varmor-plane.")
        self.is_own = folder is None
        self.folder = folder or os.path.join(self.work, "plane")
        os.makedirs(self.folder, exist_ok=True)
        self.processes = []
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that end() runs
        if self.is_own:
            self.shell(f"control_plane_start {self.folder}")
        self.kubeconfig = os.path.join(self.folder, "admin.kubeconfig")

    def shell(self, command):
        subprocess.run(["bash", "-c", f"source test/cluster/control_plane.sh && {command}"], cwd=TOP, check=True)

    def restart_api_server(self):
        self.shell(f"control_plane_restart {self.folder}")

    def kubectl(self, *arguments, text=None, check=True):
        r = subprocess.run(["bash", "-c", 'source test/cluster/control_plane.sh && cluster_kubectl "$@"', "_", self.folder,
                            *arguments], cwd=TOP, input=text, capture_output=True, text=True, check=False)
        if check and r.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {r.stderr.strip()}")
        return r.stdout

    def get(self, *arguments):
        """The object or list as JSON; None if there is none."""
        out = self.kubectl("get", "-o", "json", "--ignore-not-found", *arguments)
        return json.loads(out) if out.strip() else None

    def start(self, log, *command, **environment):
        """A process whose output goes to WORK/log; ended at the end at the latest."""
        out = open(os.path.join(self.work, log), "ab")
        p = subprocess.Popen(command, cwd=TOP, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        self.processes.append(p)
        return p

    def log(self, name):
        with open(os.path.join(self.work, name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def end(self):
        for p in self.processes:
            if p.poll() is None:
                p.send_signal(signal.SIGCONT)
                p.kill()
                p.wait()
        if self.is_own:
            self.shell(f"control_plane_stop {self.folder}")
        shutil.rmtree(self.work, ignore_errors=True)


def until(condition, seconds=DEADLINE):
    """What the condition answers once it is true; the last answer after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.05)


class Count:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, saying, is_so, detail=""):
        if is_so:
            self.passed += 1
            print(f"ok - {saying}", flush=True)
        else:
            self.failed += 1
            print(f"not ok - {saying}\n#   {detail}", flush=True)

    def same(self, saying, given, wanted):
        self.check(saying, given == wanted, f"given {given!r}, wanted {wanted!r}")

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def make(*targets):
    os.makedirs(BUILD, exist_ok=True)
    # Scripts run beside each other (test/cluster/run), but build one after the other.
    subprocess.run(["flock", BUILD, "make", "--no-print-directory", "-s", "-j2", "CONFIG=debug", *targets], cwd=TOP, check=True)


class Api:
    """The API server by plain HTTPS, where kubectl's own second a call would be what is measured."""

    def __init__(self, plane):
        context = ssl.create_default_context(cafile=os.path.join(plane.folder, "ca.pem"))
        context.load_cert_chain(os.path.join(plane.folder, "admin.pem"), os.path.join(plane.folder, "admin.key"))
        with open(plane.kubeconfig, encoding="utf-8") as f:
            host, port = re.search(r'server: "https://([^:]+):(\d+)"', f.read()).groups()
        self.connect = lambda: http.client.HTTPSConnection(host, int(port), context=context, timeout=DEADLINE)
        self.connection = self.connect()

    def call(self, method, path, body=None, content_type="application/json"):
        """(status, the answer's JSON)"""
        for attempt in (1, 2):
            try:
                self.connection.request(method, path, json.dumps(body) if body is not None else None,
                                        {"Content-Type": content_type, "Accept": "application/json"})
                answer = self.connection.getresponse()
                return answer.status, json.loads(answer.read())
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = self.connect()
                if attempt == 2:
                    raise
        return None

    def get(self, path):
        return self.call("GET", path)[1]


class Balancer:
    """One Unix socket before those of several managers, as a Service: each connection goes to the next of them that can
    be reached."""

    def __init__(self, path):
        self.path, self.sockets, self.turn = path, [], 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def connect(self):
        for _ in list(self.sockets):
            self.turn += 1
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self.sockets[self.turn % len(self.sockets)])
                return far
            except OSError:
                far.close()
        return None

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = self.connect()
            if not far:
                near.close()
                continue
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def install_crds(plane):
    """The chart's definitions."""
    folder = os.path.join(TOP, "charts/varmor/files/crds")
    for name in sorted(os.listdir(folder)):
        plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", os.path.join(folder, name))
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
