// The live view: what the device tells by server-sent events. Draws no face itself; the device's renderer does.
import { showControls } from './control.js';
import { showPreview } from './preview.js';
import { bars, byId, clock, duration, el, emoji, percent } from './dom.js';

const CAMERA = { starting: 'wait', running: 'good', lost: 'bad', off: 'off', ended: 'off', elsewhere: 'off', away: 'bad' };
const BROKER = { online: 'good', connecting: 'wait', off: 'off' };
const MOST_EVENTS = 60;
const RETRY_MS = 5000;

export function startLive({ changed }) {
  let source = null;
  let retry = 0;
  const seen = new Set();

  function open() {
    clearTimeout(retry);
    source?.close();
    source = new EventSource('api/v1/events?face=true&recent=40');
    source.addEventListener('open', () => chip('chip-link', 'good', 'live'));
    source.addEventListener('state', (event) => showState(JSON.parse(event.data)));
    source.addEventListener('face', (event) => {
      byId('face').src = `data:image/png;base64,${event.data}`;
    });
    source.addEventListener('event', (event) => {
      if (seen.has(event.lastEventId)) return;
      seen.add(event.lastEventId);
      const told = JSON.parse(event.data);
      showEvent(told);
      if (told.kind !== 'summary') changed();
    });
    source.addEventListener('error', async () => {
      chip('chip-link', 'bad', 'reconnecting');
      if (source.readyState !== EventSource.CLOSED) return;
      // The browser gave up, because it was refused: say why, and try again later.
      retry = setTimeout(open, RETRY_MS);
      const answer = await fetch('api/v1/state').catch(() => null);
      if (answer?.status === 401) location.assign('login');
      else if (answer?.ok) chip('chip-link', 'bad', 'too many viewers');
    });
  }

  // A page that nobody sees costs the device nothing.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      source?.close();
      clearTimeout(retry);
    } else {
      open();
    }
  });
  open();
}

function chip(id, state, text) {
  const node = byId(id);
  node.dataset.state = state;
  if (node.textContent !== text) node.textContent = text;
}

/** Sets text only if it differs: a screen reader should hear changes and nothing else. */
function say(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

function showState(state) {
  say('device', state.device);
  say('version', state.version);
  chip('chip-camera', CAMERA[state.camera] ?? 'wait', `camera ${state.camera}`);
  chip('chip-broker', BROKER[state.broker] ?? 'wait', `broker ${state.broker}`);
  const off = state.camera === 'off';
  const word = off ? 'camera off' : state.mood;
  say('mood', word);
  byId('mood').dataset.mood = off ? 'off' : state.mood;
  document.title = `${word} · ${state.device} · moodring`;
  byId('face').alt = `The face on the display: ${word}`;
  const lasts = duration(Date.parse(state.time) - Date.parse(state.since));
  const people = state.people_count === 1 ? '1 person in view' : `${state.people_count} people in view`;
  const sure = state.confidence > 0 && !off ? `${percent(state.confidence)} sure, ` : '';
  say('mood-text', off ? 'Somebody switched the camera off.' : `${sure}for ${lasts}. ${people}.`);
  const trouble = byId('trouble');
  trouble.hidden = !state.trouble || off;
  if (state.trouble) say('trouble', state.trouble);
  showPeople(state);
  showMachine(state);
  showControls(state.controls);
  showPreview(state.controls);
}

function showPeople(state) {
  const box = byId('people');
  const here = new Set(state.people.map((person) => String(person.track)));
  for (const node of [...box.children]) {
    if (!here.has(node.dataset.track)) node.remove();
  }
  state.people.forEach((person, at) => {
    let node = box.querySelector(`[data-track="${person.track}"]`);
    if (!node) {
      node = el('section', { className: 'person', dataset: { track: String(person.track) } },
        el('h3', {}, emoji(person.expression, 28), el('span')), bars(person.scores));
      node.dataset.shows = person.expression;
    }
    if (box.children[at] !== node) box.insertBefore(node, box.children[at] ?? null);
    if (node.dataset.shows !== person.expression) {
      node.dataset.shows = person.expression;
      node.querySelector('img').replaceWith(emoji(person.expression, 28));
    }
    const title = `Person ${person.track}: ${person.expression}`;
    const heading = node.querySelector('h3 span');
    if (heading.textContent !== title) heading.textContent = title;
    bars(person.scores, node.querySelector('.bars'));
  });
}

function showMachine(state) {
  const [width, height] = state.frame_px;
  const facts = [
    ['Camera', state.camera_name ?? state.source],
    ['Picture', width ? `${width} × ${height}` : 'none yet'],
    ['Frames', `${state.frames_per_second.toFixed(1)} a second, ${state.frames_skipped} skipped`],
    ['Running for', duration(state.monotonic_ms)],
  ];
  const list = byId('machine');
  facts.forEach(([name, value], at) => {
    if (!list.children[at]) list.append(el('div', {}, el('dt', { textContent: name }), el('dd')));
    const node = list.children[at].lastChild;
    if (node.textContent !== value) node.textContent = value;
  });
  const stages = Object.entries(state.stages_ms);
  const total = stages.reduce((sum, [, ms]) => sum + ms, 0);
  const rows = [...stages, ['all', total]];
  const box = byId('stages');
  rows.forEach(([name, ms], at) => {
    if (!box.children[at]) {
      box.append(el('div', { className: 'bar' }, el('span', { className: 'bar-name', textContent: name }),
        el('span', { className: 'bar-rail' }, el('span', { className: 'bar-fill' })), el('span', { className: 'bar-value' })));
    }
    box.children[at].querySelector('.bar-fill').style.width = `${total ? (ms / total) * 100 : 0}%`;
    box.children[at].lastChild.textContent = ms.toFixed(2);
  });
}

const WORDS = {
  appeared: (e) => ['nobody', `Person ${e.track} appeared`],
  left: (e) => ['nobody', `Person ${e.track} left after ${duration(e.stayed_ms)}`],
  changed: (e) => [e.to, `${e.to}, after ${duration(e.lasted_ms)} of ${e.from}`],
  crowd: (e) => [e.dominant ?? 'neutral', e.count === 1 ? '1 person in view' : `${e.count} people in view`],
  summary: (e) => ['neutral', `Summary of ${duration(e.interval_s * 1000)}: ${e.appeared} appeared, ${e.changed} changes`],
  fault: (e) => ['fault', `Trouble with the ${e.what}${e.reason ? `: ${e.reason}` : ''}`],
  recovery: (e) => ['happy', `The ${e.what} is back`],
  dropped: (e) => ['fault', `${e.count} events were given up`],
  camera: (e) => [e.to === 'running' ? 'neutral' : 'camera-off', `Camera ${e.to}`],
};

function showEvent(event) {
  const [look, text] = WORDS[event.kind]?.(event) ?? ['neutral', event.kind];
  const list = byId('events');
  list.querySelector('.hint')?.remove();
  list.prepend(el('li', {}, emoji(look, 24), el('span', { textContent: text }),
    el('time', { dateTime: event.time, textContent: clock(event.time) })));
  while (list.children.length > MOST_EVENTS) list.lastChild.remove();
}
