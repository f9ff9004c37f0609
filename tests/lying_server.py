"""A local HTTP server that serves files well, badly or not at all, as the path says."""

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers ``/<manner>/<name>``; ``server.files`` maps names to bytes."""

    def log_message(self, *ignored):
        pass

    def do_GET(self):
        server = self.server
        _, manner, name = self.path.split("/", 2)
        server.asked.append((manner, self.headers.get("Range")))
        data = server.files.get(name, b"")
        start = self._start()
        if manner in ("403", "404", "500"):
            self.send_error(int(manner))
        elif manner == "redirect":
            self.send_response(302)
            self.send_header("Location", f"/good/{name}")
            self.end_headers()
        elif manner == "stall":
            server.stopping.wait(10)
        elif manner == "wrong":
            self._send(bytes(len(data)))
        elif manner == "mixed":  # pieces of different files
            self._send(data if start == 0 else bytes(len(data)), start)
        elif manner == "short":  # breaks off on the way, and goes on when asked
            self._send(data, start, sent=1000 if start == 0 else None)
        elif manner == "stubborn":  # breaks off and starts again from the beginning
            self._send(data, 0, sent=1000)
        elif manner == "empty":
            self._send(data, 0, sent=0)
        elif manner == "endless":
            self._send(bytes(2**20))
        elif manner == "slow":
            self._send(data, start, slowly=True)
        elif manner == "unfit" and start:
            self.send_error(416)
        else:
            self._send(data, start)

    def _start(self):
        asked = self.headers.get("Range", "bytes=0-")
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def _send(self, data, start=0, sent=None, slowly=False):
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        body = data[start:] if sent is None else data[start : start + sent]
        with contextlib.suppress(ConnectionError):
            if not slowly:
                self.wfile.write(body)
                return
            for at in range(0, len(body), 16):
                self.wfile.write(body[at : at + 16])
                if self.server.stopping.wait(0.003):
                    return


@contextlib.contextmanager
def running(files):
    """Run the server; yields it, with ``url(manner, name)`` and the list ``asked``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.files, server.asked, server.stopping = files, [], threading.Event()
    server.url = lambda manner, name: f"http://127.0.0.1:{server.server_port}/{manner}/{name}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def dead_url(name):
    """An address on this machine where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/{name}"
