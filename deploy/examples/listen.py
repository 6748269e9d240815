#!/usr/bin/env python3
"""Follows a moodring: its state, and every event exactly once. Needs paho-mqtt (apt install python3-paho-mqtt).

    ./listen.py hall --broker broker.local            follow the device called hall
    ./listen.py hall --broker broker.local --off      switch its camera off, and say what came of it
"""
import argparse
import json

import paho.mqtt.client as mqtt

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("device")
parser.add_argument("--broker", default="127.0.0.1")
parser.add_argument("--port", type=int, default=1883)
parser.add_argument("--off", action="store_true", help="switch the camera off")
args = parser.parse_args()
root = f"moodring/{args.device}"
last = {}  # the newest number of each run


def on_connect(client, userdata, flags, reason, properties=None):
    for leaf in ("status", "state", "event", "camera/state", "camera/error"):
        client.subscribe(f"{root}/{leaf}", qos=1)
    if args.off:
        client.publish(f"{root}/camera/set", "off", qos=1)  # never retained


def on_message(client, userdata, message):
    leaf = message.topic.removeprefix(root + "/")
    text = message.payload.decode()
    if leaf == "state":
        state = json.loads(text)
        print(f"{state['emoji']} {state['mood']} {state['confidence']:.0%}, {state['people_count']} in view", flush=True)
    elif leaf == "event":
        event = json.loads(text)
        run, seq = event["run"], event["seq"]
        before = last.get(run, seq - 1)
        if seq <= before:
            return  # told twice after a broken connection: the number says so
        if seq > before + 1:
            print(f"events {before + 1} to {seq - 1} came while nobody listened", flush=True)
        last[run] = seq
        print(f"event {seq}: {event['kind']} {event.get('from', '')} -> {event.get('to', '')}", flush=True)
    else:
        print(f"{leaf}: {text}", flush=True)


# A session of its own name that lasts: the broker keeps events while this program is away.
versions = getattr(mqtt, "CallbackAPIVersion", None)  # paho 1.6 of Debian 12 has none
client = mqtt.Client(*([versions.VERSION2] if versions else []), client_id=f"listen-{args.device}", clean_session=False)
client.on_connect = on_connect
client.on_message = on_message
client.connect(args.broker, args.port)
client.loop_forever()
