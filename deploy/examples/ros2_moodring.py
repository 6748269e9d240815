#!/usr/bin/env python3
"""A ROS 2 node: a moodring's expression as std_msgs, for robots. Needs rclpy and paho-mqtt 2.

    ros2 run --prefix python3 ... or just: python3 ros2_moodring.py --ros-args -p device:=hall -p broker:=broker.local

Publishes /moodring/expression (String), /moodring/confidence (Float32) and /moodring/event (String, JSON).
Subscribes /moodring/camera (Bool): the camera on or off.
"""
import json

import paho.mqtt.client as mqtt
import rclpy
from rclpy.node import Node
from std_msgs.msg import Bool, Float32, String


class Moodring(Node):
    def __init__(self):
        super().__init__("moodring")
        device = self.declare_parameter("device", "hall").value
        broker = self.declare_parameter("broker", "127.0.0.1").value
        self.root = f"moodring/{device}"
        self.expression = self.create_publisher(String, "moodring/expression", 10)
        self.confidence = self.create_publisher(Float32, "moodring/confidence", 10)
        self.event = self.create_publisher(String, "moodring/event", 100)
        self.create_subscription(Bool, "moodring/camera", self.switch_camera, 10)
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"ros2-{device}", clean_session=False)
        self.client.on_connect = self.on_connect
        self.client.on_message = self.on_message
        self.client.connect_async(broker)
        self.client.loop_start()

    def on_connect(self, client, userdata, flags, reason, properties):
        client.subscribe([(f"{self.root}/state", 1), (f"{self.root}/event", 1)])

    def on_message(self, client, userdata, message):
        text = message.payload.decode()
        if message.topic.endswith("/event"):
            self.event.publish(String(data=text))
            return
        state = json.loads(text)
        self.expression.publish(String(data=state["mood"]))
        self.confidence.publish(Float32(data=float(state["confidence"])))

    def switch_camera(self, message):
        self.client.publish(f"{self.root}/camera/set", "on" if message.data else "off", qos=1)


rclpy.init()
rclpy.spin(Moodring())
