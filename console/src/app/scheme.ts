// Light or dark: as the system has it, until a reader says otherwise.
export type Scheme = 'system' | 'light' | 'dark';
const KEEP = 'carepath.scheme';

export function keptScheme(): Scheme {
  const kept = localStorage.getItem(KEEP);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export function applyScheme(scheme: Scheme = keptScheme()): void {
  if (scheme === 'system') localStorage.removeItem(KEEP);
  else localStorage.setItem(KEEP, scheme);
  document.documentElement.style.colorScheme = scheme === 'system' ? '' : scheme;
}
