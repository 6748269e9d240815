"""Both nodes and the daemon between them: ros2 launch moodring_ros moodring.launch.py image:=/camera/image_raw device:=robot"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def generate_launch_description():
    image, device = LaunchConfiguration("image"), LaunchConfiguration("device")
    return LaunchDescription(
        [
            DeclareLaunchArgument("image", default_value="/camera/image_raw"),
            DeclareLaunchArgument("device", default_value="robot"),
            Node(package="moodring_ros", executable="image_feeder", remappings=[("image", image)]),
            # With its own broker on loopback, which the publisher then follows.
            ExecuteProcess(
                cmd=["moodring", "run", "--source", "http://127.0.0.1:8090/", "--display", "none"],
                additional_env={"MOODRING_DEVICE__ID": device},
            ),
            Node(package="moodring_ros", executable="mood_publisher", parameters=[{"device": device}]),
        ]
    )
