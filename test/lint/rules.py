#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that a machine can check (style.md), on the files that git tracks or would track.

    rules.py [ROOT]     prints "file:line: rule: message" for each breach; exit status 1 if there is one

Each rule is a function from a file to its breaches; test/lint/selftest shows each of them firing.
"""
import os
import re
import subprocess
import sys

MAX_FILE_LINES = 1000
MAX_FUNCTION_LINES = 100
BANNED = ("sprintf", "vsprintf", "strcpy", "strcat", "strtok", "atoi", "atol", "gets", "alloca", "usleep", "sleep")
BANNED_FILE_NAMES = ("utils", "util", "misc", "common", "helpers", "helper")
# What a folder may include of ours; a folder that is not named may include everything.
LAYERS = {
    "lib": ("lib/", "bpf/varmor_shared.h"),
    "proto": ("proto/", "lib/", "varmor/", "containerd/", "nanopb"),
    "profiles": ("profiles/", "lib/", "proto/profile_codec.h"),
    "manager": ("manager/", "lib/", "proto/", "profiles/"),
    "agent": ("agent/", "lib/", "proto/", "bpf/"),
    "ctl": ("ctl/", "lib/", "proto/", "profiles/"),
}
# Prefixes of libraries that we link: no function of ours may begin with one.
FOREIGN_PREFIXES = ("bpf_", "btf_", "seccomp_", "aa_", "nghttp2_", "event_", "evhttp_", "json_", "yaml_", "SSL_")
OURS = ("lib/", "proto/", "profiles/", "bpf/", "manager/", "agent/", "ctl/", "test/")
COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    """A comment or literal as blanks, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def lines_with(pattern, text):
    for match in re.finditer(pattern, text):
        yield text.count("\n", 0, match.start()) + 1, match


def rule_spdx(path, text, code):
    if "SPDX-License-Identifier:" not in text[:400]:
        yield 1, "spdx", "no SPDX line at the top"


def rule_pragma_once(path, text, code):
    if path.endswith(".h") and "#pragma once" not in text:
        yield 1, "pragma-once", "a header begins with #pragma once"


def rule_file_length(path, text, code):
    n = text.count("\n")
    if n > MAX_FILE_LINES:
        yield n, "file-length", f"{n} lines; the limit is {MAX_FILE_LINES}"


def rule_function_length(path, text, code):
    start, name = None, ""
    for number, line in enumerate(code.split("\n"), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > MAX_FUNCTION_LINES:
                yield start, "function-length", f"{number - start - 1} lines; the limit is {MAX_FUNCTION_LINES}"
            start = None


def rule_banned(path, text, code):
    for number, match in lines_with(r"(?<![\w>.])(%s)\s*\(" % "|".join(BANNED), code):
        yield number, "banned", f"{match.group(1)}() is not used here"


def rule_file_name(path, text, code):
    stem = os.path.splitext(os.path.basename(path))[0]
    if stem in BANNED_FILE_NAMES:
        yield 1, "file-name", f"a file called '{stem}' holds everything and nothing"


def rule_layers(path, text, code):
    allowed = LAYERS.get(path.split("/", 1)[0])
    if not allowed:
        return
    for number, match in lines_with(r'(?m)^\s*#\s*include\s+"([^"]+)"', text):
        header = match.group(1)
        if header.startswith(OURS) and not header.startswith(allowed):
            yield number, "layers", f"{path.split('/', 1)[0]}/ may not include {header}"


def rule_own_header_first(path, text, code):
    own = path[:-2] + ".h"
    if not path.endswith(".c") or not os.path.exists(own):
        return
    match = re.search(r'(?m)^\s*#\s*include\s+["<]([^">]+)[">]', text)
    if match and match.group(1) != own:
        yield text.count("\n", 0, match.start()) + 1, "own-header", f"includes {own} first"


def rule_todo(path, text, code):
    for number, match in lines_with(r"\b(TODO|FIXME|XXX)\b(?!.*#\d+)", text):
        yield number, "todo", f"{match.group(1)} without the number of an issue"


def rule_line_comment(path, text, code):
    for number, match in lines_with(r'(?m)^[^"\n]*(?<![:"])//(?!.*")', text):
        yield number, "line-comment", "a // marks what must not be committed"


def rule_owning_locals(path, text, code):
    for number, match in lines_with(r"(?m)^\s+CLEANUP(?:_FREE|_CLOSE|\(\w+\))\s+[\w\s*]*?[\s*]\w+;", code):
        yield number, "owning-local", "an owning local is initialised where it is declared"


def rule_close_on_exec(path, text, code):
    if path.startswith("test/"):
        return
    for number, match in lines_with(r"(?<![\w.>])(open|openat|socket|accept4|epoll_create1|inotify_init1|pipe2|eventfd|dup)\s*\(([^;]*?)\)\s*[;,:)?]", code):
        if "CLOEXEC" not in match.group(2):
            yield number, "close-on-exec", f"{match.group(1)}() without *_CLOEXEC"


def rule_foreign_names(path, text, code):
    if path.startswith("bpf/") or path.startswith("test/"):
        return
    pattern = r"(?m)^(?:static |const |inline |struct |unsigned )*[\w]+ \**((?:%s)\w+)\s*\([^;]*?\)\s*\{" % "|".join(FOREIGN_PREFIXES)
    for number, match in lines_with(pattern, code):
        own_module = os.path.basename(path)[:-2]
        if not match.group(1).startswith(own_module):
            yield number, "foreign-name", f"{match.group(1)}() begins like a library's function"


C_RULES = (
    rule_spdx, rule_pragma_once, rule_file_length, rule_function_length, rule_banned, rule_file_name, rule_layers,
    rule_own_header_first, rule_todo, rule_line_comment, rule_owning_locals, rule_close_on_exec, rule_foreign_names,
)
SCRIPT_RULES = (rule_spdx, rule_file_name, rule_todo)


def check_file(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    if path.endswith((".c", ".h")):
        code = COMMENT_OR_TEXT.sub(blank, text)
        rules = C_RULES
    elif path.endswith((".py", ".mk", ".proto", ".sh")) or text.startswith("#!"):
        code, rules = text, SCRIPT_RULES
        if path.endswith(".mk"):
            rules = (rule_file_name, rule_todo)
    else:
        return []
    breaches = []
    for rule in rules:
        breaches += [(path, *breach) for breach in rule(path, text, code)]
    return breaches


def main():
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else ".")
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout.split("\n")
    breaches, n_files = [], 0
    for path in sorted(set(listed)):
        if os.path.isfile(path) and not path.startswith("test/lint/"):
            breaches += check_file(path)
            n_files += 1
    for path, line, rule, message in breaches:
        print(f"{path}:{line}: {rule}: {message}")
    print(f"house rules: {n_files} files, {len(breaches)} breaches", file=sys.stderr)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
