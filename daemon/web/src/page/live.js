// The live view: what the device tells by server-sent events. Draws no face itself; the device's renderer does.
import { showControls } from './control.js';
import { showPreview } from './preview.js';
import { follow } from './follow.js';
import { bars, byId, clock, duration, el, emoji, percent, showError } from './dom.js';
import { locale, mood, shownAs, t } from './words.js';

const CAMERA = { starting: 'wait', running: 'good', lost: 'bad', off: 'off', ended: 'off', elsewhere: 'off', away: 'bad' };
const BROKER = { online: 'good', connecting: 'wait', off: 'off' };
const MOST_EVENTS = 60;
/** Numbers of events that may come again after a broken connection. A page may be open for months. */
const MOST_SEEN = 200;
/** People with bars of their own; more are one line, so that a crowd does not push the page away. */
const MOST_PEOPLE = 3;

export function startLive({ changed }) {
  const seen = new Set();
  follow('api/v1/events?face=true&recent=40', {
    state: (event) => showState(JSON.parse(event.data)),
    face: (event) => {
      byId('face').src = `data:image/png;base64,${event.data}`;
    },
    event: (event) => {
      if (seen.has(event.lastEventId)) return;
      seen.add(event.lastEventId);
      if (seen.size > MOST_SEEN) seen.delete(seen.values().next().value);
      const message = JSON.parse(event.data);
      showEvent(message);
      if (message.kind !== 'summary') changed();
    },
  }, {
    up: () => chip('chip-link', 'good', t('link.live')),
    down: () => chip('chip-link', 'bad', t('link.reconnecting')),
    refused: sayWhy,
  });
}

/** Why the browser was refused. */
async function sayWhy() {
  const answer = await fetch('api/v1/state').catch(() => null);
  if (answer?.status === 401) location.assign('login');
  else if (answer?.ok) chip('chip-link', 'bad', t('link.full'));
}

function chip(id, state, text) {
  const node = byId(id);
  node.dataset.state = state;
  if (node.textContent !== text) node.textContent = text;
}

