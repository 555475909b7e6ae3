"""A web service: answers with its greeting, and /health for the readiness probe."""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ["PORT"])
GREETING = os.environ.get("GREETING", "Hello")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = "ok\n" if self.path == "/health" else f"{GREETING} from port {PORT}\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        if self.path != "/health":
            print(format % args, flush=True)


server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
# shutdown() waits for the loop that this very thread runs, so it needs another.
signal.signal(
    signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start()
)
print(f"listening on http://127.0.0.1:{PORT}/", flush=True)
server.serve_forever()
server.server_close()
print("bye", flush=True)
sys.exit(0)
