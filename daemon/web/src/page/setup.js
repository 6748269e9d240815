// First steps: shows how everything is set, tries parts, and saves.
import { ask, byId, el, showError } from './dom.js';
import { t, useLanguage } from './words.js';

const TEXTS = ['responsible', 'way_out', 'device', 'camera', 'display'];
const IN_NETWORK = 'address';
const SAME_DISPLAY = 'as it is';

/** What the device answers to a choice that is no device's own name. */
const SAME = 'as it is set now';
const ABOUT = {
  auto: 'setup.source.auto',
  rpicam: 'setup.source.rpicam',
  argus: 'setup.source.argus',
  synthetic: 'setup.source.synthetic',
  none: 'setup.nodisplay',
};

await useLanguage();
const now = await ask('api/v1/setup');

function choice({ name, about }) {
  const text = about === SAME ? t('setup.same') : name in ABOUT ? t(ABOUT[name]) : about;
  return el('option', { value: name, textContent: name === SAME_DISPLAY ? text : text ? `${name} (${text})` : name, translate: text !== about });
}

for (const [id, choices] of [['camera', now.cameras], ['display', now.displays]]) {
  byId(id).replaceChildren(...choices.map(choice));
}
byId('camera').append(el('option', { value: IN_NETWORK, textContent: t('setup.network') }));
for (const id of TEXTS) byId(id).value = now[id];
const showAddress = () => { byId('address-label').hidden = byId('camera').value !== IN_NETWORK; };
byId('camera').addEventListener('change', showAddress);
showAddress();
byId('place').value = now.place;
byId('acknowledged').checked = !now.needed;
byId('mqtt').checked = now.broker.enabled;
byId('url').value = now.broker.url;
byId('user').value = now.broker.user;

function answers() {
  return {
    ...Object.fromEntries(TEXTS.map((id) => [id, byId(id).value.trim()])),
    ...(byId('camera').value === IN_NETWORK && { camera: byId('address').value.trim() }),
    place: byId('place').value,
    acknowledged: byId('acknowledged').checked,
    broker: { enabled: byId('mqtt').checked, url: byId('url').value.trim(), user: byId('user').value.trim(), password: byId('password').value },
  };
}

const send = (path) => ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(answers()) });

/** The device's and the system's own texts are English. */
const english = (text) => el('span', { lang: 'en', textContent: text });

/** A sentence of a trial in the reader's language, with the system's reason as it is. */
function sentence(text, translation) {
  const ended = (said) => (/[?!.]$/.test(said) ? said : `${said}.`);
  if (!translation) return [english(ended(text))];
  const { reason, ...values } = translation.values;
  const parts = ended(t(translation.key, values, text)).split('{reason}');
  return parts.flatMap((part, i) => (i ? [english(reason), part] : [part]));
}

for (const button of document.querySelectorAll('[data-try]')) {
  button.addEventListener('click', async () => {
    const part = button.dataset.try;
    const line = byId(`try-${part}`);
    button.disabled = true;
    line.className = '';
    line.textContent = t('setup.trying');
    try {
      const { ok, says, mend, says_word: saysWord, mend_word: mendWord } = await send(`api/v1/setup/try/${part}`);
      line.className = ok ? 'good' : 'bad';
      line.replaceChildren(t(ok ? 'setup.works' : 'setup.fails'), ' ', ...sentence(says, saysWord), ...(ok ? [] : [' ', t('setup.mend'), ' ', ...sentence(mend, mendWord)]));
    } catch (error) {
      line.className = 'bad';
      showError(line, t('error.refused'), error);
    }
    button.disabled = false;
    button.focus();
  });
}

function trouble(message, error, ...more) {
  const line = el('p', { className: 'trouble' });
  showError(line, t('setup.unsaved'), error);
  message.replaceChildren(line, ...more);
}

byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const message = byId('says');
  message.replaceChildren();
  try {
    const done = await send('api/v1/setup');
    if (done.saved) {
      const lines = [t('setup.saved', { file: done.file }), ...(done.before ? [t('setup.before', { file: done.before })] : []), t('setup.restart')];
      message.replaceChildren(el('p', { className: 'done', textContent: lines.join(' ') }));
    } else {
      trouble(message, done.error, el('pre', { textContent: done.text, tabIndex: 0 }));
    }
  } catch (error) {
    trouble(message, error);
  }
  message.scrollIntoView({ block: 'nearest' });
});
