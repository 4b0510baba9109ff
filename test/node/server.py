# SPDX-License-Identifier: Apache-2.0
# The workload of the node tests: accepts on 8080 and 9090, on both loopback addresses.
import selectors
import socket

selector = selectors.DefaultSelector()
for port in (8080, 9090):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        selector.register(socket.create_server((address, port), family=family), selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        key.fileobj.accept()[0].close()
