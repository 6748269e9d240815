// The page's texts in the browser's language, out of one table that the device uses, too.
let table = {};
let language = 'en';

/** Loads the table and takes the first of the browser's languages that it has; the page's elements get their texts. */
export async function useLanguage() {
  try {
    const answer = await fetch('assets/words.json');
    if (answer.ok) table = await answer.json();
  } catch {
    // Then the page stays in English, which stands in it.
  }
  const known = Object.keys(table['mood.happy'] ?? {});
  const wanted = [new URLSearchParams(location.search).get('lang'), ...navigator.languages];
  language = wanted.map((tag) => (tag ?? '').toLowerCase().split('-')[0]).find((tag) => known.includes(tag)) ?? 'en';
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t, {}, node.textContent);
  for (const name of ['placeholder', 'aria-label', 'alt', 'title']) {
    for (const node of document.querySelectorAll(`[data-t-${name}]`)) {
      node.setAttribute(name, t(node.getAttribute(`data-t-${name}`), {}, node.getAttribute(name)));
    }
  }
}

/** The text of this key with `{name}` filled in; `count` takes `key.one` or `key.other` by the language's rules. */
export function t(key, values = {}, otherwise = key) {
  const plural = values.count === undefined ? '' : `.${new Intl.PluralRules(language).select(values.count) === 'one' ? 'one' : 'other'}`;
  const texts = table[key + plural] ?? {};
  const text = texts[language] ?? texts.en ?? otherwise;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The language with the browser's own region, for times and numbers. */
export const locale = () => navigator.languages.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? language;

/** What the device shows instead of a mood: somebody switched the camera off, or nobody is there because no picture comes. */
export function shownAs(state) {
  if (state.camera === 'off') return 'off';
  return state.mood === 'nobody' && ['starting', 'lost', 'away'].includes(state.camera) ? state.camera : state.mood;
}

/** A mood's, an expression's or the camera's label, or its name where the table has none. */
export const mood = (name) => t(`mood.${name}`, {}, name);
