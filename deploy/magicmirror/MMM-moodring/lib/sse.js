/* Server-sent events out of chunks of text. Pure. */

const LONGEST = 4_000_000;

/** A reader; each call with a chunk returns the events that it completes: { kind, data, id }. */
function eventReader() {
  let begun = "";
  let event = { kind: "", data: "", id: "" };
  return (chunk) => {
    const lines = (begun + chunk).split("\n");
    begun = lines.pop();
    if (begun.length > LONGEST) throw new Error("a line of its event stream is too long");
    const complete = [];
    for (const line of lines) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (name === "event") event.kind = value;
      else if (name === "data") event.data = value;
      else if (name === "id") event.id = value;
      else if (line === "") {
        if (event.kind) complete.push(event);
        event = { kind: "", data: "", id: "" };
      }
    }
    return complete;
  };
}

module.exports = { eventReader };
