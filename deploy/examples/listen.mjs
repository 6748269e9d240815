#!/usr/bin/env node
// Follows a moodring: its state, and every event exactly once. Needs mqtt 5 (npm install mqtt).
//
//     node listen.mjs hall mqtt://broker.local
import mqtt from "mqtt";

const [device = "hall", url = "mqtt://127.0.0.1"] = process.argv.slice(2);
const root = `moodring/${device}`;
const last = new Map(); // the newest number of each run

// A session of its own name that lasts: the broker keeps events while this program is away.
const client = mqtt.connect(url, { clientId: `listen-js-${device}`, clean: false });

client.on("connect", () => {
  client.subscribe(["status", "state", "event"].map((leaf) => `${root}/${leaf}`), { qos: 1 });
});

client.on("message", (topic, payload) => {
  const leaf = topic.slice(root.length + 1);
  if (leaf === "state") {
    const state = JSON.parse(payload);
    console.log(`${state.emoji} ${state.mood} ${Math.round(state.confidence * 100)} %, ${state.people_count} in view`);
  } else if (leaf === "event") {
    const event = JSON.parse(payload);
    const before = last.get(event.run) ?? event.seq - 1;
    if (event.seq <= before) return; // told twice after a broken connection: the number says so
    if (event.seq > before + 1) console.log(`events ${before + 1} to ${event.seq - 1} came while nobody listened`);
    last.set(event.run, event.seq);
    console.log(`event ${event.seq}: ${event.kind} ${event.from ?? ""} -> ${event.to ?? ""}`);
  } else {
    console.log(`${leaf}: ${payload}`);
  }
});

client.on("error", (error) => console.error(error.message));
