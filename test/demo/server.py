# SPDX-License-Identifier: Apache-2.0
# The demo's workload: listens on two ports and answers nothing.
import selectors
import socket

selector = selectors.DefaultSelector()
for port in (8080, 9090):
    listener = socket.create_server(("", port))
    selector.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        key.fileobj.accept()[0].close()
