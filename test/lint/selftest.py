#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows every house rule firing on a small wrong file, and staying silent on its right neighbour."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rules  # noqa: E402

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
BODY_100 = "int f(void)\n{\n" + "    x();\n" * 100 + "}\n"
BODY_101 = "int f(void)\n{\n" + "    x();\n" * 101 + "}\n"

# rule, path, text that breaks it, text that does not
CASES = (
    ("spdx", "lib/a.c", "int x;\n", SPDX + "int x;\n"),
    ("pragma-once", "lib/a.h", SPDX + "int x;\n", SPDX + "#pragma once\nint x;\n"),
    ("file-length", "lib/a.c", SPDX + "\n" * 1000, SPDX + "\n" * 999),
    ("function-length", "lib/a.c", SPDX + BODY_101, SPDX + BODY_100),
    ("banned", "lib/a.c", SPDX + "x = strcpy(a, b);\n", SPDX + "/* strcpy(a) */ x.atoi(3); y = my_strcpy(a);\n"),
    ("file-name", "lib/utils.c", SPDX, SPDX),
    ("layers", "lib/a.c", SPDX + '#include "manager/status.h"\n', SPDX + '#include "lib/buf.h"\n'),
    ("layers", "agent/a.c", SPDX + '#include "profiles/builder.h"\n', SPDX + '#include "bpf/varmor_shared.h"\n'),
    ("own-header", "lib/b.c", SPDX + '#include "lib/a.h"\n', SPDX + '#include "lib/b.h"\n'),
    ("todo", "lib/a.c", SPDX + "/* TODO: x */\n", SPDX + "/* TODO(#12): x */ /* TODO see #3 */\n"),
    ("line-comment", "lib/a.c", SPDX + "int x; // y\n", SPDX + '"http://x"; /* tls://y */\n'),
    ("owning-local", "lib/a.c", SPDX + "    CLEANUP_FREE char *x;\n", SPDX + "    CLEANUP_FREE char *x = NULL;\n"),
    ("close-on-exec", "lib/a.c", SPDX + "fd = open(p, O_RDONLY);\n", SPDX + "fd = open(p, O_RDONLY | O_CLOEXEC);\n"),
    ("foreign-name", "lib/a.c", SPDX + "int json_x(void)\n{\n}\n", SPDX + "int tree_json(void)\n{\n}\n"),
)


def breaches(folder, path, text):
    os.chdir(folder)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if path == "lib/b.c":
        open("lib/b.h", "w").close()
    with open(path, "w") as f:
        f.write(text)
    return {rule for _, _, rule, _ in rules.check_file(path)}


def main():
    n_failed = 0
    for rule, path, wrong, right in CASES:
        with tempfile.TemporaryDirectory() as folder:
            fires = rule in breaches(folder, path, wrong)
            silent = rule == "file-name" or rule not in breaches(folder, path, right)
            os.chdir("/")
        if not fires or not silent:
            n_failed += 1
            print(f"rule {rule} ({path}): fires on the wrong file: {fires}, silent on the right one: {silent}")
    print(f"house rules: {len(CASES) - n_failed} passed, {n_failed} failed")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
