# SPDX-License-Identifier: Apache-2.0
"""driver.py PLAN ENFORCER RESULTS: carries a plan (plan.py) out on a node, for one enforcer.

One container with the attacker program in it, which lives throughout (seccomp: one for each batch, since a filter cannot
be changed). First every attack without a rule, then batch by batch with the rules in force. RESULTS gets a JSON object:
{"fatal": text} or {"attacks": {id: {"before", "with", "rules": [origins logged]}}, "neighbours": {id: {...}}, "counted":
{batch: {rule: number}}, "seconds": {...}}.
"""
import contextlib
import json
import os
import subprocess
import sys
import time

SHARE = "/opt/varmor/share"
CTL = "/opt/varmor/bin/varmorctl"
POLICIES = "/etc/varmor/policies"
LOG = "/var/log/varmor/violations.log"
SECCOMP = "/var/lib/kubelet/seccomp"
FOLDED = 1.2  # seconds; a record of seccomp tells no more than the call, so those of two attempts could become one line
CRUN = "/usr/bin/crun"  # takes the flag that has denials logged, as runc does from 1.2 on; the node's is older
IMAGE = "varmor.test/attacker:1"
ADDRESSES = ["169.254.169.254/32", "100.96.0.96/32", "100.100.100.200/32", "192.0.0.192/32", "10.96.0.1/32", "10.96.0.2/32",
             "10.200.0.1/32", "10.244.0.9/32", "fd00:ec2::254/128"]


SLOW_SECONDS = 2


class Fatal(Exception):
    pass


def say(text):
    print(text, flush=True)


