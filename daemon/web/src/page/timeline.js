// The last hour or day as a strip of colours, and the same as text.
import { ask, byId, duration, el, percent } from './dom.js';
import { locale, mood as moodLabel, t } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 1000;
const HEIGHT = 56;
const EVERY_MS = 10_000;

export function startTimeline() {
  let hours = 1;
  let waiting = false;
  byId('span').addEventListener('change', (event) => {
    hours = Number(event.target.value);
    refresh();
  });

  async function refresh() {
    if (waiting || document.hidden) return;
    waiting = true;
    try {
      draw(await ask(`api/v1/timeline?hours=${hours}`), hours);
    } catch {
      // The live view shows that the device is away.
    }
    waiting = false;
  }
  setInterval(refresh, EVERY_MS);
  document.addEventListener('visibilitychange', refresh);
  refresh();
  return { refresh };
}

function draw({ from, to, moods }, hours) {
  const spans = moods.map(([at, mood], i) => ({ mood, at, until: moods[i + 1]?.[0] ?? to }));
  const shares = new Map();
  for (const { mood, at, until } of spans) {
    if (mood !== 'off' && mood !== 'nobody') shares.set(mood, (shares.get(mood) ?? 0) + until - at);
  }
  const sum = [...shares.values()].reduce((a, b) => a + b, 0);
  const sorted = [...shares].filter(([, ms]) => ms / sum >= 0.005).sort((a, b) => b[1] - a[1]);
  const description = sorted.map(([mood, ms]) => `${moodLabel(mood)} ${percent(ms / sum)}`).join(', ');
  const title = t(hours === 1 ? 'timeline.hour' : 'timeline.day', { shares: description || t('timeline.none') });

  const x = (time) => ((time - from) / (to - from)) * WIDTH;
  const strip = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': title });
  for (const { mood, at, until } of spans) {
    const bar = svg('rect', { x: x(at), y: 0, width: Math.max(0.6, x(until) - x(at)), height: HEIGHT, 'data-mood': mood });
    bar.append(svg('title', {}, `${moodLabel(mood)}: ${duration(until - at)}`));
    strip.append(bar);
  }
  const marks = el('div', { className: 'marks', ariaHidden: 'true' });
  for (let i = 0; i <= 4; i += 1) {
    const time = new Date(from + ((to - from) * i) / 4);
    marks.append(el('span', { textContent: time.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit' }) }));
  }
  byId('timeline').replaceChildren(strip, marks);
  const items = sorted.map(([mood, ms]) => el('li', {}, el('span', { className: 'dot', dataset: { mood } }),
    `${moodLabel(mood)} ${percent(ms / sum)}`, el('span', { className: 'hint', textContent: ` ${duration(ms)}` })));
  byId('shares').replaceChildren(...(items.length ? items : [el('li', { className: 'hint', textContent: t('timeline.none') })]));
}

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}
