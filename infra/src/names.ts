/** The functions, each a binary `carepath-<name>` of functions/. */
export const FUNCTIONS = ['api', 'engagement', 'timer', 'executor', 'projector'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** What a class of mail is called; each has its configuration set. */
export const CLASSES = ['care', 'operational', 'marketing'] as const;
export type MailClass = (typeof CLASSES)[number];

/** The metrics that the functions write in their logs, in the embedded metric format and without dimensions. */
export const NAMESPACE = 'Carepath';
export type Metric =
  | 'duplicate_send'
  | 'unknown_open'
  | 'runs_without_wakeup'
  | 'sweep_lag_seconds'
  | 'parked'
  | 'work_parked'
  | 'reconcile_drift'
  | 'reconcile_done';

/** Names of things that policies speak of before the things are there. */
export class Names {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  of(name: string): string {
    return this.prefix + name;
  }

  /** The log group of a function, where Lambda itself would look for it. */
  functionLog(name: FunctionName): string {
    return `/aws/lambda/${this.prefix}${name}`;
  }

  /** The log group of the HTTP API. */
  get accessLog(): string {
    return `/aws/http-api/${this.prefix}api`;
  }

  get sesEvents(): string {
    return this.of('ses-events');
  }

  get alarms(): string {
    return this.of('alarms');
  }

  get scheduleGroup(): string {
    return this.of('waits');
  }
}
