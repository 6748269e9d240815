/* A moodring through a broker. */
const { problem, problemOf } = require("./problem");

function followMqtt(settings, inputs, connect = load()) {
  const root = `moodring/${settings.device}`;
  let online = true;
  let newest = null;
  // Each run's newest number: an event may come twice after a broken connection.
  const last = new Map();
  const client = connect(settings.url, { reconnectPeriod: 5_000, connectTimeout: 10_000 });
  client.on("connect", () => client.subscribe(["status", "state", "event"].map((leaf) => `${root}/${leaf}`), { qos: 1 }));
  client.on("message", (topic, payload) => {
    try {
      receive(topic.slice(root.length + 1), payload.toString());
    } catch {
      inputs.away(problem("mirror.garbled"));
    }
  });
  client.on("error", (error) => inputs.away(problemOf(error)));
  client.on("close", () => inputs.away(problem("mirror.broker")));

  function receive(leaf, text) {
    if (text === "") return; // a retained message was taken back
    if (leaf === "status") {
      online = text === "online";
      // The retained state of a device that is gone is old.
      if (!online) inputs.away(problem("mirror.offline", { device: settings.device }));
      else if (newest) inputs.state(newest);
    } else if (leaf === "state") {
      newest = JSON.parse(text);
      if (online) inputs.state(newest);
    } else if (leaf === "event") {
      const event = JSON.parse(text);
      if (event.seq <= (last.get(event.run) ?? 0)) return;
      last.set(event.run, event.seq);
      inputs.event(event);
    }
  }

  return () => client.end(true);
}

function load() {
  try {
    return require("mqtt").connect;
  } catch {
    throw new Error("mqtt:// needs `npm install` once in modules/MMM-moodring");
  }
}

module.exports = { followMqtt };
