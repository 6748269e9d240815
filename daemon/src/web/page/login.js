// The door: sends the password, and goes to the page if it opens.
import { useLanguage } from './words.js';

useLanguage();
const form = document.getElementById('form');
const says = document.getElementById('says');
const password = document.getElementById('password');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  says.hidden = true;
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
    says.textContent = (await answer.json()).error;
  } catch {
    says.textContent = 'The device does not answer.';
  }
  says.hidden = false;
  button.disabled = false;
  password.select();
});
