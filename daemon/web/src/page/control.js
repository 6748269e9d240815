// The controls: each sends one text, and shows what the device answers that it became.
import { ask, bars, byId, el, refusal, save, showError } from './dom.js';
import { t } from './words.js';

const SETTLE_MS = 1500;
let touched = 0;

export function startControl() {
  const message = byId('control-says');
  async function set(thing, value) {
    touched = Date.now();
    try {
      await ask(`api/v1/control/${thing}`, { method: 'POST', body: String(value) });
      message.textContent = '';
    } catch (error) {
      showError(message, t('error.refused'), error);
      touched = 0;
    }
  }
  for (const thing of ['camera', 'display']) {
    byId(`set-${thing}`).addEventListener('change', (event) => set(thing, event.target.checked ? 'on' : 'off'));
  }
  for (const thing of ['source', 'theme', 'brightness', 'sensitivity']) {
    byId(`set-${thing}`).addEventListener('change', (event) => set(thing, event.target.value));
  }
  byId('do-restart').addEventListener('click', () => set('restart', 'restart'));
  byId('resting-learn').addEventListener('click', () => set('calibrate', 'start'));
  byId('resting-erase').addEventListener('click', () => set('calibrate', 'erase'));
  byId('do-picture').addEventListener('click', () => set('picture', 'take'));
  byId('do-picture-here').addEventListener('click', async () => {
    try {
      const answer = await fetch('api/v1/picture', { method: 'POST' });
      if (!answer.ok) throw refusal(answer, await answer.json());
      const [, name] = answer.headers.get('content-disposition')?.match(/filename="([^"]+)"/) ?? [];
      save(await answer.blob(), name ?? 'moodring.jpg');
      message.textContent = '';
    } catch (error) {
      showError(message, t('error.refused'), error);
    }
  });
}

/** The kept resting face, and how far learning one is; also while somebody is just turning a knob. */
function showResting({ state, percent, waits_for: waits, scores }) {
  const reason = waits ? t(`page.resting.${waits}`) : '';
  const key = state === 'running' && waits ? 'waits' : state;
  byId('resting-says').textContent = t(`page.resting.${key}`, { percent, reason });
  byId('resting-erase').hidden = !scores && state !== 'running';
  byId('resting-learn').disabled = state === 'running';
  byId('resting-scores').replaceChildren(...(scores ? [bars(scores)] : []));
}

/** Shows how everything is set; not while somebody is just turning a knob. */
export function showControls(controls) {
  if (!controls) return;
  showResting(controls.calibration);
  if (Date.now() - touched < SETTLE_MS) return;
  byId('control').hidden = false;
  byId('set-camera').checked = controls.camera === 'on';
  byId('set-display').checked = controls.display === 'on';
  for (const node of document.querySelectorAll('.needs-display')) node.hidden = !controls.has_display;
  byId('do-picture').hidden = !controls.picture;
  byId('do-picture-here').hidden = !controls.picture_here;
  options('set-source', controls.sources, controls.source);
  byId('source-row').hidden = controls.sources.length < 2;
  options('set-theme', controls.themes, controls.theme, (name) => t(`theme.${name}`, {}, name));
  for (const thing of ['brightness', 'sensitivity']) {
    const node = byId(`set-${thing}`);
    if (document.activeElement !== node) node.value = controls[thing];
  }
}

function options(id, names, chosen, word = (name) => name) {
  const node = byId(id);
  if (document.activeElement === node) return;
  const known = [...node.options].map((option) => option.value);
  if (known.join('\n') !== names.join('\n')) node.replaceChildren(...names.map((name) => el('option', { value: name, textContent: word(name), translate: word(name) !== name })));
  node.value = chosen;
}
