// The days before: stacked bars by hour or day, by hour of the day, and the way to take all of it away or delete it.
import { ask, byId, duration, el, percent, showError } from './dom.js';
import { locale, mood as moodLabel, t } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const ORDER = ['happy', 'surprise', 'neutral', 'uncertain', 'sad', 'fear', 'angry', 'disgust'];
/** The charts' own unit is a pixel of the page: so labels are as large as text, on a phone, too. */
const WIDEST = 720;
const LABEL_PX = 42;
const HEIGHT = 130;

export function startHistory({ forgotten }) {
  let days = 7;
  async function refresh() {
    try {
      const history = await ask(`api/v1/history?days=${days}`);
      // Shown first: what is hidden has no width, and labels would be drawn for a wide page and shrink.
      byId('history').hidden = false;
      show(history, days);
    } catch (error) {
      showError(byId('history-says'), t('error.refused'), error);
    }
  }
  byId('days').addEventListener('change', (event) => {
    days = Number(event.target.value);
    refresh();
  });
  byId('forget').addEventListener('click', () => byId('sure').showModal());
  byId('sure').addEventListener('close', async () => {
    if (byId('sure').returnValue !== 'delete') return;
    try {
      await ask('api/v1/history', { method: 'DELETE' });
      byId('history-says').textContent = t('page.deleted');
      forgotten();
    } catch (error) {
      showError(byId('history-says'), t('error.refused'), error);
    }
    refresh();
  });
  setInterval(() => document.hidden || refresh(), 60_000);
  // Turned or resized: drawn anew at the new width.
  let waiting = 0;
  addEventListener('resize', () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 300);
  });
  refresh();
}

function show(history, days) {
  for (const [id, path] of [['csv', 'history.csv'], ['jsonl', 'history/events']]) byId(id).href = `api/v1/${path}?days=${days}`;
  const present = history.buckets.filter(([, mood]) => ORDER.includes(mood));
  const sum = present.reduce((all, [, , seconds]) => all + seconds, 0);
  const by = (key) => {
    const groups = new Map();
    for (const [start, mood, seconds] of present) {
      const group = groups.get(key(start)) ?? new Map();
      group.set(mood, (group.get(mood) ?? 0) + seconds);
      groups.set(key(start), group);
    }
    return groups;
  };
  const step = days === 1 ? 3600 : 86_400;
  const count = days === 1 ? 24 : days;
  // Days are those of the clock on the wall, so columns are counted back from today.
  const today = new Date();
  if (days > 1) today.setHours(24, 0, 0, 0);
  const end = days === 1 ? history.to_s : today.getTime() / 1000;
  const column = (start) => count - 1 - Math.floor((end - 1 - start) / step);
  const label = (i) => {
    const date = new Date((end - (count - i) * step) * 1000);
    return days === 1 ? `${String(date.getHours()).padStart(2, '0')}` : date.toLocaleDateString(locale(), { day: 'numeric', month: 'numeric' });
  };
  const top = ORDER.map((mood) => [mood, present.filter(([, m]) => m === mood).reduce((all, [, , s]) => all + s, 0)])
    .filter(([, s]) => s / sum >= 0.005).sort((a, b) => b[1] - a[1]).map(([mood, s]) => `${moodLabel(mood)} ${percent(s / sum)}`).join(', ');
  byId('presence').textContent = sum ? t('history.present', { time: duration(sum * 1000), shares: top }) : t('history.none');
  chart('chart-days', by(column), count, label, t(days === 1 ? 'history.hours' : 'history.days'));
  chart('chart-hours', by((start) => new Date(start * 1000).getHours()), 24, (i) => String(i), t('history.clock'));
}

function chart(id, groups, count, label, title) {
  const most = Math.max(1, ...[...groups.values()].map((g) => [...g.values()].reduce((a, b) => a + b, 0)));
  const width = Math.min(WIDEST, byId(id).clientWidth || WIDEST);
  const svg = node('svg', { viewBox: `0 0 ${width} ${HEIGHT + 18}`, role: 'img', 'aria-label': t('history.highest', { title, time: duration(most * 1000) }) });
  const wide = width / count;
  const every = Math.ceil(count / Math.max(2, Math.floor(width / LABEL_PX)));
  for (let i = 0; i < count; i += 1) {
    let y = HEIGHT;
    for (const mood of ORDER) {
      const seconds = groups.get(i)?.get(mood) ?? 0;
      if (!seconds) continue;
      const tall = (seconds / most) * HEIGHT;
      y -= tall;
      const bar = node('rect', { x: i * wide + wide * 0.1, y, width: wide * 0.8, height: tall, 'data-mood': mood });
      bar.append(node('title', {}, `${label(i)}: ${moodLabel(mood)} ${duration(seconds * 1000)}`));
      svg.append(bar);
    }
    if (i % every === 0) svg.append(node('text', { x: Math.min(width - LABEL_PX / 2, Math.max(LABEL_PX / 2, (i + 0.5) * wide)), y: HEIGHT + 14, 'text-anchor': 'middle' }, label(i)));
  }
  svg.append(node('line', { x1: 0, x2: width, y1: HEIGHT, y2: HEIGHT }));
  byId(id).replaceChildren(el('h3', { textContent: title }), svg);
}

function node(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}
