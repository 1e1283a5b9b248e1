// How times and figures are written. Times stand in the reader's own zone, with the contact's beside where that is another.
import { now as systemNow } from './clock';

const numbers = new Intl.NumberFormat('en');
const shares = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

export const ownZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const count = (n: number): string => numbers.format(n);

/** A share of a whole; a dash where there is no whole. */
export const share = (part: number, whole: number): string => (whole > 0 ? shares.format(part / whole) : '–');

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export function time(at: string, zone?: string | null): string {
  const options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' };
  try {
    return new Intl.DateTimeFormat('en', zone ? { ...options, timeZone: zone } : options).format(new Date(at));
  } catch {
    return new Intl.DateTimeFormat('en', options).format(new Date(at));
  }
}

export function sameClock(at: string, zone: string | null | undefined): boolean {
  return !zone || time(at, zone) === time(at);
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

/** `in 3 days`, `2 hours ago`. */
export function relative(at: string, now = systemNow()): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

/** `wait_for` as people say it. */
export const words = (name: string): string => name.replaceAll('_', ' ');

export const sentenceCase = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A value as a reader expects it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(value) ? time(value) : value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(shown).join(', ');
  return JSON.stringify(value);
}
