/* The module's half on the mirror: follows each moodring of the configuration once, however many browsers look. */
const NodeHelper = require("node_helper");
const { follow } = require("./lib/follow");
const { problem } = require("./lib/problem");
const { moduleSettings } = require("./lib/settings");

module.exports = NodeHelper.create({
  start() {
    this.followed = new Map();
    this.said = null;
  },

  stop() {
    for (const { stop } of this.followed.values()) stop();
  },

  socketNotificationReceived(name, message) {
    if (name !== "MOODRING_FOLLOW") return;
    const identifier = message?.identifier;
    const known = this.followed.get(identifier);
    // Another browser, or the same one again.
    if (known) return known.repeat();
    try {
      // The settings of the file, not of the browser's message: anybody in the network could send one.
      this.followed.set(identifier, this.begin(identifier, moduleSettings(global.config?.modules, identifier)));
    } catch (error) {
      // The browser asks again and again, and a token's file may come.
      if (this.said !== error.message) console.error(`MMM-moodring: ${error.message}`);
      this.said = error.message;
      const failed = problem("mirror.settings", { reason: error.message });
      this.tell(identifier, "MOODRING_UPDATE", { update: { look: "fault", people: 0, problem: failed } });
    }
  },

  /** Follows one moodring: what ends that, and what tells a browser that came later. */
  begin(identifier, settings) {
    let newest = { update: { look: "starting", people: 0, problem: null } };
    const stop = follow(settings, {
      update: (update) => {
        newest = { update };
        this.tell(identifier, "MOODRING_UPDATE", newest);
      },
      face: (png) => this.tell(identifier, "MOODRING_FACE", { png }),
      event: (event) => this.tell(identifier, "MOODRING_EVENT", { event }),
      log: (text) => console.error(`MMM-moodring: ${text}`),
    });
    return { stop, repeat: () => this.tell(identifier, "MOODRING_UPDATE", newest) };
  },

  tell(identifier, name, message) {
    this.sendSocketNotification(name, { identifier, ...message });
  },
});
