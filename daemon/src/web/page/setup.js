// First steps: shows how everything is set, tries parts, and saves.
import { ask, byId, el } from './dom.js';

const TEXTS = ['responsible', 'way_out', 'device', 'camera', 'display'];
const IN_NETWORK = 'address';

const now = await ask('api/v1/setup');
for (const [id, choices] of [['camera', now.cameras], ['display', now.displays]]) {
  byId(id).replaceChildren(...choices.map(({ name, about }) => el('option', { value: name, textContent: about ? `${name} (${about})` : name })));
}
byId('camera').append(el('option', { value: IN_NETWORK, textContent: 'a camera in the network, by its address' }));
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

for (const button of document.querySelectorAll('[data-try]')) {
  button.addEventListener('click', async () => {
    const part = button.dataset.try;
    const line = byId(`try-${part}`);
    button.disabled = true;
    line.className = '';
    line.textContent = 'Trying …';
    try {
      const { ok, says, mend } = await send(`api/v1/setup/try/${part}`);
      line.className = ok ? 'good' : 'bad';
      line.textContent = ok ? `Works: ${says}.` : `${says}. To mend it: ${mend}.`;
    } catch (error) {
      line.className = 'bad';
      line.textContent = error.message;
    }
    button.disabled = false;
    button.focus();
  });
}

byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const says = byId('says');
  says.replaceChildren();
  try {
    const done = await send('api/v1/setup');
    if (done.saved) {
      const before = done.before ? ` The file before is ${done.before}.` : '';
      says.replaceChildren(el('p', { className: 'done', textContent: `Saved in ${done.file}.${before} It counts from the next start: sudo systemctl restart moodring, or end it and start it again.` }));
    } else {
      says.replaceChildren(el('p', { className: 'trouble', textContent: done.error }), el('pre', { textContent: done.text, tabIndex: 0 }));
    }
  } catch (error) {
    says.replaceChildren(el('p', { className: 'trouble', textContent: error.message }));
  }
  says.scrollIntoView({ block: 'nearest' });
});
