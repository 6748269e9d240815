/* A moodring by its page's address: its server-sent events. */
const { Problem, problemOf } = require("./problem");
const { eventReader } = require("./sse");

const BACKOFF_MS = [2_000, 30_000];
// It sends a sign of life every 15 s.
const SILENCE_MS = 45_000;

function followHttp(settings, inputs, { backoffMs = BACKOFF_MS, silenceMs = SILENCE_MS } = {}) {
  let ended = false;
  let retry;
  let wait = backoffMs[0];
  let lastId = "";
  let abort = new AbortController();

  async function connect() {
    abort = new AbortController();
    let silence;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(new Problem("mirror.silent")), silenceMs);
    };
    try {
      heard();
      const answer = await fetch(`${settings.url}/api/v1/events${settings.live ? "?face=true" : ""}`, {
        headers: {
          ...(settings.token && { authorization: `Bearer ${settings.token}` }),
          ...(lastId && { "last-event-id": lastId }),
        },
        signal: abort.signal,
      });
      if (!answer.ok) throw await refusal(answer);
      const read = eventReader();
      const decoder = new TextDecoder();
      for await (const bytes of answer.body) {
        heard();
        for (const event of read(decoder.decode(bytes, { stream: true }))) pass(event);
      }
      throw new Problem("mirror.ended");
    } catch (error) {
      if (!ended) again(problemOf(error));
    } finally {
      clearTimeout(silence);
      abort.abort();
    }
  }

  function pass({ kind, data, id }) {
    if (id) lastId = id;
    if (kind === "face") return inputs.face(data);
    const message = JSON.parse(data);
    if (kind === "state") {
      wait = backoffMs[0];
      inputs.state(message);
    } else if (kind === "event") inputs.event(message);
  }

  function again(reason) {
    inputs.away(reason);
    retry = setTimeout(connect, wait);
    wait = Math.min(2 * wait, backoffMs[1]);
  }

  connect();
  return () => {
    ended = true;
    clearTimeout(retry);
    abort.abort();
  };
}

/** Why it refuses; else than for these it says so itself, in English. */
async function refusal(answer) {
  if (answer.status === 401) return new Problem("mirror.locked");
  if (answer.status === 429) return new Problem("mirror.full");
  const body = await answer.json().catch(() => null);
  return new Problem("mirror.answer", { reason: body?.error ?? `HTTP ${answer.status}` });
}

module.exports = { followHttp };
