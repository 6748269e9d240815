// The device's server-sent events, for as long as somebody looks. A connection that died without an end (the network went away, the
// machine slept) looks open for ever: the device sends four states a second, so silence is an end, too.
const RETRY_MS = 5000;
const SILENCE_MS = 15_000;

/** Calls `kinds[KIND]` for each event; `up` and `down` as the connection comes and goes, `refused` if the device does not want it now. */
export function follow(address, kinds, { up, down, refused }) {
  let source = null;
  let retry = 0;
  let watch = 0;

  function close() {
    clearTimeout(retry);
    clearInterval(watch);
    source?.close();
    source = null;
  }

  function open() {
    close();
    let lastReceived = performance.now();
    const own = new EventSource(address);
    source = own;
    for (const [kind, act] of Object.entries({ open: up, ...kinds })) {
      own.addEventListener(kind, (event) => {
        lastReceived = performance.now();
        act(event);
      });
    }
    own.addEventListener('error', () => {
      if (own !== source) return;
      down();
      if (own.readyState !== EventSource.CLOSED) return;
      // The browser gave up, because it was refused: later there may be room.
      retry = setTimeout(open, RETRY_MS);
      refused();
    });
    watch = setInterval(() => {
      if (performance.now() - lastReceived < SILENCE_MS) return;
      down();
      open();
    }, SILENCE_MS / 5);
  }

  // A page that nobody sees costs the device nothing, and none of the six connections that a browser has for it: tabs may open in
  // the background.
  const visible = () => (document.hidden ? close() : open());
  document.addEventListener('visibilitychange', visible);
  visible();
}
