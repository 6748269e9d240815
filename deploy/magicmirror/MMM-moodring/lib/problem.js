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

// Node's codes, and those of its fetch.
const CODES = {
  "mirror.refused": ["ECONNREFUSED"],
  "mirror.name": ["ENOTFOUND", "EAI_AGAIN"],
  "mirror.way": ["EHOSTUNREACH", "ENETUNREACH"],
  "mirror.silent": ["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"],
  "mirror.ended": ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"],
  "mirror.certificate": ["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
};
const BY_CODE = Object.fromEntries(Object.entries(CODES).flatMap(([key, codes]) => codes.map((code) => [code, key])));

/** The problem behind an error. fetch hides the reason in `cause`; where several addresses were tried, `errors` has the reasons. */
function problemOf(error) {
  if (error.problem) return error.problem;
  const { cause } = error;
  const code = cause?.code ?? error.code ?? cause?.errors?.[0]?.code;
  if (Object.hasOwn(BY_CODE, code ?? "")) return problem(BY_CODE[code]);
  if (error instanceof SyntaxError) return problem("mirror.garbled");
  return problem("mirror.trouble", { reason: cause?.message || error.message || code || "?" });
}

module.exports = { Problem, inEnglish, problem, problemOf };
