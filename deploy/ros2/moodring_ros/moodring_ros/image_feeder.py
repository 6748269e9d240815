"""Node `image_feeder`: the robot's camera as a source of a moodring on the same machine.

Subscribes `image` (sensor_msgs/Image) and `image/compressed` (sensor_msgs/CompressedImage; a JPEG is passed on as it is).
Serves them as MJPEG on loopback: `moodring run --source http://127.0.0.1:8090/`.
Parameters: `address`, `port`, `quality` (of JPEGs made here, 1 to 95), `rate` (at most so many pictures a second).
"""

import time

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image

from .mjpeg import MjpegServer
from .pictures import png_to_jpeg, to_jpeg

class ImageFeeder(Node):
    """Passes pictures on while somebody reads them."""

    def __init__(self, **options):
        super().__init__("image_feeder", **options)
        address = self.declare_parameter("address", "127.0.0.1").value
        port = self.declare_parameter("port", 8090).value
        self.quality = self.declare_parameter("quality", 90).value
        self.gap_ns = int(1e9 / max(self.declare_parameter("rate", 30.0).value, 0.1))
        self.last_ns = None
        self.server = MjpegServer(address, port)
        self.create_subscription(Image, "image", self.on_image, qos_profile_sensor_data)
        self.create_subscription(CompressedImage, "image/compressed", self.on_compressed, qos_profile_sensor_data)
        self.get_logger().info(f"moodring run --source http://{address}:{self.server.port}/")

    def is_due(self):
        """Whether a picture is wanted now."""
        # The daemon's time, not that of a simulation, which may stand still.
        now = time.monotonic_ns()
        too_early = self.last_ns is not None and now - self.last_ns < self.gap_ns * 0.9
        if not self.server.is_wanted() or too_early:
            return False
        self.last_ns = now
        return True

    def on_image(self, image):
        if not self.is_due():
            return
        try:
            self.server.put(to_jpeg(image, self.quality))
        except ValueError as error:
            self.get_logger().error(str(error), throttle_duration_sec=10.0)

    def on_compressed(self, image):
        if not self.is_due():
            return
        data = bytes(image.data)
        try:
            self.server.put(data if data[:2] == b"\xff\xd8" else png_to_jpeg(data, self.quality))
        except ValueError as error:
            self.get_logger().error(f"{error} (format {image.format!r:.60})", throttle_duration_sec=10.0)

    def destroy_node(self):
        self.server.close()
        super().destroy_node()


def main():
    rclpy.init()
    node = ImageFeeder()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
