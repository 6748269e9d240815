// Photos: in by drop, choice, paste or camera; out as a picture with emoji and a list of faces. Kept only in this tab.
import { ask, bars, byId, el, emoji, emojiUrl, percent, save, showError } from './dom.js';
import { mood, t } from './words.js';

/** The device reads photos as they are, so that page and command line agree; only what it refuses as too large is scaled down. */
const LONG_PX = 2048;
/** Photos are shown at most so large here. */
const SHOWN_PX = 2048;
const TRIES = 8;
/** Faces that a screen reader hears one by one; more are counted by expression. */
const MOST_TOLD = 6;
const COLOURS = { box: '#ffd23f', ink: '#1d1a14', chosen: '#e0352b' };
const stickers = new Map();

export function startPhotos() {
  const queue = [];
  let busy = false;
  let done = 0;
  let all = 0;

  async function add(files) {
    const photos = [...files].filter((file) => file.size > 0 || file.type.startsWith('image/'));
    if (!photos.length) {
      progress(t('photo.nothing'));
      return;
    }
    all += photos.length;
    queue.push(...photos);
    if (busy) return;
    busy = true;
    while (queue.length) {
      progress(t('photo.reading', { number: done + 1, all }), done / all);
      await one(queue.shift());
      done += 1;
    }
    progress(t('photo.done', { count: done }));
    busy = false;
    done = 0;
    all = 0;
  }

  for (const id of ['choose', 'take']) {
    byId(id).addEventListener('change', (event) => {
      add(event.target.files);
      event.target.value = '';
    });
  }
  document.addEventListener('paste', (event) => {
    if (event.clipboardData?.files.length) add(event.clipboardData.files);
  });
  const drop = byId('drop');
  // Anywhere on the page: who misses the box should not lose the page to the photo.
  addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) drop.classList.remove('over');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    add(event.dataTransfer.files);
  });
  byId('marks').addEventListener('change', () => {
    for (const node of document.querySelectorAll('.result')) node.redraw?.();
  });
}

function progress(text, share) {
  const line = el('span', { textContent: text });
  const bar = share === undefined ? [] : [el('progress', { max: 1, value: share, ariaLabel: t('photo.progress') })];
  byId('progress').replaceChildren(line, ...bar);
}

async function one(file) {
  const name = file.name || 'photo';
  try {
    const bitmap = await createImageBitmap(file).catch(() => null);
    const line = await read(file, name).catch((error) => {
      if (error.status !== 413 || !bitmap) throw error;
      return smaller(bitmap).then((body) => read(body, name));
    });
    if (!bitmap) throw new Error(t('photo.unshown'));
    await show(name, bitmap, line);
  } catch (error) {
    const why = el('p', { className: 'trouble' });
    showError(why, t('photo.unread'), error);
    byId('results').prepend(el('article', { className: 'result failed' }, el('h3', { textContent: name, translate: false }), why));
  }
}

