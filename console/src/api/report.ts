// Reports: who went through a workflow, and how far.
import { ApiError, api, body, type Schemas } from './client';

export type WorkflowReport = Schemas['WorkflowReport'];
export type StepFigures = WorkflowReport['steps'][number];
export type StepContact = Schemas['InStep'];
export type Activity = Schemas['Activity'];
export type InState = 'waiting' | 'sent' | 'opened' | 'clicked' | 'ended';

export interface Period {
  version: number;
  from?: string | undefined;
  to?: string | undefined;
}

/** These routes have a table to give as well, for who asks for one. */
async function asJson<T>(answer: Promise<T>): Promise<Exclude<T, string>> {
  const found = await answer;
  if (typeof found === 'string') throw new ApiError(200, undefined);
  return found as Exclude<T, string>;
}

export const report = (id: string, { version, from, to }: Period): Promise<WorkflowReport> =>
  asJson(body(api().GET('/v1/workflows/{id}/report', { params: { path: { id }, query: { version: String(version), ...(from ? { from } : {}), ...(to ? { to } : {}) } } })));

export const stepContacts = (id: string, step: string, state: InState, version: number, cursor: string | undefined): Promise<Schemas['InStepPage']> =>
  asJson(body(api().GET('/v1/workflows/{id}/steps/{step}/contacts', { params: { path: { id, step }, query: { state, version: String(version), limit: 500, ...(cursor ? { cursor } : {}) } } })));

/** How busy each workflow is now, and was in the last 24 hours. */
export const activity = (): Promise<Schemas['Activities']> => body(api().GET('/v1/activity'));

export const total = (by: Record<string, number>): number => Object.values(by).reduce((sum, n) => sum + n, 0);

/** Ends that are no loss: the workflow was gone through, or what it is for has come true. */
const FINE = ['completed', 'goal'];

/** How many left at a step before the workflow was through with them. */
export const lost = (step: StepFigures): number =>
  Object.entries(step.ended).reduce((sum, [reason, n]) => (FINE.includes(reason) ? sum : sum + n), 0);

/** The share of those who came to a step that has to leave there before it is marked. */
export const MARKED = 0.1;

export const dropsOff = (step: StepFigures): boolean => step.entered > 0 && lost(step) / step.entered >= MARKED;
