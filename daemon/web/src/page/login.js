// The door: sends the password, and goes to the page if it opens.
import { t, useLanguage } from './words.js';

/** What the device's refusals mean, by status. */
const REASONS = {
  401: () => t('login.wrong'),
  404: () => t('login.open'),
  429: (seconds) => t('login.wait', { seconds }),
};

useLanguage();
const form = document.getElementById('form');
const message = document.getElementById('says');
const password = document.getElementById('password');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  message.hidden = true;
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    const answer = await fetch('login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password: password.value }),
    });
    if (answer.ok) {
      location.replace('./');
      return;
    }
    const seconds = answer.headers.get('retry-after');
    message.textContent = REASONS[answer.status]?.(seconds) ?? t('error.number', { status: answer.status });
  } catch {
    message.textContent = t('error.silent');
  }
  message.hidden = false;
  button.disabled = false;
  password.select();
});