/** The photo scaled down, for a device that takes no larger one. */
async function smaller(bitmap) {
  const scale = Math.min(1, LONG_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = el('canvas', { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
}

async function read(body, name) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask(`api/v1/analyze?crops=true&name=${encodeURIComponent(name)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body,
      });
    } catch (error) {
      if (error.status !== 429 || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function sticker(name) {
  if (!stickers.has(name)) {
    const image = new Image();
    image.src = emojiUrl(name, 512);
    stickers.set(name, image.decode().then(() => image));
  }
  return stickers.get(name);
}

async function show(name, bitmap, line) {
  const scale = Math.min(1, SHOWN_PX / Math.max(line.width, line.height));
  const canvas = el('canvas', { width: Math.round(line.width * scale), height: Math.round(line.height * scale), role: 'img' });
  const count = line.faces.length;
  const all = count > MOST_TOLD ? counted(line.faces) : line.faces.map(caption).join('; ');
  const description = count ? all : t('photo.none');
  canvas.setAttribute('aria-label', `${name}: ${description}`);
  const images = await Promise.all(line.faces.map((face) => sticker(shows(face))));
  const bare = { ...line, faces: line.faces.map(({ crop, heat, ...face }) => face) };
  const list = faceList(line.faces);
  const result = el('article', { className: 'result' },
    el('h3', { textContent: name, translate: false }), canvas,
    el('p', { className: 'found', textContent: count === 0 ? t('photo.none') : found(line.faces) }),
    list,
    el('p', { className: 'buttons' },
      button(t('photo.picture'), () => canvas.toBlob((blob) => save(blob, `${stem(name)}-moodring.png`))),
      button(t('photo.json'), () => save(new Blob([JSON.stringify(bare, null, 2)], { type: 'application/json' }), `${stem(name)}.json`)),
      button(t('photo.remove'), () => result.remove(), 'quiet')));
  result.redraw = () => draw(canvas, bitmap, line, images, scale, opened(list));
  result.redraw();
  byId('marks').hidden = false;
  byId('results').prepend(result);
  result.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
}

/** What the device decided that this face shows. */
const shows = (face) => face.mood ?? face.expression;

function caption(face) {
  const likely = { expression: mood(face.expression), percent: percent(face.confidence) };
  const why = face.facing === false ? `${t('photo.away')}, ` : '';
  return shows(face) === 'uncertain' ? why + t('photo.likely', likely) : `${likely.expression}, ${likely.percent}`;
}

/** How many there are, and of several what they show. */
function found(faces) {
  const count = t('photo.faces', { count: faces.length });
  return faces.length > 1 ? `${count}: ${counted(faces)}` : count;
}

/** `12 happy, 9 neutral`, the most frequent first. */
function counted(faces) {
  const counts = new Map();
  for (const face of faces) counts.set(shows(face), (counts.get(shows(face)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name, many]) => `${many} ${mood(name)}`).join(', ');
}

/** The faces as a list that is never higher than the screen, from the left; each opens to its details, and is then marked in the photo. */
function faceList(faces) {
  const order = faces.map((_, i) => i).sort((a, b) => middle(faces[a]) - middle(faces[b]));
  const list = el('div', { className: 'faces' }, ...order.map((i) => faceItem(faces[i], i)));
  // Who puts in a portrait wants all of it.
  if (faces.length === 1) list.firstChild.open = true;
  return list;
}

const middle = (face) => face.box[0] + face.box[2] / 2;
const opened = (list) => new Set([...list.querySelectorAll('details[open]')].map((node) => Number(node.dataset.face)));

function faceItem(face, index) {
  const uncertain = shows(face) === 'uncertain';
  const item = el('details', { className: 'person', dataset: { face: String(index) } },
    el('summary', {},
      emoji(shows(face), 28), el('span', { className: 'face-word', textContent: mood(shows(face)) }),
      el('span', { className: 'face-share', textContent: uncertain ? '' : percent(face.confidence) })));
  // Its details are made when they are wanted: a crowd has hundreds of faces.
  item.addEventListener('toggle', () => {
    if (item.open && item.children.length === 1) {
      const crops = [face.crop, face.heat].filter(Boolean).map((src) => el('img', { src, width: 72, height: 72, alt: '' }));
      item.append(...(uncertain ? [el('p', { className: 'hint', textContent: caption(face) })] : []),
        el('figure', {}, el('span', { className: 'crop' }, ...crops), el('figcaption', { textContent: t(face.heat ? 'photo.why' : 'photo.net') })),
        bars(face.scores));
    }
    item.closest('.result')?.redraw();
  });
  return item;
}

function button(text, act, kind = 'second') {
  const node = el('button', { type: 'button', className: kind === 'quiet' ? 'quiet' : `button ${kind}`, textContent: text });
  node.addEventListener('click', act);
  return node;
}

const stem = (name) => name.replace(/\.[^.]*$/, '') || 'photo';

function draw(canvas, bitmap, line, images, scale, chosen) {
  const mark = document.querySelector('input[name="mark"]:checked').value;
  const pen = canvas.getContext('2d');
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  // Small faces first, so that the large ones in front cover them.
  const order = line.faces.map((_, i) => i).sort((a, b) => line.faces[a].box[3] - line.faces[b].box[3]);
  for (const i of order) {
    if (mark === 'emoji') drawEmoji(pen, line.faces[i], images[i]);
    if (mark === 'boxes') drawBox(pen, line.faces[i], line.width);
  }
  // Of one face alone everybody knows which it is.
  if (mark !== 'none' && line.faces.length > 1) for (const i of chosen) drawRing(pen, line.faces[i], line.width);
}

function drawEmoji(pen, face, image) {
  const [x, y, width, height] = face.box;
  const side = Math.max(width, height) * 1.25;
  pen.save();
  pen.translate(x + width / 2, y + height / 2);
  pen.rotate((face.roll_deg * Math.PI) / 180);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(image, -side / 2, -side / 2, side, side);
  pen.restore();
}

function drawRing(pen, face, canvasWidth) {
  const [x, y, width, height] = face.box;
  pen.lineWidth = Math.max(2, canvasWidth / 200);
  pen.strokeStyle = COLOURS.chosen;
  pen.beginPath();
  pen.arc(x + width / 2, y + height / 2, Math.max(width, height) * 0.75, 0, 7);
  pen.stroke();
}

function drawBox(pen, face, canvasWidth) {
  const [x, y, width, height] = face.box;
  const unit = Math.max(1, canvasWidth / 500);
  pen.lineWidth = 2 * unit;
  pen.strokeStyle = COLOURS.box;
  pen.strokeRect(x, y, width, height);
  pen.fillStyle = COLOURS.box;
  for (const [px, py] of face.landmarks) {
    pen.beginPath();
    pen.arc(px, py, 2 * unit, 0, 7);
    pen.fill();
  }
  const text = shows(face) === 'uncertain' ? mood('uncertain') : caption(face);
  pen.font = `600 ${13 * unit}px system-ui, sans-serif`;
  const textWidth = pen.measureText(text).width + 8 * unit;
  const top = y > 20 * unit ? y - 19 * unit : y + height;
  pen.fillRect(x - unit, top, textWidth, 19 * unit);
  pen.fillStyle = COLOURS.ink;
  pen.fillText(text, x + 3 * unit, top + 14 * unit);
}
