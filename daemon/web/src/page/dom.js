// Small helpers that every part of the page uses. Knows no part.
import { locale, mood, t } from './words.js';

export const EXPRESSIONS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];

/** An element with properties and children; text is never read as HTML. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'dataset') Object.assign(node.dataset, value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export const byId = (id) => document.getElementById(id);
export const percent = (share) => `${Math.round(share * 100)} %`;
export const emojiUrl = (name, size) => `api/v1/emoji/${encodeURIComponent(name)}.png?size=${size}`;

/** Our own emoji; empty `alt` where the name stands beside it. */
export function emoji(name, side, alt = '') {
  return el('img', { src: emojiUrl(name, Math.min(512, side * 2)), width: side, height: side, alt });
}

/** Seven bars, the likeliest marked; kept and changed in place, so that they glide. */
export function bars(scores, box = el('div', { className: 'bars' })) {
  const top = EXPRESSIONS.reduce((a, b) => (scores[b] > scores[a] ? b : a));
  for (const name of EXPRESSIONS) {
    let row = box.querySelector(`[data-name="${name}"]`);
    if (!row) {
      row = el('div', { className: 'bar', dataset: { name } },
        el('span', { className: 'bar-name', textContent: mood(name) }),
        el('span', { className: 'bar-rail' }, el('span', { className: 'bar-fill', dataset: { mood: name } })),
        el('span', { className: 'bar-value' }));
      box.append(row);
    }
    row.classList.toggle('likely', name === top);
    row.querySelector('.bar-fill').style.width = `${Math.max(0.5, scores[name] * 100)}%`;
    row.querySelector('.bar-value').textContent = percent(scores[name]);
  }
  return box;
}

/** 75 s as `1 min`: how long something lasts, for people. */
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

export const clock = (time) => new Date(time).toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** JSON from this device; an error with the device's text. A visitor that is logged out goes to the login page. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, options).catch(() => { throw new Error(t('error.silent')); });
  if (answer.status === 401) {
    location.assign('login');
    throw new Error(t('page.login'));
  }
  const text = await answer.text();
  let value = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    throw new Error(t('error.garbled', { status: answer.status }));
  }
  if (!answer.ok) throw refusal(answer, value);
  return value;
}

/** The error of a refused request; `detail` is the device's own text, in English. */
export function refusal(answer, value) {
  const error = new Error(t('error.number', { status: answer.status }));
  return Object.assign(error, { status: answer.status, detail: value?.error, wait: answer.headers.get('retry-after') });
}

/** An error as a sentence in the reader's language, and the device's own text, which is English. */
export function showError(node, text, error) {
  const detail = typeof error === 'string' ? error : error.detail;
  const short = typeof error === 'string' || detail ? text : error.message;
  const said = detail ? [' ', el('span', { className: 'detail', lang: 'en', textContent: detail })] : [];
  if (node.textContent !== [short, ...said.map((part) => part.textContent ?? part)].join('')) node.replaceChildren(short, ...said);
}

/** Gives a file to the browser to keep. */
export function save(blob, name) {
  const link = el('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
