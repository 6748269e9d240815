"""A moodring in ROS 2.

| module | what lives there |
|---|---|
| `convert` | a moodring's JSON to messages; no node |
| `mood_publisher` | node: moods and events as messages, the camera's switch as a service |
| `pictures` | the encodings of cameras' images, to JPEG; no ROS |
| `mjpeg` | JPEGs to whoever asks over HTTP; no ROS |
| `image_feeder` | node: the robot's camera topic as a source of the moodring |
"""
