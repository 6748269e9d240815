/* From what a moodring publishes to what the mirror shows. Pure. */

const LOOKS = [
  "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
  "uncertain", "nobody", "camera-off", "starting", "fault",
];
const CAMERA = { off: "camera-off", ended: "camera-off", starting: "starting", lost: "fault" };

/** What a state looks like. Words that are newer than this module are `uncertain`. */
function look(state) {
  if (state === null || typeof state !== "object" || Array.isArray(state)) throw new Error("a state is no JSON object");
  const name = CAMERA[state.camera] ?? state.mood;
  return {
    look: LOOKS.includes(name) ? name : "uncertain",
    people: Number.isInteger(state.people_count) ? state.people_count : 0,
    problem: null,
  };
}

/** Whether two updates show the same. */
function same(one, other) {
  return one?.look === other?.look && one?.people === other?.people && JSON.stringify(one?.problem) === JSON.stringify(other?.problem);
}

module.exports = { LOOKS, look, same };
