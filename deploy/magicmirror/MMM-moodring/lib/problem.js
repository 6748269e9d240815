/* Why nothing comes: a text's key in the translations, which are those of moodring's page, and what is filled in. Pure. */
const ENGLISH = require("../translations/en.json");

const problem = (key, values = {}) => ({ key, values });

/** In English, for the log. */
function inEnglish({ key, values }) {
  return ENGLISH[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** An error that carries a problem. */
class Problem extends Error {
  constructor(key, values) {
    super(key);
    this.problem = problem(key, values);
  }
}

const BY_CODE = { ECONNREFUSED: "mirror.refused", ENOTFOUND: "mirror.name", EAI_AGAIN: "mirror.name", EHOSTUNREACH: "mirror.way", ENETUNREACH: "mirror.way" };

/** The problem behind an error. fetch hides the reason in `cause`; where several addresses were tried, `errors` has the reasons. */
function problemOf(error) {
  if (error.problem) return error.problem;
  const { cause } = error;
  const code = cause?.code ?? error.code ?? cause?.errors?.[0]?.code;
  if (code in BY_CODE) return problem(BY_CODE[code]);
  if (error instanceof SyntaxError) return problem("mirror.garbled");
  return problem("mirror.trouble", { reason: cause?.message || error.message || code || "?" });
}

module.exports = { Problem, inEnglish, problem, problemOf };