/** Sets text only if it differs: a screen reader should hear changes and nothing else. */
function setText(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

function showState(state) {
  setText('device', state.device);
  setText('version', state.version);
  chip('chip-camera', CAMERA[state.camera] ?? 'wait', t(`camera.${state.camera}`));
  chip('chip-broker', BROKER[state.broker] ?? 'wait', t(`broker.${state.broker}`));
  const off = state.camera === 'off';
  const shown = shownAs(state);
  const label = mood(shown);
  setText('mood', label);
  byId('mood').dataset.mood = off ? 'off' : state.mood;
  document.title = `${label} · ${state.device} · moodring`;
  byId('face').alt = t('live.face', { mood: label });
  const lasts = duration(Date.parse(state.time) - Date.parse(state.since));
  const people = t('live.people', { count: state.people_count });
  // Who is uncertain is not "48 % sure" of that.
  const isSure = state.confidence > 0 && !['uncertain', 'nobody'].includes(state.mood);
  const sure = isSure ? `${t('live.sure', { percent: percent(state.confidence) })}, ` : '';
  const now = shown === state.camera ? t('page.waiting') : `${sure}${t('live.for', { time: lasts })}. ${people}.`;
  setText('mood-text', off ? t('live.off') : now);
  const trouble = byId('trouble');
  trouble.hidden = !state.trouble || off;
  if (state.trouble) showError(trouble, t('live.trouble'), state.trouble);
  showPeople(state);
  showMachine(state);
  showControls(state.controls);
  showPreview(state.controls);
}

/** What the device decided that this face shows; older devices send the likeliest expression alone. */
const shows = (face) => face.mood ?? face.expression;

function showPeople(state) {
  const box = byId('people');
  const first = state.people.slice(0, MOST_PEOPLE);
  const here = new Set(first.map((person) => String(person.track)));
  for (const node of [...box.children]) {
    if (!here.has(node.dataset.track)) node.remove();
  }
  first.forEach((person, at) => {
    let node = box.querySelector(`[data-track="${person.track}"]`);
    if (!node) {
      node = el('section', { className: 'person', dataset: { track: String(person.track) } },
        el('h3', {}, emoji(shows(person), 28), el('span')), bars(person.scores));
      node.dataset.shows = shows(person);
    }
    if (box.children[at] !== node) box.insertBefore(node, box.children[at] ?? null);
    if (node.dataset.shows !== shows(person)) {
      node.dataset.shows = shows(person);
      node.querySelector('img').replaceWith(emoji(shows(person), 28));
    }
    // Bars that name an expression beside "uncertain" want a reason.
    const away = shows(person) === 'uncertain' && person.facing === false;
    const label = mood(shows(person)) + (away ? `, ${t('photo.away')}` : '');
    const title = t('live.person', { track: person.track, mood: label });
    const heading = node.querySelector('h3 span');
    if (heading.textContent !== title) heading.textContent = title;
    bars(person.scores, node.querySelector('.bars'));
  });
  showMore(state.people.slice(MOST_PEOPLE));
}

/** The others of a crowd, in one line. */
function showMore(others) {
  const counts = new Map();
  for (const person of others) counts.set(shows(person), (counts.get(shows(person)) ?? 0) + 1);
  const moods = [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${count} ${mood(name)}`).join(', ');
  byId('people-more').hidden = !others.length;
  setText('people-more', others.length ? t('live.more', { count: others.length, moods }) : '');
}

const decimal = (number, digits) => number.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });

function showMachine(state) {
  const [width, height] = state.frame_px;
  const facts = [
    [t('machine.camera'), state.source === 'synthetic' ? t('setup.source.synthetic') : state.camera_name ?? state.source],
    [t('machine.picture'), width ? `${width} × ${height}` : t('machine.none')],
    [t('machine.frames'), t('machine.rate', { rate: decimal(state.frames_per_second, 1), skipped: state.frames_skipped })],
    [t('machine.runs'), duration(state.monotonic_ms)],
  ];
  const list = byId('machine');
  facts.forEach(([name, value], at) => {
    if (!list.children[at]) list.append(el('div', {}, el('dt', { textContent: name }), el('dd', { translate: at > 0 })));
    const node = list.children[at].lastChild;
    if (node.textContent !== value) node.textContent = value;
  });
  const stages = Object.entries(state.stages_ms);
  const total = stages.reduce((sum, [, ms]) => sum + ms, 0);
  const rows = [...stages, ['all', total]];
  const box = byId('stages');
  rows.forEach(([name, ms], at) => {
    if (!box.children[at]) {
      box.append(el('div', { className: 'bar' }, el('span', { className: 'bar-name', textContent: t(`stage.${name}`, {}, name) }),
        el('span', { className: 'bar-rail' }, el('span', { className: 'bar-fill' })), el('span', { className: 'bar-value' })));
    }
    box.children[at].querySelector('.bar-fill').style.width = `${total ? (ms / total) * 100 : 0}%`;
    box.children[at].lastChild.textContent = decimal(ms, 2);
  });
}

const part = (name) => t(`part.${name}`, {}, name);
const sentence = (text) => text.charAt(0).toLocaleUpperCase(locale()) + text.slice(1);
/** Only a camera that somebody switched off is crossed out; the others look as the display does then. */
const CAMERA_LOOK = { starting: 'starting', off: 'camera-off', elsewhere: 'nobody', ended: 'nobody', away: 'fault', lost: 'fault' };

const WORDS = {
  // Nobody sleeps who just came, and whoever is left may be awake.
  appeared: (e) => ['neutral', t('event.appeared', { track: e.track })],
  left: (e) => ['neutral', t('event.left', { track: e.track, time: duration(e.stayed_ms) })],
  changed: (e) => [e.to, t('event.changed', { to: mood(e.to), time: duration(e.lasted_ms), from: mood(e.from) })],
  crowd: (e) => [e.dominant ?? 'neutral', t('live.people', { count: e.count })],
  facing: (e) => ['neutral', t(e.facing ? 'event.here' : 'event.elsewhere', { track: e.track })],
  summary: (e) => ['neutral', t('event.summary', { time: duration(e.interval_s * 1000), appeared: e.appeared, changed: e.changed })],
  fault: (e) => ['fault', t('event.fault', { what: part(e.what) }), e.reason],
  recovery: (e) => ['happy', t('event.recovery', { what: part(e.what) })],
  dropped: (e) => ['fault', t('event.dropped', { count: e.count })],
  camera: (e) => [CAMERA_LOOK[e.to] ?? 'neutral', sentence(t(`camera.${e.to}`))],
};

function showEvent(event) {
  const [look, text, detail] = WORDS[event.kind]?.(event) ?? ['neutral', event.kind];
  const list = byId('events');
  list.querySelector('.hint')?.remove();
  const line = el('span', { textContent: text });
  if (detail) showError(line, `${text}:`, detail);
  list.prepend(el('li', {}, emoji(look, 24), line,
    el('time', { dateTime: event.time, textContent: clock(event.time) })));
  while (list.children.length > MOST_EVENTS) list.lastChild.remove();
}
