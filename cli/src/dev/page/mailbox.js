'use strict';
const $ = (id) => document.getElementById(id);
const panes = $('panes'), list = $('list');
let mails = [], chosen = null, wanted = 50, asked = 0;

const person = (address) => address.replace(/\s*<[^>]*>\s*$/, '').replace(/^"|"$/g, '') || address;
const clock = (at) => {
  const time = new Date(at);
  const today = time.toDateString() === new Date().toDateString();
  return time.toLocaleString([], today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' });
};
const make = (tag, text, kind) => {
  const node = document.createElement(tag);
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
};
const chips = (mail) => {
  const counts = new Map();
  for (const one of mail.happenings) {
    const words = { open: 'opened', click: `clicked ${one.link || 'a link'}`, bounce: 'bounced', complain: 'reported as spam' };
    const label = words[one.kind] + (one.machine ? ' by a machine' : '');
    const bad = one.kind === 'bounce' || one.kind === 'complain';
    counts.set(label, { times: (counts.get(label)?.times ?? 0) + 1, bad });
  }
  return [...counts].map(([label, { times, bad }]) => make('span', times > 1 ? `${label} ×${times}` : label, bad ? 'chip bad' : 'chip'));
};

function row(mail) {
  const item = document.createElement('li');
  item.id = `row-${mail.id}`;
  item.setAttribute('role', 'option');
  item.setAttribute('aria-selected', String(mail.id === chosen));
  if (!mail.happenings.some((one) => one.kind === 'open')) item.className = 'new';
  const top = make('div', '', 'row');
  const time = make('time', clock(mail.at));
  time.dateTime = mail.at;
  top.append(make('b', person(mail.from)), time);
  const marks = make('div', '', 'chips');
  marks.append(...chips(mail));
  item.append(top, make('span', mail.subject, 'subject'), make('div', `to ${mail.to}`, 'to'), marks);
  item.addEventListener('click', () => choose(mail.id));
  return item;
}

function draw() {
  list.replaceChildren(...mails.map(row));
  list.hidden = mails.length === 0;
  const searching = $('search').value.trim() !== '';
  $('count').textContent = mails.length === 0 && searching ? 'nobody of that name' : mails.length === 1 ? '1 mail' : `${mails.length} mails`;
  $('more').hidden = mails.length < wanted;
  const mail = mails.find((one) => one.id === chosen);
  $('empty').hidden = mails.length > 0 || searching || chosen !== null;
  $('none').hidden = chosen !== null || !$('empty').hidden;
  $('mail').classList.toggle('alone', !$('empty').hidden);
  if (chosen) list.setAttribute('aria-activedescendant', `row-${chosen}`);
  if (mail) $('chips').replaceChildren(...chips(mail));
}

async function refresh() {
  const turn = ++asked;
  const query = new URLSearchParams({ limit: wanted, q: $('search').value.trim() });
  try {
    const answer = await fetch(`/_dev/mailbox?${query}`);
    if (!answer.ok || turn !== asked) return;
    const found = await answer.json();
    if (JSON.stringify(found) !== JSON.stringify(mails)) { mails = found; draw(); }
  } catch { $('count').textContent = 'carepath dev does not answer'; }
}

async function act(action) {
  const answer = await fetch(`/_dev/mailbox/${chosen}/${action}`, { method: 'POST' });
  if (!answer.ok) $('count').textContent = 'that could not be recorded';
  await refresh();
}

function choose(id) {
  const mail = mails.find((one) => one.id === id);
  if (!mail) return;
  chosen = id;
  panes.classList.add('reading');
  $('reader').hidden = false;
  for (const part of ['subject', 'from', 'to']) $(part).textContent = mail[part];
  $('at').textContent = new Date(mail.at).toLocaleString([], { dateStyle: 'full', timeStyle: 'medium' });
  $('body-text').textContent = mail.text;
  const lines = { ...mail.headers, 'Message-ID': mail.id, ...Object.fromEntries(Object.entries(mail.tags).map(([k, v]) => [`tag ${k}`, v])) };
  $('body-headers').textContent = Object.entries(lines).map(([name, value]) => `${name}: ${value}`).join('\n');
  $('frame').src = `/_dev/mailbox/${id}/view`;
  tab('html');
  draw();
  act('open');
}

function tab(name) {
  for (const part of ['html', 'text', 'headers']) {
    $(`tab-${part}`).setAttribute('aria-selected', String(part === name));
    $(`tab-${part}`).tabIndex = part === name ? 0 : -1;
    $(`body-${part}`).hidden = part !== name;
  }
}

const parts = ['html', 'text', 'headers'];
for (const [nth, part] of parts.entries()) {
  $(`tab-${part}`).addEventListener('click', () => tab(part));
  $(`tab-${part}`).addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = parts[(nth + step + parts.length) % parts.length];
    tab(next);
    $(`tab-${next}`).focus();
  });
}
list.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || mails.length === 0) return;
  event.preventDefault();
  const at = mails.findIndex((one) => one.id === chosen);
  choose(mails[Math.max(0, Math.min(mails.length - 1, at + step))].id);
  $(`row-${chosen}`).scrollIntoView({ block: 'nearest' });
});
$('back').addEventListener('click', () => panes.classList.remove('reading'));
$('phone').addEventListener('click', () => {
  const on = $('body-html').classList.toggle('narrow');
  $('phone').setAttribute('aria-pressed', String(on));
});
$('bounce').addEventListener('click', () => act('bounce'));
$('complain').addEventListener('click', () => act('complain'));
$('more').addEventListener('click', () => { wanted = Math.min(1000, wanted + 50); refresh(); });
$('search').addEventListener('input', refresh);
refresh().then(draw);
setInterval(() => { if (!document.hidden) refresh(); }, 2000);
