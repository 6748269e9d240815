/* MagicMirror module: the emoji of a moodring. Copy this folder into modules/, run `npm install mqtt` in it, and add to
 * config.js:
 *   { module: "MMM-moodring", position: "top_right", config: { url: "mqtt://broker.local", device: "hall" } }
 */
Module.register("MMM-moodring", {
  defaults: { url: "mqtt://127.0.0.1", device: "hall", showName: true },

  start() {
    this.state = null;
    this.sendSocketNotification("MOODRING_FOLLOW", this.config);
  },

  socketNotificationReceived(name, message) {
    // Several mirrors' modules share one helper.
    if (name !== "MOODRING_STATE" || message.device !== this.config.device) return;
    this.state = message.state;
    this.updateDom(300);
  },

  getDom() {
    const box = document.createElement("div");
    box.className = "large bright";
    box.textContent = this.state ? this.state.emoji : "…";
    if (this.state && this.config.showName) {
      const name = document.createElement("div");
      name.className = "small dimmed";
      name.textContent = this.state.mood;
      box.appendChild(name);
    }
    return box;
  },
});
