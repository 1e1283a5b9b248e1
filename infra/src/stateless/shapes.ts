import type { FunctionName } from '../names.ts';

/** How much of a machine a function gets, for how long, and how many of it there may be. */
export interface Shape {
  /** MiB, and with it a share of the processor. */
  readonly memory: number;
  readonly seconds: number;
  /** Reserved: as many of them as there can be at a time, and for nobody else. */
  readonly concurrency: number;
  readonly does: string;
}

export const SHAPES: Record<FunctionName, Shape> = {
  // The gateway waits 30 seconds for an answer.
  api: { memory: 512, seconds: 29, concurrency: 50, does: 'answers the HTTP API' },
  engagement: { memory: 256, seconds: 30, concurrency: 20, does: 'hears what became of mails' },
  timer: { memory: 256, seconds: 60, concurrency: 5, does: 'wakes what is due, sweeps' },
  // A claim needs 17 seconds of an invocation, of which a batch of ten may make several.
  executor: { memory: 512, seconds: 60, concurrency: 40, does: 'moves runs, sends mails, calls webhooks, does tasks' },
  projector: { memory: 256, seconds: 60, concurrency: 20, does: 'counts for the reports' },
};
