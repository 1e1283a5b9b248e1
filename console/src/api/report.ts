// Reports: who went through a workflow, and how far.
import { ask } from './client';
import { apiBase } from '../lib/config';

export interface StepFigures {
  id: string;
  kind: string;
  entered: number;
  waiting: number;
  moved_on: number;
  ended: Record<string, number>;
  edges: Record<string, number>;
  sent: number;
  skipped: Record<string, number>;
  delivered: number;
  bounced: number;
  complained: number;
  unsubscribed: number;
  unknown: number;
  opened: { human: number; machine: number };
  clicked: { human: number; machine: number; links: Record<string, number> };
}

export interface WorkflowReport {
  workflow: string;
  version: number;
  as_of: string;
  steps: StepFigures[];
  totals: { entered: number; active: number; ended: Record<string, number>; goal: number };
}

export interface Period {
  version?: number | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

const query = (values: Record<string, string | number | undefined>): string => {
  const pairs = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length > 0 ? `?${new URLSearchParams(pairs).toString()}` : '';
};

export const report = (workflow: string, period: Period): Promise<WorkflowReport> =>
  ask(`${apiBase()}/v1/workflows/${encodeURIComponent(workflow)}/report${query({ ...period })}`);

export type InState = 'waiting' | 'sent' | 'opened' | 'clicked' | 'ended';

export interface StepContact {
  /** Nobody's any more once the contact is deleted. */
  contact: string | null;
  run: string;
  version: number;
  state: 'waiting' | 'moved_on' | 'ended';
  entered: string;
  left: string | null;
  ended: string | null;
}

export interface StepContacts {
  items: StepContact[];
  next: string | null;
}

export const stepContacts = (
  workflow: string, step: string, state: InState, version: number | undefined, cursor: string | undefined, limit = 500,
): Promise<StepContacts> =>
  ask(`${apiBase()}/v1/workflows/${encodeURIComponent(workflow)}/steps/${encodeURIComponent(step)}/contacts${query({ state, version, cursor, limit })}`);

/** How busy a workflow is now, and was in the last 24 hours. */
export interface Activity { workflow: string; live: number; entered: number; ended: number }

export const activity = (): Promise<{ as_of: string; items: Activity[] }> => ask(`${apiBase()}/v1/activity`);

export const total = (by: Record<string, number>): number => Object.values(by).reduce((sum, n) => sum + n, 0);

/** Ends that are no loss: the workflow was gone through, or what it is for has come true. */
const FINE = ['completed', 'goal'];

/** How many left at a step before the workflow was through with them. */
export const lost = (step: StepFigures): number =>
  Object.entries(step.ended).reduce((sum, [reason, n]) => (FINE.includes(reason) ? sum : sum + n), 0);

/** The share of those who came to a step that has to leave there before it is marked. */
export const MARKED = 0.1;

export const dropsOff = (step: StepFigures): boolean => step.entered > 0 && lost(step) / step.entered >= MARKED;
