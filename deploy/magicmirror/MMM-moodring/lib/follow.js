/* Follows one moodring: connects again when the connection broke, and passes on changes only. */
const { followHttp } = require("./http");
const { followMqtt } = require("./mqtt");
const { look, same } = require("./look");
const { inEnglish } = require("./problem");

/** `out` has update, face, event and log. Returns what ends it. */
function follow(settings, out) {
  let shown = null;
  let said = null;
  const show = (update) => {
    if (same(shown, update)) return;
    shown = update;
    out.update(update);
  };
  const inputs = {
    state: (state) => {
      said = null;
      show(look(state));
    },
    face: out.face,
    event: out.event,
    /** What is shown is old: say why, once in the log. */
    away: (problem) => {
      const reason = inEnglish(problem);
      if (said !== reason) out.log(`${settings.url}: ${reason}`);
      said = reason;
      show({ look: shown?.look ?? "starting", people: 0, problem });
    },
  };
  return settings.kind === "mqtt" ? followMqtt(settings, inputs) : followHttp(settings, inputs);
}

module.exports = { follow };
