// The face alone, for a screen on a wall or a frame in another page. What it shows is drawn by the device, as SVG.
//
// ?background=black|transparent  ?text=none|mood|device|both  ?shift=SECONDS (0: never)  ?nobody=show|hide  ?token=TOKEN
import { follow } from './follow.js';
import { mood, shownAs, useLanguage } from './words.js';

/** How far the face moves so that nothing burns in, as a share of the screen. */
const SHIFT = 0.015;

/** Seconds between two places: longer than a day is a day, shorter than a second is one; 0 and less is never. What is no number is the usual. */
const USUAL_S = 60;
const LONGEST_S = 86_400;
function seconds(given) {
  const wanted = given?.trim() ? Number(given) : USUAL_S;
  if (Number.isNaN(wanted)) return USUAL_S;
  return wanted > 0 ? Math.min(LONGEST_S, Math.max(1, wanted)) : 0;
}

const asked = new URLSearchParams(location.search);
const choice = (name, all) => all.find((one) => one === asked.get(name)?.trim().toLowerCase()) ?? all[0];
const background = choice('background', ['black', 'transparent']);
const text = choice('text', ['none', 'mood', 'device', 'both']);
const nobody = choice('nobody', ['show', 'hide']);
const shiftSeconds = seconds(asked.get('shift'));
const token = asked.get('token');

const stage = document.getElementById('stage');
const face = document.getElementById('face');
const label = document.getElementById('text');
document.body.dataset.background = background;
label.hidden = text === 'none';
addEventListener('contextmenu', (event) => event.preventDefault());

let shown = '';

/** Another token may count now: the device's own sheet shows it. */
async function refused() {
  const answer = await fetch(`api/v1/state${token ? `?${new URLSearchParams({ token })}` : ''}`).catch(() => null);
  if (answer?.status === 401) location.reload();
}

async function show(svg) {
  const before = shown;
  shown = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  const next = shown;
  const image = new Image();
  image.src = next;
  // Decoded first, so that nothing flickers; a newer one may have come meanwhile.
  await image.decode().catch(() => {});
  if (next === shown) face.src = next;
  if (before) setTimeout(() => URL.revokeObjectURL(before), 1000);
}

function showState(state) {
  const moodLabel = mood(shownAs(state));
  face.alt = moodLabel;
  stage.classList.toggle('hidden', nobody === 'hide' && state.mood === 'nobody');
  const lines = { mood: [moodLabel], device: [state.device], both: [moodLabel, state.device] }[text] ?? [];
  if (label.textContent !== lines.join(' · ')) label.textContent = lines.join(' · ');
}

/** Slowly round in a small figure that never stands still at one place. */
function shift(turn) {
  const [x, y] = [Math.sin(turn * 1.1), Math.sin(turn * 1.7 + 1)];
  stage.style.transform = `translate(${(x * SHIFT * innerWidth).toFixed(1)}px, ${(y * SHIFT * innerHeight).toFixed(1)}px)`;
}

if (shiftSeconds > 0) {
  let turn = 0;
  setInterval(() => shift((turn += 1)), shiftSeconds * 1000);
}
await useLanguage();
const query = new URLSearchParams({ svg: 'true', ...(token ? { token } : {}) });
follow(`api/v1/events?${query}`, {
  svg: (event) => show(event.data),
  state: (event) => showState(JSON.parse(event.data)),
}, {
  up: () => stage.classList.remove('away'),
  down: () => stage.classList.add('away'),
  refused,
});
