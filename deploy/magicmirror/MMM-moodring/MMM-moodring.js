/* global Log, Module */
/* The module's half in the browser: draws what its node_helper sends. It asks for nothing but its own settings' number,
 * so that no page in the network can make the helper contact anybody else. */

/** The helper answers so often; it has forgotten us when MagicMirror's server was started anew. */
const ASK_MS = 15_000;
const SILENCE_MS = 50_000;

Module.register("MMM-moodring", {
  requiresVersion: "2.30.0",

  defaults: {
    url: "http://127.0.0.1:8080", // the moodring's page, or mqtt://BROKER
    device: "", // its id; needed with mqtt:// only
    token: "", // what its web.token_file holds; or TOKEN@FILE, see the README
    face: "auto", // "live" (as on its display, moving; not with mqtt://), "still" or "none"; auto: live if it can be
    size: 160, // pixels
    text: true, // the expression in words
    people: false, // how many are in view
    hideNobody: false, // nothing while nobody is in view
  },

  start() {
    this.update = { look: "starting", people: 0, problem: null };
    this.heard = Date.now();
    this.ask();
    setInterval(() => this.ask(), ASK_MS);
  },

  ask() {
    this.sendSocketNotification("MOODRING_FOLLOW", { identifier: this.identifier });
    if (Date.now() - this.heard < SILENCE_MS) return;
    this.update = { ...this.update, people: 0, problem: { key: "mirror.server", values: {} } };
    this.show();
  },

  getStyles() {
    return [this.file("MMM-moodring.css")];
  },

  getTranslations() {
    return Object.fromEntries(["en", "de", "fr", "es", "it"].map((code) => [code, `translations/${code}.json`]));
  },

  socketNotificationReceived(name, message) {
    // Several modules of this kind share one helper.
    if (message.identifier !== this.identifier) return;
    this.heard = Date.now();
    if (name === "MOODRING_UPDATE") {
      this.update = message.update;
      this.show();
    } else if (name === "MOODRING_FACE") {
      if (this.nodes && this.isLive()) this.showPicture(`data:image/png;base64,${message.png}`);
    } else if (name === "MOODRING_EVENT") {
      // For other modules: appeared, left, changed ...
      this.sendNotification("MOODRING_EVENT", message.event);
    }
  },

  getDom() {
    const create = (tag, className) => {
      const node = document.createElement(tag);
      node.className = className;
      return node;
    };
    const box = create("div", "moodring");
    box.style.setProperty("--moodring-size", `${Number(this.config.size) || this.defaults.size}px`);
    this.nodes = {
      box,
      face: create("div", "moodring-face"),
      word: create("div", "moodring-word medium bright"),
      people: create("div", "moodring-people small dimmed"),
      problem: create("div", "moodring-problem xsmall dimmed"),
    };
    box.append(this.nodes.face, this.nodes.word, this.nodes.people, this.nodes.problem);
    this.shown = null;
    this.show();
    return box;
  },

  show() {
    if (!this.nodes) return; // before the first getDom
    const { look, people, problem } = this.update;
    const { box, face, word, problem: line, people: count } = this.nodes;
    box.dataset.look = look;
    box.hidden = this.config.hideNobody && look === "nobody" && !problem;
    face.hidden = this.config.face === "none";
    // What is old, or not there, has no live face.
    if (!this.isLive() || problem || look === "starting") this.showPicture(this.file(`faces/${look}.png`));
    // The last word of a device that is away would be taken for the present one.
    word.textContent = this.config.text && !problem ? this.word() : "";
    const inView = people === 1 ? "live.people.one" : "live.people.other";
    count.textContent = this.config.people && people > 0 ? this.translate(inView, { count: people }) : "";
    line.textContent = problem ? this.translate(problem.key, problem.values) : "";
    box.classList.toggle("moodring-away", Boolean(problem));
  },

  /** The look in words, as moodring's own page has them. */
  word() {
    const { look } = this.update;
    return this.translate(`mood.${{ "camera-off": "off", fault: "lost" }[look] ?? look}`);
  },

  isLive() {
    const { face, url } = this.config;
    return face === "live" || (face === "auto" && !url.startsWith("mqtt"));
  },

  /** Puts a picture over the one before; a still one fades in. */
  showPicture(address) {
    if (this.shown === address) return;
    this.shown = address;
    const picture = new Image();
    picture.alt = this.word();
    picture.src = address;
    picture.decode().then(
      () => {
        const { face } = this.nodes;
        if (this.shown !== address) return; // a newer one came meanwhile
        const before = [...face.children];
        face.append(picture);
        if (this.isLive()) return before.forEach((node) => node.remove());
        before.forEach((node) => node.classList.add("moodring-going"));
        setTimeout(() => before.forEach((node) => node.remove()), 400);
      },
      () => Log.warn(`MMM-moodring: a picture of ${this.update.look} cannot be shown`),
    );
  },
});