def run(*command, check=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if check and done.returncode != 0:
        raise Fatal(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


def until(what, seconds, ask):
    """The first true answer within so many seconds."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Fatal(f"{what}: not within {seconds} s")
        time.sleep(0.1)


class Refused(Exception):
    """A policy that the manager or the node does not carry out."""


class Policy:
    """The one policy file of an enforcer's container."""

    def __init__(self, name):
        self.name, self.seen, self.last = name, 0, ""

    def item(self):
        text = run(CTL, "get", "policies", self.name, "-n", "attack", "-o", "json", check=False)
        try:
            return (json.loads(text).get("items") or [{}])[0]
        except ValueError:
            return {}

    def is_settled(self):
        self.last = item = self.item()
        if item.get("metadata", {}).get("generation", 0) <= self.seen:
            return False
        for condition in item["status"].get("conditions", []):
            if condition["type"] == "Updated" and condition["status"] == "False":
                self.seen = item["metadata"]["generation"]
                raise Refused(condition["message"])
        return item["metadata"]["generation"] if item["status"].get("ready") else 0

    def put(self, text):
        """Puts the text in force, and returns when the node has confirmed it."""
        path = f"{POLICIES}/{self.name}.yaml"
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)
        try:
            self.seen = until(f"policy {self.name}", 90, self.is_settled)
        except Fatal as why:
            raise Refused(f"{why}: {json.dumps(self.last.get('status'))[:3000]}") from why

    def counts(self):
        """{origin: number} of the kernel's verdicts and of the events counted."""
        item = json.loads(run(CTL, "describe", "policy", self.name, "-n", "attack", "-o", "json"))
        found = {}
        for entry in item.get("rules") or []:
            found[entry["origin"]] = found.get(entry["origin"], 0) + entry.get("verdicts", 0)
        for entry in item.get("events") or []:
            found[entry["origin"]] = found.get(entry["origin"], 0) + entry.get("violations", 0)
        return found


class Attacker:
    """A container with the attacker program, and its two FIFOs."""

    def __init__(self, name, options):
        self.name, self.processes = name, {}
        folder = f"/run/attack/{name}"
        os.makedirs(folder, exist_ok=True)
        for fifo in ("commands", "answers"):
            if not os.path.exists(f"{folder}/{fifo}"):
                os.mkfifo(f"{folder}/{fifo}")
        run("ctr", "run", "-d", "--with-ns", "pid:/proc/1/ns/pid", "--label", "varmor.org/namespace=attack",
            "--label", f"varmor.org/pod={name}", "--label", f"attack={name.split('-')[0]}",
            "--mount", f"type=bind,src={SHARE},dst=/share,options=rbind:ro",
            "--mount", f"type=bind,src={folder},dst=/attack,options=rbind:rw",
            "--mount", "type=cgroup2,src=cgroup2,dst=/sys/fs/cgroup,options=rw",
            "--mount", "type=bind,src=/run/cgroup1,dst=/cgroup1,options=rbind:rw", *options, IMAGE, f"attack-{name}",
            "/share/attacker", "/attack/commands", "/attack/answers")
        # Open both ways: neither side waits for the other, nor sees an end.
        self.commands = os.fdopen(os.open(f"{folder}/commands", os.O_RDWR), "w", encoding="utf-8")
        self.answers = os.fdopen(os.open(f"{folder}/answers", os.O_RDWR), "r", encoding="utf-8")
        self.give_addresses()

    def pid(self):
        for line in run("ctr", "tasks", "ls").splitlines():
            words = line.split()
            if words[0] == f"attack-{self.name}":
                return words[1]
        raise Fatal(f"container attack-{self.name} does not run")

    def give_addresses(self):
        commands = ["ip link set lo up", "echo 0 0 >/proc/sys/net/ipv4/ping_group_range"] + [f"ip addr add {address} dev lo" for address in ADDRESSES]
        run("nsenter", "-t", self.pid(), "-n", "sh", "-ec", "; ".join(commands))

    def ask(self, name, attempt):
        """The outcome; whose processes they were is noted in self.processes."""
        self.commands.write(f"{name}\t{attempt}\n")
        self.commands.flush()
        while True:
            answered, _, rest = self.answers.readline().rstrip("\n").partition("\t")
            if answered == name:
                outcome, _, processes = rest.partition("\t")
                self.processes.update({int(pid): name for pid in processes.split()})
                return outcome

    def prepare(self, setup):
        """What each attempt needs; what cannot be had shows in the attempts."""
        problems = []
        for attempt in setup:
            outcome = self.ask("setup", attempt if attempt.startswith("keep ") else f"keep - {attempt}")
            if outcome != "succeeded":
                problems.append(f"{attempt}: {outcome}")
        return problems

    def end(self):
        run("ctr", "tasks", "delete", "--force", f"attack-{self.name}", check=False)
        run("ctr", "containers", "delete", f"attack-{self.name}", check=False)


class Log:
    """What violations.log has gained, by the attempt whose process (else: whose name) it tells."""

    def __init__(self):
        self.offset = os.path.getsize(LOG) if os.path.exists(LOG) else 0

    def gained(self, profile, processes):
        found = {}
        if not os.path.exists(LOG):
            return found
        with open(LOG, "rb") as file:
            file.seek(self.offset)
            for line in file:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if event.get("profileName") == profile and event.get("action") == "DENIED":
                    attempt = processes.get(event["pid"], event["event"].get("comm"))
                    found.setdefault(attempt, []).append(event.get("rule", ""))
        return found


class Run:
    def __init__(self, plan, enforcer):
        self.enforcer, self.plan = enforcer, plan["enforcers"][enforcer]
        self.setup, self.name = self.plan["setup"], enforcer.lower()
        self.profile = f"varmor-attack-{self.name}"
        self.policy = Policy(self.name)
        self.loop = {"AppArmor": "/dev/loop1"}.get(enforcer, "/dev/loop0")
        self.results = {"attacks": {}, "neighbours": {}, "counted": {}, "refused": {}, "setup": [], "seconds": {}}
        self.victim = subprocess.Popen(["sleep", "100000"], stdin=subprocess.DEVNULL, cwd="/")
        self.foreigner = subprocess.Popen(["sleep", "100000"], stdin=subprocess.DEVNULL, user=1)

    def filled(self, entry):
        attempt = entry["attempt"]
        for word, value in (("{victim}", self.victim.pid), ("{foreigner}", self.foreigner.pid), ("{loop}", self.loop)):
            attempt = attempt.replace(word, str(value))
        return attempt

    def hot_plugged(self, attacker, entry):
        """A disk comes; what the attempt comes to once the agent has noticed, or after ten seconds."""
        hot_plug(self.loop)
        try:
            until("disk", 10, lambda: self.attempt(attacker, entry) != "succeeded")
        except Fatal:
            pass
        return self.attempt(attacker, entry)

    def attempt(self, attacker, entry):
        begin = time.monotonic()
        outcome = attacker.ask(entry["id"], self.filled(entry))
        if time.monotonic() - begin > SLOW_SECONDS:
            say(f"slow: {entry['rule']}: {entry['attempt']}: {outcome}, {time.monotonic() - begin:.1f} s")
        return outcome

    def entries(self):
        for batch in self.plan["batches"]:
            for kind in ("attacks", "neighbours"):
                for entry in batch[kind]:
                    yield kind, entry

    def before(self, attacker):
        """Every attempt without a rule."""
        self.results["setup"] = attacker.prepare(self.setup)
        for kind, entry in self.entries():
            self.results[kind][entry["id"]] = {"before": self.attempt(attacker, entry)}

    def with_rules(self, attacker, batch, log):
        """Every attempt of a batch, whose rules are in force; and what was logged and counted."""
        denied = set()
        for kind in ("attacks", "neighbours"):
            for entry in batch[kind]:
                tried = self.hot_plugged if "{loop}" in entry["attempt"] else self.attempt
                if self.enforcer == "Seccomp":
                    time.sleep(FOLDED)
                outcome = tried(attacker, entry)
                self.results[kind][entry["id"]]["with"] = outcome
                if kind == "attacks" and outcome != "succeeded":
                    denied.add(entry["id"])
        self.collect(batch, log, denied, attacker.processes)

    def collect(self, batch, log, denied, processes):
        """Waits until each denial is in the log and each rule has been counted, or it takes too long."""
        rules = {entry["rule"] for entry in batch["attacks"] if entry["id"] in denied}

        def logged():
            gained = log.gained(self.profile, processes)
            return gained if denied <= set(gained) else None

        def counted():
            counts = self.policy.counts()
            by_rule = {rule: sum(n for origin, n in counts.items() if origin.endswith(": " + rule)) for rule in rules}
            return by_rule if all(by_rule.values()) else None

        try:
            gained = until("log", 5, logged)
        except Fatal:
            gained = log.gained(self.profile, processes)
        for kind in ("attacks", "neighbours"):
            for entry in batch[kind]:
                self.results[kind][entry["id"]]["rules"] = sorted(set(gained.get(entry["id"], [])))
        try:
            self.results["counted"][batch["batch"]] = until("counts", 15, counted)
        except Fatal:
            self.results["counted"][batch["batch"]] = {}
            counts = self.policy.counts()
            self.results["counted"][batch["batch"]] = {
                rule: sum(n for origin, n in counts.items() if origin.endswith(": " + rule)) for rule in rules}

    @contextlib.contextmanager
    def one(self, batch):
        """Takes the time, and goes on with the next batch when the rules of this one are refused."""
        begin = time.monotonic()
        try:
            yield
        except Refused as why:
            say(f"{self.enforcer}: {batch['batch']}: {why}")
            self.results["refused"][batch["batch"]] = str(why)
        self.results["seconds"][batch["batch"]] = round(time.monotonic() - begin, 1)
        say(f"{self.enforcer}: {batch['batch']}: {time.monotonic() - begin:.1f} s")

    def long_lived(self, options):
        """AppArmor and BPF: one container under changing rules."""
        self.policy.put(self.plan["allow"])
        attacker = Attacker(self.name, options)
        self.before(attacker)
        say(f"{self.enforcer}: everything was tried without a rule")
        for batch in self.plan["batches"]:
            with self.one(batch):
                log = Log()
                self.policy.put(batch["policy"])
                self.with_rules(attacker, batch, log)
        attacker.end()

    def one_each(self):
        """Seccomp: a container for each batch, under the filter that the agent has exported."""
        everything = ["--device", "/dev/userfaultfd"] + [f"--cap-add=CAP_{name}" for name in ("SYS_ADMIN", "BPF", "PERFMON", "NET_ADMIN", "SYS_PTRACE")]
        attacker = Attacker(f"{self.name}-none", everything)
        self.before(attacker)
        attacker.end()
        for batch in self.plan["batches"]:
            with self.one(batch):
                log = Log()
                self.policy.put(batch["policy"])
                attacker = Attacker(f"{self.name}-{batch['batch']}",
                                    everything + ["--runc-binary", CRUN, "--seccomp", "--seccomp-profile", f"{SECCOMP}/{self.profile}"])
                attacker.prepare(self.setup)
                self.with_rules(attacker, batch, log)
                attacker.end()

    def all(self):
        if self.enforcer == "Seccomp":
            self.one_each()
        elif self.enforcer == "AppArmor":
            self.long_lived(["--privileged", "--apparmor-profile", self.profile])
        else:
            self.long_lived(["--privileged"])


def hot_plug(device):
    """A disk that was not there when the profile was made."""
    disk = "/run/disk-" + os.path.basename(device)
    run("truncate", "-s", "1M", disk)
    run("losetup", device, disk)


def cgroup_of_version_1():
    """A hierarchy that container may mount, but not make."""
    if not os.path.ismount("/run/cgroup1"):
        os.makedirs("/run/cgroup1", exist_ok=True)
        run("mount", "-t", "cgroup", "-o", "none,name=attack", "none", "/run/cgroup1")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    begin = time.monotonic()
    try:
        cgroup_of_version_1()
        run("modprobe", "loop")
        with open("/proc/sys/kernel/perf_event_paranoid", "w", encoding="utf-8") as file:
            file.write("2")  # Debian's 3 wants sys_admin where other kernels want perfmon
        job = Run(plan, sys.argv[2])
        try:
            job.all()
        finally:
            job.victim.kill()
            job.foreigner.kill()
        results = job.results
    except (Fatal, Refused) as why:
        results = {"fatal": str(why)}
    results["all_seconds"] = round(time.monotonic() - begin, 1)
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        json.dump(results, file)


main()
