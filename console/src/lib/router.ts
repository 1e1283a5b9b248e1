// Where the reader is, kept behind the `#` of the address: no server sees it, so no log can hold which contact somebody looked at,
// and the files need no rewriting wherever they are served from.
import { useSyncExternalStore } from 'react';

export interface Place {
  /** Decoded parts of the path: `/contacts/a%2Fb` is `['contacts', 'a/b']`. */
  parts: string[];
  query: URLSearchParams;
  /** As it stands in the address, without `#`. */
  text: string;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function placeOf(hash: string): Place {
  const text = hash.replace(/^#/, '') || '/';
  const cut = text.indexOf('?');
  const path = cut < 0 ? text : text.slice(0, cut);
  const parts = path.split('/').filter(Boolean).map(decode);
  return { parts, query: new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1)), text };
}

let current = placeOf('');

function read(): Place {
  const hash = window.location.hash;
  const next = placeOf(hash);
  if (next.text !== current.text) current = next;
  return current;
}

function subscribe(heard: () => void): () => void {
  window.addEventListener('hashchange', heard);
  return () => window.removeEventListener('hashchange', heard);
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, read);
}

/** An address within the console; parts are encoded, and parameters without a value left out. */
export function to(parts: string[], query: Record<string, string | number | undefined> = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, String(value)]]));
  const search = new URLSearchParams(pairs).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${search ? `?${search}` : ''}`;
}

export function go(address: string, replace = false): void {
  if (replace) {
    window.history.replaceState(null, '', address);
    window.dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    window.location.hash = address;
  }
}

/** Changes parameters of where the reader is, without a new entry in their history. */
export function amend(query: Record<string, string | number | undefined>): void {
  const { parts, query: now } = read();
  go(to(parts, { ...Object.fromEntries(now), ...query }), true);
}
