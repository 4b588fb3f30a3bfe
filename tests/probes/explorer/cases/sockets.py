"""Real sockets between the answer's own threads."""

import socket
import threading


class Chat:
    def __init__(self):
        self.a, self.b = socket.socketpair()
        self.n, self.lock = 0, threading.Lock()

    def ping(self):
        self.a.sendall(b"x")
        self.n += 1

    def pong(self):
        self.b.recv(1)
        self.n += 1

    def ping_locked(self):
        self.a.sendall(b"x")
        with self.lock:
            self.n += 1

    def pong_locked(self):
        self.b.recv(1)
        with self.lock:
            self.n += 1

    def close(self):
        self.a.close()
        self.b.close()


def echo_once():
    """A server thread and a client over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection, connection.makefile("rwb") as file:
                file.write(file.readline().upper())
                file.flush()

        thread = threading.Thread(target=serve)
        thread.start()
        with socket.create_connection(server.getsockname()) as client, client.makefile("rwb") as file:
            file.write(b"hello\n")
            file.flush()
            answer = file.readline()
        thread.join()
    return answer


def both_listen_first():
    """Each waits for the other's word."""
    a, b = socket.socketpair()
    with a, b:

        def answer():
            b.recv(1)
            b.sendall(b"y")

        thread = threading.Thread(target=answer)
        thread.start()
        a.recv(1)
        a.sendall(b"x")
        thread.join()


def late_answer():
    """Waits for half a second, and gives up as it said."""
    a, b = socket.socketpair()
    with a, b:
        a.settimeout(0.5)
        try:
            a.recv(1)
        except TimeoutError:
            return "timed out"
    return "?"
