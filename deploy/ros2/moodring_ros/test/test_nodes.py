"""Both nodes in ROS 2 itself, with the real daemon between them; and what strangers send. Run by tests/ros2."""

import io
import json
import math
import os
import signal
import socket
import subprocess
import time
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import rclpy
from moodring_msgs.msg import Mood, MoodEvent
from moodring_ros import convert
from moodring_ros.image_feeder import ImageFeeder
from moodring_ros.mjpeg import MjpegServer
from moodring_ros.mood_publisher import MoodPublisher
from moodring_ros.pictures import to_jpeg
from PIL import Image as Picture
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Bool

DEADLINE_S = 120
PACKAGES = Path(__file__).resolve().parents[2]
STATE = {
    "schema": 1, "device": "robot", "run": "a" * 16, "seq": 0, "time": "2026-11-22T05:51:55.381Z", "mood": "happy", "emoji": "😀",
    "confidence": None, "since": "2026-11-22T05:51:50Z", "track": 3, "people_count": 1, "camera": "running", "frame_px": [640, 480],
    "people": [{"track": 3, "box": [0, 0, 320, 240], "score": 0.9, "roll_deg": 90, "expression": "happy", "confidence": 0.5,
                "scores": {name: 0.5 if name == "happy" else 0.1 for name in convert.EXPRESSIONS}}],
}  # fmt: skip


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nobody listens at {port}")


def photo():
    """A face, as robots' cameras send it."""
    picture = Picture.open(os.environ["MOODRING_FACE"]).convert("RGB")
    return picture.resize((512, 512))


def image(picture, encoding="rgb8", pad=0):
    mode = {"rgb8": "RGB", "bgr8": "BGR", "mono8": "L", "rgba8": "RGBX", "bgra8": "BGRX"}[encoding]
    plain = picture.convert("L" if encoding == "mono8" else "RGB")
    data = plain.tobytes("raw", mode)
    row = len(data) // plain.height
    rows = [data[at : at + row] + b"\0" * pad for at in range(0, len(data), row)]
    return Image(width=plain.width, height=plain.height, encoding=encoding, step=row + pad, data=b"".join(rows))


def test_a_state_becomes_a_message():
    mood = convert.mood(json.dumps(STATE), "eye")
    assert (mood.header.frame_id, mood.header.stamp.nanosec) == ("eye", 381_000_000)
    assert mood.header.stamp.sec == 1795326715
    person = mood.people[0]
    assert (person.center_x, person.center_y, person.width) == (-0.5, -0.5, 320.0)
    assert math.isclose(person.roll, math.pi / 2, rel_tol=1e-6) and math.isnan(mood.confidence)
    assert max(range(7), key=lambda at: person.scores[at]) == person.HAPPY
    nobody = convert.mood(json.dumps(STATE | {"track": None, "people": [], "frame_px": [0, 0]}), "eye")
    assert nobody.track == Mood.NO_TRACK


def test_what_no_moodring_publishes_is_refused():
    refused = (ValueError, KeyError, TypeError, AttributeError)
    for name in STATE:
        if name in ("schema", "run", "seq"):
            continue  # not read
        for value in ("\ud800", True, -1, 2**40, 1e300, [], {}, [{}], [[]], ["a", "b"]):
            if (name, value) in (("people", []), ("confidence", -1), ("confidence", 2**40)):
                continue
            with pytest.raises(refused):
                print(name, value, convert.mood(json.dumps(STATE | {name: value}), "eye"))
    event = {"device": "robot", "run": "a", "seq": 1, "time": STATE["time"], "kind": "left"}
    assert convert.event(json.dumps(event).encode(), "eye").track == MoodEvent.NO_TRACK
    for name in event:
        for value in (True, -1, 2**70, {}, None):
            with pytest.raises(refused):
                print(name, value, convert.event(json.dumps(event | {name: value}).encode(), "eye"))


def test_messages_of_ros_itself_are_read():
    picture = photo()
    for encoding in ("rgb8", "mono8"):
        seen = Picture.open(io.BytesIO(to_jpeg(image(picture, encoding, 5), 95)))
        assert seen.size == picture.size and seen.mode == ("L" if encoding == "mono8" else "RGB")


