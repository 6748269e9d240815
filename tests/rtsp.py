"""The part of tests/rtsp that is a program: a server, the daemon, and a kill between them."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SERVER = """
import sys, gi
gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
server = GstRtspServer.RTSPServer.new(); server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory.new(); factory.set_shared(True)
factory.set_launch('( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 '
                   '! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96 )')
auth = GstRtspServer.RTSPAuth.new()
token = GstRtspServer.RTSPToken.new(); token.set_string('media.factory.role', 'user')
auth.add_basic(GstRtspServer.RTSPAuth.make_basic('ann', 'geheim'), token)
permissions = GstRtspServer.RTSPPermissions.new()
permissions.add_permission_for_role('user', 'media.factory.access', True)
permissions.add_permission_for_role('user', 'media.factory.construct', True)
factory.set_permissions(permissions)
server.set_auth(auth)
server.get_mount_points().add_factory('/cam', factory)
server.attach(None)
GLib.MainLoop().run()
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port):
    return subprocess.Popen([sys.executable, "-c", SERVER, str(port)])


def ready(page):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{page}/readyz", timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for(page, status, seconds, what):
    end = time.monotonic() + seconds
    while ready(page) != status:
        if time.monotonic() > end:
            sys.exit(f"{what}: readyz says {ready(page)}, not {status}, after {seconds} s")
        time.sleep(0.2)
    print(f"rtsp: {what}", flush=True)


def folder_with(program, root):
    """A folder for PATH that has this program and not the other."""
    found = subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True, text=True, check=True).stdout.strip()
    folder = pathlib.Path(root) / program
    folder.mkdir()
    (folder / program).symlink_to(found)
    return folder


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    for program in ("ffmpeg", "gst-launch-1.0"):
        with tempfile.TemporaryDirectory() as root:
            port, page = free_port(), free_port()
            environment = dict(os.environ, HOME=root, PATH=str(folder_with(program, root)), MOODRING_WEB__LISTEN=f"127.0.0.1:{page}",
                               MOODRING_STORE__PATH="memory", MOODRING_CAMERA__TIMEOUT_MS="8000", MOODRING_CAMERA__WIDTH="320",
                               MOODRING_CAMERA__HEIGHT="240", MOODRING_CAMERA__RATE="10", MOODRING_LOG__LEVEL="trace")
            log = open(pathlib.Path(root) / "log", "wb")
            server = serve(port)
            daemon = subprocess.Popen([str(binary), "run", "--display", "none", "--no-mqtt", "--source", f"rtsp://ann:geheim@127.0.0.1:{port}/cam"],
                                      env=environment, stderr=log, stdout=log)
            try:
                wait_for(page, 200, 60, f"{program} reads H.264 with a login")
                server.kill()
                server.wait()
                wait_for(page, 503, 60, f"{program}: a killed server is a lost camera")
                server = serve(port)
                wait_for(page, 200, 60, f"{program}: it is read again when it is back")
            finally:
                server.kill()
                daemon.send_signal(signal.SIGTERM)
                code = daemon.wait(20)
            said = (pathlib.Path(root) / "log").read_text(errors="replace")
            assert code == 0, (code, said[-2000:])
            assert "geheim" not in said, "the password is in the log"
            left = subprocess.run(["pgrep", "-f", f"127.0.0.1:{port}/cam"], capture_output=True, text=True).stdout
            assert not left, f"children are left: {left}"
    print("rtsp: good")


main()
