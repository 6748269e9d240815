"""As colcon wants it."""
from setuptools import setup

NAME = "moodring_ros"

setup(
    name=NAME,
    version="0.1.0",
    packages=[NAME],
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", ["launch/moodring.launch.py"]),
    ],
    install_requires=["setuptools"],
    zip_safe=True,
    maintainer="The moodring contributors",
    maintainer_email="moodring@example.org",
    description="A moodring in ROS 2: its moods as messages, and the robot's camera as its eye",
    license="MIT OR Apache-2.0",
    entry_points={
        "console_scripts": [
            f"mood_publisher = {NAME}.mood_publisher:main",
            f"image_feeder = {NAME}.image_feeder:main",
        ],
    },
)
