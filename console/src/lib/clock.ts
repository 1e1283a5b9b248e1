// What time it is for the system. The clock of `carepath dev` can be moved, and "the last 24 hours" are its, not the reader's.
import { currentConfig } from './config';

let ahead = 0;

/** Asks the clock of this machine how far it has been moved. Elsewhere time is time. */
export async function readClock(): Promise<number> {
  const { dev } = currentConfig();
  if (dev) {
    const answer = await fetch(`${dev}/clock`).catch(() => undefined);
    if (answer?.ok) ahead = new Date(((await answer.json()) as { now: string }).now).getTime() - Date.now();
  }
  return ahead;
}

export const now = (): number => Date.now() + ahead;
