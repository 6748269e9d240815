// The camera's picture, where the device allows it: on and off for everybody, a mode for oneself, and how long it lasts.
import { ask, byId, showError } from './dom.js';
import { t } from './words.js';

const AGAIN_MS = 1500;
let on = false;
let mode = 'emoji';
let again = 0;

export function startPreview() {
  const set = async (state) => {
    byId('preview-says').textContent = '';
    try {
      await ask('api/v1/control/preview', { method: 'POST', body: state });
    } catch (error) {
      showError(byId('preview-says'), t('error.refused'), error);
    }
  };
  byId('preview-on').addEventListener('click', () => set('on'));
  for (const id of ['preview-off', 'on-air-off']) byId(id).addEventListener('click', () => set('off'));
  byId('preview-modes').addEventListener('change', (event) => {
    mode = event.target.value;
    watch();
  });
  // The device ends a stream when it ends, or has no place left: as long as the preview is on, it is tried again.
  byId('preview-picture').addEventListener('error', () => {
    clearTimeout(again);
    again = setTimeout(watch, AGAIN_MS);
  });
  // A page that nobody sees takes no place.
  document.addEventListener('visibilitychange', watch);
}

function watch() {
  clearTimeout(again);
  const picture = byId('preview-picture');
  const wanted = on && !document.hidden;
  byId('preview-screen').hidden = !on;
  // Another address each time: else the browser would show the end of the last stream.
  if (wanted) picture.src = `api/v1/preview.mjpeg?mode=${mode}#${Date.now()}`;
  else picture.removeAttribute('src');
  picture.alt = t(`preview.${mode}`);
  // Colours explain themselves to nobody.
  byId('preview-about').hidden = !(on && mode === 'heat');
  byId('preview-about').textContent = t('preview.heat');
}

/** Shows whether it is on, to everybody who looks at this page. */
export function showPreview(controls) {
  byId('preview').hidden = !controls.preview_allowed;
  const left = controls.preview_left_s ?? 0;
  const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  for (const node of document.querySelectorAll('.preview-left')) node.textContent = text;
  const now = controls.preview === 'on';
  if (now === on) return;
  on = now;
  const held = document.activeElement === byId('preview-on') || document.activeElement === byId('preview-off');
  byId('on-air').hidden = !on;
  byId('preview-on').hidden = on;
  byId('preview-off').hidden = !on;
  byId('preview').classList.toggle('is-on', on);
  // Who works by keyboard stays where the button was.
  if (held) byId(on ? 'preview-off' : 'preview-on').focus();
  watch();
}