def test_a_reader_gets_the_newest_picture_and_others_are_bounded():
    server = MjpegServer("127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.port}/"
    readers = [urllib.request.urlopen(url, timeout=10) for _ in range(4)]
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(url, timeout=10)
    server.put(b"one")
    head = b"".join(readers[0].readline() for _ in range(4))
    assert b"Content-Length: 3" in head and readers[0].read(3) == b"one"
    for number in range(100):
        server.put(b"%3d" % number)
    readers[0].readline()
    late = [readers[0].readline() for _ in range(4)] and readers[0].read(3)
    assert int(late) >= 0
    server.close()


def test_the_packages_say_the_same_as_the_code():
    for name in ("moodring_msgs", "moodring_ros"):
        package = ET.parse(PACKAGES / name / "package.xml").getroot()
        assert (package.get("format"), package.findtext("name"), package.findtext("version")) == ("3", name, "0.1.0")
        assert package.find("license") is not None and package.find("maintainer").get("email")
    needed = {entry.text for entry in ET.parse(PACKAGES / "moodring_ros/package.xml").getroot().findall("exec_depend")}
    assert {"rclpy", "std_msgs", "sensor_msgs", "moodring_msgs", "python3-paho-mqtt", "python3-pil"} <= needed


def test_pictures_come_while_a_simulations_clock_stands_still():
    rclpy.init()
    parameters = [Parameter("port", value=free_port()), Parameter("use_sim_time", value=True), Parameter("rate", value=20.0)]
    feeder = ImageFeeder(parameter_overrides=parameters)
    try:
        reader = urllib.request.urlopen(f"http://127.0.0.1:{feeder.server.port}/", timeout=10)
        due = []
        for _ in range(10):
            due.append(feeder.is_due())
            time.sleep(0.03)
        assert 3 <= sum(due) <= 8, due
        reader.close()
    finally:
        feeder.destroy_node()
        rclpy.try_shutdown()


def test_from_the_robots_camera_to_a_mood(tmp_path):
    broker_port, camera_port = free_port(), free_port()
    (tmp_path / "mosquitto.conf").write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")
    processes = [subprocess.Popen(["mosquitto", "-c", tmp_path / "mosquitto.conf"], stderr=subprocess.DEVNULL)]
    wait_for_port(broker_port)
    rclpy.init()
    parameter = lambda name, value: Parameter(name, value=value)
    feeder = ImageFeeder(parameter_overrides=[parameter("port", camera_port)])
    publisher = MoodPublisher(
        parameter_overrides=[parameter("device", "robot"), parameter("port", broker_port), parameter("frame_id", "eye")]
    )
    robot = rclpy.create_node("robot")
    executor = SingleThreadedExecutor()
    for node in (feeder, publisher, robot):
        executor.add_node(node)
    moods, events = [], []
    kept = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    robot.create_subscription(Mood, "/mood_publisher/mood", moods.append, kept)
    robot.create_subscription(MoodEvent, "/mood_publisher/event", events.append, 100)
    camera = robot.create_publisher(Image, "image", 1)
    compressed = robot.create_publisher(CompressedImage, "image/compressed", 1)
    switch = robot.create_publisher(Bool, "/mood_publisher/camera", 1)
    picture = image(photo())
    tick = robot.create_timer(0.1, lambda: camera.publish(picture))

    def wait(fits, what):
        end = time.monotonic() + DEADLINE_S
        while not fits():
            assert time.monotonic() < end, f"waited in vain for {what}; {moods[-1:]}; {(tmp_path / 'log').read_text()[-2000:]}"
            executor.spin_once(timeout_sec=0.1)

    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOODRING_")}
    for name in ("LD_LIBRARY_PATH", "PYTHONPATH"):
        environment.pop(name, None)
    environment |= {"MOODRING_DEVICE__ID": "robot", "MOODRING_MQTT__INTERVAL_S": "1.0", "STATE_DIRECTORY": str(tmp_path)}
    command = [os.environ["MOODRING_BIN"], "run", "--source", f"http://127.0.0.1:{camera_port}/", "--display", "none"]
    command += ["--satellite", "off", "--no-web", "--mqtt", f"mqtt://127.0.0.1:{broker_port}"]
    with open(tmp_path / "log", "wb") as log:
        daemon = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
    processes.append(daemon)
    try:
        wait(lambda: moods and moods[-1].online and moods[-1].people_count == 1 and moods[-1].people, "one person in view")
        mood = moods[-1]
        person = mood.people[0]
        assert (mood.device, mood.header.frame_id, mood.camera, mood.image_width) == ("robot", "eye", "running", 512)
        assert abs(mood.header.stamp.sec - time.time()) < DEADLINE_S
        # The astronaut's face is in the upper middle of the photo.
        assert -0.4 < person.center_x < 0.2 and -0.8 < person.center_y < -0.2, person
        assert 40 < person.width < 200 and abs(sum(person.scores) - 1) < 0.02 and person.score > 0.5
        wait(lambda: any(event.kind == "appeared" for event in events), "an event")
        assert [event.seq for event in events] == sorted({event.seq for event in events})
        switch.publish(Bool(data=False))
        wait(lambda: moods[-1].camera == "off", "a camera that is off")
        switch.publish(Bool(data=True))
        # Compressed pictures go through as they are.
        tick.cancel()
        jpeg = CompressedImage(format="jpeg", data=to_jpeg(picture, 90))
        robot.create_timer(0.1, lambda: compressed.publish(jpeg))
        wait(lambda: moods[-1].camera == "running" and moods[-1].people_count == 1, "the face again, by compressed pictures")
        # A stranger's message ends nothing.
        stranger = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        stranger.connect("127.0.0.1", broker_port)
        stranger.loop_start()
        for leaf, payload in (("state", b"\xff{"), ("event", b"[]"), ("state", b'{"people":1}'), ("status", b"")):
            stranger.publish(f"moodring/robot/{leaf}", payload, qos=1).wait_for_publish(10)
        stranger.loop_stop()
        seen = len(moods)
        wait(lambda: len(moods) > seen + 1, "moods after a stranger's")
        daemon.send_signal(signal.SIGKILL)
        wait(lambda: not moods[-1].online, "that the device is away")
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for node in (feeder, publisher, robot):
            node.destroy_node()
        rclpy.try_shutdown()
