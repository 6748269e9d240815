"""Node `mood_publisher`: a moodring's moods and events as messages.

Publishes `~/mood` (moodring_msgs/Mood) and `~/event` (moodring_msgs/MoodEvent); a late subscriber gets the newest mood.
Subscribes `~/camera` (std_msgs/Bool): the camera on or off.
Parameters: `device` (its id), `broker`, `port`, `user`, `password_file`, `prefix`, `frame_id` (the camera's optical frame).
"""

import threading

import paho.mqtt.client as mqtt
import rclpy
from moodring_msgs.msg import Mood, MoodEvent
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool

from . import convert

DEFAULTS = {
    "device": "hall",
    "broker": "127.0.0.1",
    "port": 1883,
    "user": "",
    "password_file": "",
    "prefix": "moodring",
    "frame_id": "camera_optical_frame",
}


class MoodPublisher(Node):
    """Follows one moodring at a broker."""

    def __init__(self, **options):
        super().__init__("mood_publisher", **options)
        settings = {name: self.declare_parameter(name, value).value for name, value in DEFAULTS.items()}
        self.root = f"{settings['prefix']}/{settings['device']}"
        self.frame_id = settings["frame_id"]
        kept = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.moods = self.create_publisher(Mood, "~/mood", kept)
        self.events = self.create_publisher(MoodEvent, "~/event", 100)
        self.create_subscription(Bool, "~/camera", self.switch_camera, 10)
        self.newest = None
        self.seqs = {}
        self.lock = threading.Lock()
        self.client = new_client(f"ros2-{self.get_fully_qualified_name()}-{settings['device']}".replace("/", "-"))
        self.client.on_connect = lambda client, *_: client.subscribe([(f"{self.root}/{leaf}", 1) for leaf in LEAVES])
        self.client.on_message = lambda client, userdata, message: self.receive(message)
        self.client.on_disconnect = lambda *_: self.away("no connection to the broker")
        self.client.reconnect_delay_set(1, 30)
        if settings["user"]:
            self.client.username_pw_set(settings["user"], first_line(settings["password_file"]))
        self.client.connect_async(settings["broker"], settings["port"])
        self.client.loop_start()

    def receive(self, message):
        """In paho's thread: one message of the broker."""
        leaf = message.topic[len(self.root) + 1 :]
        try:
            if leaf == "state" and message.payload:
                self.publish_mood(convert.mood(message.payload, self.frame_id))
            elif leaf == "event":
                self.publish_event(convert.event(message.payload, self.frame_id))
            elif leaf == "status" and message.payload not in (b"", b"online"):
                self.away(f"the device is {message.payload.decode(errors='replace')}")
        # What a stranger publishes must not end the node.
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.get_logger().warning(f"{message.topic} is not what a moodring publishes: {error!r}", throttle_duration_sec=10.0)

    def publish_mood(self, mood):
        with self.lock:
            self.newest = mood
            self.moods.publish(mood)

    def publish_event(self, event):
        """Events come at least once; here each goes out once."""
        if event.seq <= self.seqs.get(event.run, 0):
            return
        if len(self.seqs) > 64:
            self.seqs.clear()
        self.seqs[event.run] = event.seq
        self.events.publish(event)

    def away(self, reason):
        """The last mood is old: say so once."""
        with self.lock:
            if self.newest is None or not self.newest.online or not rclpy.ok():
                return
            self.newest.online = False
            self.moods.publish(self.newest)
        self.get_logger().warning(reason)

    def switch_camera(self, message):
        """Asks the device; never retained, it would be obeyed again at each of its connections."""
        self.client.publish(f"{self.root}/camera/set", "on" if message.data else "off", qos=1)

    def destroy_node(self):
        self.client.disconnect()
        self.client.loop_stop()
        super().destroy_node()


LEAVES = ("status", "state", "event")


def new_client(name):
    """A client of paho 2, or of paho 1.6, which Ubuntu 24.04 has. Its session lasts: the broker keeps events meanwhile."""
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    first = () if versions is None else (versions.VERSION2,)
    return mqtt.Client(*first, client_id=name, clean_session=False)


def first_line(path):
    if not path:
        return None
    with open(path, encoding="utf-8") as file:
        return file.readline().rstrip("\n")


def main():
    rclpy.init()
    node = MoodPublisher()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
