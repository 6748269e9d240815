"""JPEGs to whoever asks over HTTP, as moodring's source `http://` reads them. No ROS here.

The newest picture wins: a slow reader skips, and nobody slow keeps the robot's camera waiting.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BOUNDARY = "moodring-frame"
MOST_READERS = 4
WRITE_WITHIN_S = 10


class MjpegServer:
    """Serves on one address; `put` never waits."""

    def __init__(self, address, port):
        self.news = threading.Condition()
        self.number = 0
        self.jpeg = b""
        self.readers = 0
        self.closed = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            timeout = WRITE_WITHIN_S

            def do_GET(self):
                outer.stream(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, name="mjpeg", daemon=True).start()

    def is_wanted(self):
        """Whether anybody reads: else no picture need be encoded."""
        return self.readers > 0

    def put(self, jpeg):
        """The newest picture."""
        with self.news:
            self.jpeg = jpeg
            self.number += 1
            self.news.notify_all()

    def stream(self, handler):
        """One reader, in a thread of its own."""
        with self.news:
            if self.readers >= MOST_READERS:
                handler.send_error(503, "too many readers")
                return
            self.readers += 1
            # What was there before somebody wanted it is old.
            seen = self.number
        try:
            handler.send_response(200)
            handler.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            handler.send_header("Cache-Control", "no-store")
            handler.end_headers()
            while True:
                with self.news:
                    self.news.wait_for(lambda seen=seen: self.closed or self.number != seen)
                    if self.closed:
                        return
                    seen, jpeg = self.number, self.jpeg
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                handler.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            pass  # it went away
        finally:
            with self.news:
                self.readers -= 1

    def close(self):
        with self.news:
            self.closed = True
            self.news.notify_all()
        self.server.shutdown()
        self.server.server_close()
