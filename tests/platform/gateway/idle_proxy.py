"""A TCP proxy that cuts idle connections, as load balancers do (Cloud Run itself does not)."""

from __future__ import annotations

import select
import socket
import threading


class IdleProxy:
    """Forwards connections to one port, and drops each that carries nothing for `idle_s`."""

    def __init__(self, upstream_port: int, idle_s: float) -> None:
        self._upstream = ("127.0.0.1", upstream_port)
        self._idle_s = idle_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._forward, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._upstream) as server:
            other = {client: server, server: client}
            while True:
                readable, _, _ = select.select([client, server], [], [], self._idle_s)
                if not readable:
                    self.cuts += 1
                    return
                for one in readable:
                    try:
                        chunk = one.recv(65536)
                        other[one].sendall(chunk)
                    except OSError:
                        return
                    if not chunk:
                        return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
