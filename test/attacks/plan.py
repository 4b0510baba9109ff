#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The attack cases of every built-in rule, as a plan that driver.py carries out in a node.

    plan.py --check              every rule has a case for each enforcer that carries it; exit status 1 if not
    plan.py --policies FOLDER    writes the plan as FOLDER/plan.json, and the policy files that it uses

A case file is test/attacks/cases/RULE.yaml:

    batch: files                 rules of one batch are in force together; the log's origin tells which decided
    techniques: {file-read: {path: /etc/x, ...}}   sets of techniques.yaml, with what stands in their braces
    attacks: {plain: read /x}    further attempts, or other ones than the sets have
    without: {F7: why}           techniques of the sets that mean nothing here
    only: {M2: [BPF]}            techniques that mean something to these enforcers alone
    open: {F12: {AppArmor: why}} what gets through, and why, beside the gaps that the rule's file names (a gap F10 is of
                                 F10-parent too); all else is expected to be blocked
    blocked: {F11: [AppArmor]}   what neither that nor a gap of the rule's file means
    neighbours: [read /y]        what must go on working
    setup: [file /etc/x]         attempts that come before all policies, and stay
    unattackable: why            there is no operation that could be tried; or [ENFORCER, ...]: it stops none that is
"""
import json
import os
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ENFORCERS = ("AppArmor", "BPF", "Seccomp")
KEYS = {"batch", "techniques", "attacks", "without", "only", "open", "blocked", "neighbours", "setup", "unattackable"}
DEFAULTS = {"away": "/at"}  # of braces that a case file need not fill in
LISTS = {"hardening": "hardeningRules", "attack-protection": "attackProtectionRules",
         "vulnerability-mitigation": "vulMitigationRules"}


class Wrong(Exception):
    pass


def read_yaml(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def read_rules():
    folder = os.path.join(ROOT, "profiles", "rules")
    rules = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yaml"):
            rule = read_yaml(os.path.join(folder, name))
            rules[rule["name"]] = rule
    return rules


def carriers(rule):
    """Which enforcers carry a rule by themselves; what only supplements others does not count."""
    content = {"AppArmor": rule.get("apparmor"), "BPF": rule.get("bpf") or rule.get("services"),
               "Seccomp": rule.get("seccomp")}
    return [enforcer for enforcer in ENFORCERS if content[enforcer] and enforcer not in rule.get("supplements", [])]


def is_of_capabilities(rule):
    return all("capability" in str(text) for text in rule.get("apparmor", []))


class Cases:
    """One case file, its sets of techniques filled in."""

    def __init__(self, name, rule, sets):
        self.name, self.gaps = name, rule.get("gaps", [])
        path = os.path.join(HERE, "cases", name + ".yaml")
        if not os.path.exists(path):
            raise Wrong(f"{name}: there is no case file test/attacks/cases/{name}.yaml")
        data = read_yaml(path)
        unknown = set(data) - KEYS
        if unknown:
            raise Wrong(f"{name}: unknown keys {', '.join(sorted(unknown))}")
        self.unattackable = data.get("unattackable")
        self.batch = data.get("batch", name)
        self.setup = data.get("setup", [])
        self.neighbours = data.get("neighbours", [])
        self.without = data.get("without", {})
        self.only = data.get("only", {})
        self.open = data.get("open", {})
        self.blocked = data.get("blocked", {})
        self.attacks = {}
        for kind, values in data.get("techniques", {}).items():
            for technique, attempt in sets[kind].items():
                if technique not in self.without:
                    if isinstance(attempt, dict):
                        self.open.setdefault(technique, attempt.get("open", {}))
                        self.blocked.setdefault(technique, attempt.get("blocked", []))
                        attempt = attempt["try"]
                    try:
                        self.attacks[technique] = " ".join(attempt.format(**{**DEFAULTS, **values}).split())
                    except KeyError as missing:
                        raise Wrong(f"{name}: {kind}.{technique} needs {missing}") from missing
        self.attacks.update(data.get("attacks", {}))
        for key in ("only", "open", "blocked"):
            stray = set(getattr(self, key)) - set(self.attacks)
            if stray:
                raise Wrong(f"{name}: {key} names {', '.join(sorted(stray))}, which are not tried")

    def applies(self, technique, enforcer):
        return enforcer in self.only.get(technique, ENFORCERS)

    def expected(self, technique, enforcer):
        """None: blocked; else why it is open."""
        if enforcer in self.blocked.get(technique, []):
            return None
        if enforcer in self.open.get(technique, {}):
            return self.open[technique][enforcer]
        for gap in self.gaps:
            if enforcer in gap["enforcers"] and gap.get("technique") in (technique, technique.split("-")[0]):
                return gap["text"]
        return None

    def check(self, rule):
        if isinstance(self.unattackable, str):
            return
        for enforcer in [e for e in carriers(rule) if e not in (self.unattackable or [])]:
            tried = [t for t in self.attacks if self.applies(t, enforcer)]
            blocked = [t for t in tried if self.expected(t, enforcer) is None]
            if not blocked:
                raise Wrong(f"{self.name}: no case shows {enforcer} blocking anything")
        if not self.neighbours:
            raise Wrong(f"{self.name}: no neighbour is tried")
        if "plain" not in self.attacks:
            raise Wrong(f"{self.name}: there is no plain attack")


def read_all():
    rules, sets, problems, cases = read_rules(), read_yaml(os.path.join(HERE, "techniques.yaml")), [], {}
    for name, rule in rules.items():
        try:
            cases[name] = Cases(name, rule, sets)
            cases[name].check(rule)
        except Wrong as why:
            problems.append(str(why))
    for file in sorted(os.listdir(os.path.join(HERE, "cases"))):
        if file[:-len(".yaml")] not in rules:
            problems.append(f"test/attacks/cases/{file}: there is no such rule")
    return rules, cases, problems


def policy(name, enforcer, rules, names, privileged=True):
    """The text of a policy of these rules; of none: one that allows everything."""
    spec = {"target": {"kind": "Pod", "selector": {"matchLabels": {"attack": name}}},
            "policy": {"enforcer": enforcer, "mode": "AlwaysAllow"}}
    if names:
        enhance = {"privileged": privileged, "auditViolations": True}
        for rule in names:
            key = LISTS[rules[rule]["category"]]
            if key == "attackProtectionRules":
                enhance.setdefault(key, [{"rules": []}])[0]["rules"].append(rule)
            else:
                enhance.setdefault(key, []).append(rule)
        spec["policy"].update(mode="EnhanceProtect", enhanceProtect=enhance)
    return yaml.safe_dump({"apiVersion": "crd.varmor.org/v1beta1", "kind": "VarmorPolicy",
                           "metadata": {"name": name, "namespace": "attack"}, "spec": spec}, sort_keys=False)


def batches_of(enforcer, rules, cases):
    """[{batch, rules, policy, attacks, neighbours}]; the ids of attacks fit a task's name."""
    found = {}
    for name, case in cases.items():
        if enforcer in carriers(rules[name]) and not isinstance(case.unattackable, str):
            found.setdefault(case.batch, []).append(name)
    result, number = [], 0
    for batch, names in sorted(found.items()):
        entry = {"batch": batch, "rules": names, "policy": policy(enforcer.lower(), enforcer, rules, names),
                 "attacks": [], "neighbours": []}
        for name in names:
            for technique, attempt in cases[name].attacks.items():
                if cases[name].applies(technique, enforcer):
                    entry["attacks"].append({"id": f"{enforcer[0]}{number}", "rule": name, "technique": technique,
                                             "attempt": attempt, "open": cases[name].expected(technique, enforcer),
                                             "capability": is_of_capabilities(rules[name])})
                    number += 1
            for attempt in cases[name].neighbours:
                entry["neighbours"].append({"id": f"{enforcer[0]}{number}", "rule": name, "attempt": attempt})
                number += 1
        result.append(entry)
    return result


def setup_of(enforcer, rules, cases):
    return read_yaml(os.path.join(HERE, "setup.yaml")) + \
        [attempt for name, case in cases.items() if enforcer in carriers(rules[name]) for attempt in case.setup]


def main():
    rules, cases, problems = read_all()
    for problem in problems:
        print(f"attacks: {problem}", file=sys.stderr)
    if problems:
        return 1
    if sys.argv[1:2] == ["--policies"]:
        plan = {"enforcers": {e: {"setup": setup_of(e, rules, cases), "allow": policy(e.lower(), e, rules, []),
                                  "batches": batches_of(e, rules, cases)} for e in ENFORCERS}}
        with open(os.path.join(sys.argv[2], "plan.json"), "w", encoding="utf-8") as file:
            json.dump(plan, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
