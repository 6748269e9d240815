// Puts the parts together.
import { ask, byId, el } from './dom.js';
import { startControl } from './control.js';
import { startHistory } from './history.js';
import { startLive } from './live.js';
import { startPhotos } from './photo.js';
import { startPreview } from './preview.js';
import { startTimeline } from './timeline.js';
import { useLanguage } from './words.js';

await useLanguage();

const timeline = startTimeline();
startPhotos();
startPreview();
startControl();
startHistory({ forgotten: timeline.refresh });
startLive({ changed: timeline.refresh });

const door = await ask('api/v1/door');
byId('logout').hidden = !door.locked;
byId('first').hidden = !door.setup;
for (const page of door.others) byId('others').append(el('a', { href: page, textContent: new URL(page).host, translate: false }));
byId('others').hidden = !door.others.length;
byId('logout').addEventListener('click', async () => {
  await fetch('logout', { method: 'POST' });
  location.assign('login');
});
