#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""judge.py [--update] RESULTS ENFORCER...: what driver.py found in a node, against what the cases expect.

RESULTS holds plan.json and ENFORCER.json. Each attack is a test: it works without the rule; with it, it is blocked,
and the log says by that rule; or it gets through, and the case says why. So is each neighbour, which works both
times, and that each rule which has blocked something was counted. What was found is docs/parity.md: compared, or
written anew with --update, when all enforcers were tried. Ends with "N passed, N failed".
"""
import json
import os
import sys

from plan import ENFORCERS, ROOT, read_all

PARITY = os.path.join(ROOT, "docs", "parity.md")
# What denials look like; all else that is not success is an accident.
DENIALS = {"AppArmor": ("EACCES", "EPERM"), "BPF": ("EPERM", "EACCES"), "Seccomp": ("EPERM", "ENOSYS", "SIGSYS", "SIGKILL")}


class Tally:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def add(self, what, problem):
        if problem:
            self.failed += 1
            print(f"  FAIL  {what}: {problem}")
        else:
            self.passed += 1


def problem_of(enforcer, entry, found, folded):
    """Why an attack did not go as its case says; None: it did. folded: rules of which one record stands for several."""
    if found["before"] != "succeeded":
        return f"does not work without the rule: {found['before']}"
    outcome = found.get("with", "not tried")
    if entry["open"]:
        return None if outcome == "succeeded" else f"{outcome}, though the case says why it is open"
    if outcome == "succeeded":
        return "gets through"
    if outcome.split()[0] not in DENIALS[enforcer]:
        return outcome
    if is_logged(entry, found):
        return None
    if found["rules"]:
        return f"{outcome}, but by {', '.join(found['rules'])}"
    return None if entry["rule"] in folded else f"{outcome}, but it is not logged"


def is_logged(entry, found):
    return any(rule.endswith(": " + entry["rule"]) for rule in found["rules"])


def folded_rules(enforcer, batch, results):
    """AppArmor's module logs a capability that it denied a profile once, and not again for a while: one record of the
    rule must be there, if of another attempt that happened to need the capability first."""
    if enforcer != "AppArmor":
        return set()
    found = [results["attacks"][entry["id"]] for entry in batch["attacks"]]
    return {entry["rule"] for entry in batch["attacks"]
            if entry["capability"] and any(is_logged(entry, one) for one in found)}


def judge_attacks(tally, enforcer, batch, results):
    blocked, folded = set(), folded_rules(enforcer, batch, results)
    for entry in batch["attacks"]:
        found = results["attacks"][entry["id"]]
        problem = problem_of(enforcer, entry, found, folded)
        tally.add(f"{enforcer}: {entry['rule']}: {entry['technique']} ({entry['attempt']})", problem)
        if not problem and not entry["open"]:
            blocked.add(entry["rule"])
    counted = results["counted"].get(batch["batch"], {})
    for rule in sorted(blocked):
        tally.add(f"{enforcer}: {rule}", None if counted.get(rule) else "has blocked, but was not counted")


def judge_neighbours(tally, enforcer, batch, results):
    for entry in batch["neighbours"]:
        found = results["neighbours"][entry["id"]]
        outcomes = f"{found['before']}, {found.get('with', 'not tried')}"
        tally.add(f"{enforcer}: {entry['rule']}: neighbour ({entry['attempt']})",
                  None if outcomes == "succeeded, succeeded" else outcomes + " " + ", ".join(found.get("rules", [])))


def judge(tally, enforcer, plan, results):
    for problem in results["setup"]:
        tally.add(f"{enforcer}: set-up", problem)
    for batch in plan["enforcers"][enforcer]["batches"]:
        if batch["batch"] in results["refused"]:
            tally.add(f"{enforcer}: {batch['batch']}", results["refused"][batch["batch"]])
            continue
        judge_attacks(tally, enforcer, batch, results)
        judge_neighbours(tally, enforcer, batch, results)


HEAD = """# What each rule stops

Made by `test/attacks/run --update` from attacks that were carried out in containers on a node (kernel 6.12), each without
and with the rule; a test run compares. *blocked*: it works without the rule, and fails with it. *open*: it gets through,
for the reason named. –: the enforcer does not carry the rule, or the technique means nothing to it. An attempt's steps are
verbs of `test/attacks/program`; techniques are numbered as in the threat list that the rules' descriptions (rules.md) use.

Each denial was found in violations.log under the rule's own name, and counted.
"""


def cell(entry, found):
    if entry is None:
        return "–"
    if entry["open"]:
        return f"open: {entry['open']}"
    return "blocked" if found.get("with") != "succeeded" else "**open**"


def table(plan, results):
    """The text of docs/parity.md."""
    rules = {}
    for enforcer in ENFORCERS:
        for batch in plan["enforcers"][enforcer]["batches"]:
            for entry in batch["attacks"]:
                row = rules.setdefault(entry["rule"], {}).setdefault(entry["technique"], {"attempt": entry["attempt"]})
                row[enforcer] = cell(entry, results[enforcer]["attacks"][entry["id"]])
    lines = [HEAD]
    for rule, case in sorted(read_all()[1].items()):
        lines.append(f"## {rule}\n")
        if isinstance(case.unattackable, str):
            lines.append(f"Not tried: {case.unattackable}.\n")
            continue
        lines.append("| technique | attempt | AppArmor | BPF | Seccomp |\n| --- | --- | --- | --- | --- |")
        for technique, row in rules.get(rule, {}).items():
            cells = " | ".join(row.get(enforcer, "–") for enforcer in ENFORCERS)
            lines.append(f"| {technique} | `{row['attempt']}` | {cells} |")
        lines.append("")
    return "\n".join(lines)


def compare(tally, text, update):
    if update:
        with open(PARITY, "w", encoding="utf-8") as file:
            file.write(text)
        return
    try:
        with open(PARITY, encoding="utf-8") as file:
            same = file.read() == text
    except FileNotFoundError:
        same = False
    tally.add("docs/parity.md", None if same else "is not what was found: test/attacks/run --update writes it anew")


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    update = "--update" in sys.argv
    folder, *enforcers = [word for word in sys.argv[1:] if word != "--update"]
    plan, tally, results = read_json(os.path.join(folder, "plan.json")), Tally(), {}
    for enforcer in enforcers:
        try:
            results[enforcer] = read_json(os.path.join(folder, enforcer + ".json"))
        except OSError as why:
            results[enforcer] = {"fatal": str(why)}
        if "fatal" in results[enforcer]:
            tally.add(enforcer, results[enforcer]["fatal"])
        else:
            judge(tally, enforcer, plan, results[enforcer])
    if set(enforcers) == set(ENFORCERS) and not any("fatal" in found for found in results.values()):
        compare(tally, table(plan, results), update)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
