/* The module's half that speaks MQTT. */
const NodeHelper = require("node_helper");
const mqtt = require("mqtt");

module.exports = NodeHelper.create({
  socketNotificationReceived(name, config) {
    if (name !== "MOODRING_FOLLOW") return;
    const root = `moodring/${config.device}`;
    const tell = (state) => this.sendSocketNotification("MOODRING_STATE", { device: config.device, state });
    const client = mqtt.connect(config.url);
    client.on("connect", () => client.subscribe([`${root}/state`, `${root}/status`]));
    client.on("message", (topic, payload) => {
      const text = payload.toString();
      // A device that is gone shows nothing, not its last expression.
      if (topic.endsWith("/status")) return text === "online" ? undefined : tell(null);
      try {
        const { emoji, mood } = JSON.parse(text);
        tell({ emoji, mood });
      } catch (error) {
        console.error(`MMM-moodring: ${error.message}`);
      }
    });
    client.on("error", (error) => console.error(`MMM-moodring: ${error.message}`));
  },
});
