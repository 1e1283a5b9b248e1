// Drawn here: no font and no file from elsewhere.
import type { ReactNode } from 'react';

const PATHS: Record<string, ReactNode> = {
  workflows: <><circle cx="5" cy="6" r="2.5" /><circle cx="19" cy="18" r="2.5" /><path d="M7.5 6H13a3 3 0 0 1 3 3v6a3 3 0 0 0 .6 1.8" /></>,
  contacts: <><circle cx="12" cy="8" r="3.5" /><path d="M4.5 20a7.5 7.5 0 0 1 15 0" /></>,
  templates: <><rect x="3" y="5" width="18" height="14" rx="2" /><path d="m4 7 8 6 8-6" /></>,
  segments: <><circle cx="9" cy="8" r="3" /><path d="M3 19a6 6 0 0 1 12 0M16 5.5a3 3 0 0 1 0 5M18 14a6 6 0 0 1 3 5" /></>,
  keys: <><circle cx="8" cy="15" r="4" /><path d="m11 12 9-9m-4 4 3 3" /></>,
  operations: <><path d="M3 12h4l3 7 4-14 3 7h4" /></>,
  entry: <path d="M4 12h12m-5-5 5 5-5 5M20 5v14" />,
  end: <><circle cx="12" cy="12" r="8" /><path d="m8.5 12 2.5 2.5 4.5-5" /></>,
  send: <><rect x="3" y="5" width="18" height="14" rx="2" /><path d="m4 7 8 6 8-6" /></>,
  wait: <><circle cx="12" cy="12" r="8.5" /><path d="M12 7v5l3 2" /></>,
  wait_for: <><path d="M6 3h12M6 21h12M7 3c0 5 10 5 10 9s-10 4-10 9m10-18c0 5-10 5-10 9s10 4 10 9" /></>,
  branch: <path d="M12 3v6m0 0-6 6v6m6-12 6 6v6" />,
  split: <path d="M12 3v5c0 4-6 4-6 8v5m6-13c0 4 6 4 6 8v5M9 8h6" />,
  update: <path d="m4 20 1-4L16 5l3 3L8 19l-4 1Z" />,
  segment: <><circle cx="9" cy="8" r="3" /><path d="M3 19a6 6 0 0 1 12 0M16 5.5a3 3 0 0 1 0 5M18 14a6 6 0 0 1 3 5" /></>,
  emit: <path d="M4 12h3m2-5 3 5-3 5m5-11a9 9 0 0 1 0 12m3-15a13 13 0 0 1 0 18" />,
  webhook: <path d="M8 8a4 4 0 1 1 5 4l-4 7m6-3h6M4 16a3 3 0 1 0 4 3" />,
  jump: <path d="M5 19c0-8 4-11 12-11m-4-4 4 4-4 4" />,
  exit: <path d="M14 4H6v16h8m-3-8h9m-3-3 3 3-3 3" />,
  event: <path d="M13 3 5 14h6l-1 7 8-11h-6l1-7Z" />,
  open: <><path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z" /><circle cx="12" cy="12" r="2.5" /></>,
  refused: <><circle cx="12" cy="12" r="8.5" /><path d="m6 6 12 12" /></>,
};

export function Icon({ name }: { name: string }) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {PATHS[name] ?? <circle cx="12" cy="12" r="6" />}
    </svg>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0f766e" />
      <path d="M8 10h6a4 4 0 0 1 4 4v4a4 4 0 0 0 4 4h2" fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <circle cx="8" cy="10" r="3" fill="#fff" /><circle cx="24" cy="22" r="3" fill="#fff" />
    </svg>
  );
}
