# SPDX-License-Identifier: Apache-2.0
# attacks.py TRY...: what a process in a container tries; prints "NAME succeeded" or "NAME ERRNO" for each.
# "loop SECONDS TRY" repeats one try and prints "ATTEMPTS attempts, SUCCESSES succeeded".
import errno
import os
import socket
import subprocess
import sys
import time


def opening(path, flags):
    os.close(os.open(path, flags))


def udp_send(address, port, family):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", (address, port))


def tcp_connect(address, port, family):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect((address, port))


def raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def packet_socket():
    socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()


def run(*command):
    if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode > 1:
        raise OSError(errno.EIO, "the program ran and failed")


def relative(folder, name):
    os.chdir(folder)
    try:
        run("./" + name, "-h")
    finally:
        os.chdir("/")


def script():
    with open("/tmp/script", "w") as f:
        f.write("#!/usr/bin/nc -h\n")
    os.chmod("/tmp/script", 0o755)
    run("/tmp/script")


def symlink():
    if not os.path.islink("/tmp/harmless"):
        os.symlink("/usr/bin/nc", "/tmp/harmless")
    run("/tmp/harmless", "-h")


TRIES = {
    "read-shadow": lambda: opening("/etc/shadow", os.O_RDONLY),
    "write-shadow": lambda: opening("/etc/shadow", os.O_WRONLY),
    "truncate-shadow": lambda: os.truncate("/etc/shadow", 1),
    "rename-shadow": lambda: os.rename("/etc/shadow", "/etc/shadow.moved"),
    "link-shadow": lambda: os.link("/etc/shadow", "/etc/shadow.linked"),
    "unlink-shadow": lambda: os.unlink("/etc/shadow"),
    "chmod-shadow": lambda: os.chmod("/etc/shadow", 0o666),
    "create-forbidden": lambda: opening("/tmp/forbidden/new", os.O_WRONLY | os.O_CREAT),
    "read-passwd": lambda: opening("/etc/passwd", os.O_RDONLY),
    "create-allowed": lambda: opening("/tmp/allowed", os.O_WRONLY | os.O_CREAT),
    "exec-nc": lambda: run("/usr/bin/nc", "-h"),
    "exec-nc-relative": lambda: relative("/usr/bin", "nc"),
    "exec-nc-symlink": symlink,
    "exec-nc-script": script,
    "exec-true": lambda: run("/usr/bin/true"),
    "connect-ipv4": lambda: tcp_connect("127.0.0.1", 8080, socket.AF_INET),
    "connect-ipv6": lambda: tcp_connect("::1", 8080, socket.AF_INET6),
    "connect-mapped": lambda: tcp_connect("::ffff:127.0.0.1", 8080, socket.AF_INET6),
    "sendto-udp": lambda: udp_send("127.0.0.1", 8080, socket.AF_INET),
    "sendto-mapped": lambda: udp_send("::ffff:127.0.0.1", 8080, socket.AF_INET6),
    "connect-other-port": lambda: tcp_connect("127.0.0.1", 9090, socket.AF_INET),
    "sendto-other-port": lambda: udp_send("127.0.0.1", 9090, socket.AF_INET),
    "raw-socket": raw_socket,
    "packet-socket": packet_socket,
    "chroot": lambda: os.chroot("/"),
}


def attempt(name):
    try:
        TRIES[name]()
        return "succeeded"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))


def loop(seconds, name):
    attempts = successes = 0
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        attempts += 1
        successes += attempt(name) == "succeeded"
    print(f"{attempts} attempts, {successes} succeeded")


if sys.argv[1] == "loop":
    loop(*sys.argv[2:])
else:
    os.makedirs("/tmp/forbidden", exist_ok=True)
    for wanted in sys.argv[1:]:
        print(wanted, attempt(wanted))
