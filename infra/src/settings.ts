import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';
import { type FunctionName, FUNCTIONS } from './names.ts';

/** What each installation decides for itself; docs/OPERATIONS.md has the list. All else is the same everywhere. */
export interface Settings {
  /** Begins the names of tables, queues, functions and alarms: two installations can share an account. */
  readonly prefix: string;
  /** The folder with `<binary>/bootstrap` for each function, as `cargo lambda build` leaves it. */
  readonly binaries: string;
  readonly architecture: 'arm64' | 'x86_64';
  /** `aws`, or `local` for the emulator on this machine, which lacks some things (docs/AWS-LOCAL.md). */
  readonly stage: 'aws' | 'local';
  /** Whether waits over 15 minutes get a schedule of their own, or are found by the sweep alone. */
  readonly timers: 'scheduler' | 'due';
  /** Units a second that tables and indexes hold ready, at least and at most; without it they are paid for by what is used. */
  readonly capacity?: { readonly from: number; readonly to: number };
  /** Functions that nobody may call for now: `all`, or their names with commas between them. */
  readonly stopped: readonly FunctionName[];
  /** After a restore: what the names of the restored tables begin with, and the stream of the runs among them. */
  readonly restored?: { readonly prefix: string; readonly runsStreamArn: string };
  /** Seconds, at most 900: what is due later than this has a schedule. For tests, which do not wait for a quarter of an hour. */
  readonly longestDelay?: string;
  /** Who signs people in. Without one a user pool is made. */
  readonly identity?: { readonly issuer: string; readonly audience: readonly string[] };
  /** Where the console sends people to sign in at that issuer, where it gets their tokens, and as whom it asks. */
  readonly signIn?: SignInAt;
  /** Where alarms go: a new topic with this subscriber, or a topic that is there. */
  readonly alarmEmail?: string;
  readonly alarmTopicArn?: string;
  /** The domain that mails are from. Without one, identities are made by hand. */
  readonly mailDomain?: string;
  /** The domain that opens and clicks are counted under, always over TLS. */
  readonly trackingDomain?: string;
  /** The console's own name, with a certificate of us-east-1. */
  readonly consoleDomain?: { readonly name: string; readonly certificateArn: string };
  /** A web ACL (scope CLOUDFRONT) in front of the console. */
  readonly webAclArn?: string;
}

/** The two ends of the code flow (RFC 6749) at a provider, and the client that the console is to it. */
export interface SignInAt {
  readonly authorize: string;
  readonly token: string;
  readonly client: string;
  /** Where people sign out of the provider too. */
  readonly logout?: string;
}

/** The keys of the context, and of the file that `-c settings=FILE` names. */
const KEYS = {
  prefix: /^[a-z][a-z0-9-]{0,22}-$/,
  binaries: /./,
  architecture: /^(arm64|x86_64)$/,
  stage: /^(aws|local)$/,
  timers: /^(scheduler|due)$/,
  capacity: /^[1-9]\d{0,4}-[1-9]\d{0,4}$/,
  restoredTablePrefix: /^[a-z][a-z0-9-]{0,40}-$/,
  restoredRunsStreamArn: /^arn:aws[a-z-]*:dynamodb:[^/]+:table\/[^/]+\/stream\/.+$/,
  stopped: /^(all|[a-z,]+)$/,
  longestDelay: /^[1-9]\d{0,2}$/,
  issuer: /^https?:\/\/\S+$/,
  audience: /^\S+$/,
  authorizeUrl: /^https:\/\/\S+$/,
  tokenUrl: /^https:\/\/\S+$/,
  logoutUrl: /^https:\/\/\S+$/,
  consoleClient: /^\S+$/,
  alarmEmail: /^\S+@\S+$/,
  alarmTopicArn: /^arn:aws[a-z-]*:sns:/,
  mailDomain: /^[a-z0-9.-]+\.[a-z]+$/,
  trackingDomain: /^[a-z0-9.-]+\.[a-z]+$/,
  consoleDomain: /^[a-z0-9.-]+\.[a-z]+$/,
  consoleCertificateArn: /^arn:aws[a-z-]*:acm:us-east-1:/,
  webAclArn: /^arn:aws[a-z-]*:wafv2:us-east-1:/,
} as const;

type Key = keyof typeof KEYS;
type Given = Partial<Record<Key, string>>;

/**
 * Reads the settings: a key of the context wins over the file.
 *
 * @throws Error that names what is unknown, malformed or contradictory.
 */
export function settingsOf(node: Node): Settings {
  const file: unknown = node.tryGetContext('settings');
  const given = typeof file === 'string' ? ofFile(file) : {};
  for (const key of Object.keys(KEYS) as Key[]) {
    const value: unknown = node.tryGetContext(key);
    if (value !== undefined) given[key] = String(value);
  }
  return checked(given);
}

function ofFile(path: string): Given {
  const read: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof read !== 'object' || read === null || Array.isArray(read)) throw new Error(`${path}: not a JSON object`);
  for (const [key, value] of Object.entries(read)) {
    if (!(key in KEYS))
      throw new Error(`${path}: there is no setting \`${key}\`; known are ${Object.keys(KEYS).join(', ')}`);
    if (typeof value !== 'string') throw new Error(`${path}: \`${key}\` is not a text`);
  }
  return { ...(read as Given) };
}

function checked(given: Given): Settings {
  for (const [key, value] of Object.entries(given) as [Key, string][]) {
    if (!KEYS[key].test(value)) throw new Error(`setting ${key}: \`${value}\` does not match ${KEYS[key].source}`);
  }
  if (given.binaries === undefined) {
    throw new Error('setting binaries: say where the functions are, for example -c binaries=../target/lambda');
  }
  together(given, 'issuer', 'audience');
  together(given, 'authorizeUrl', 'tokenUrl');
  together(given, 'authorizeUrl', 'consoleClient');
  if (given.logoutUrl !== undefined && given.authorizeUrl === undefined) {
    throw new Error('settings logoutUrl and authorizeUrl: one without the other');
  }
  if (given.authorizeUrl !== undefined && given.issuer === undefined) {
    throw new Error('settings authorizeUrl and issuer: one without the other');
  }
  together(given, 'restoredTablePrefix', 'restoredRunsStreamArn');
  together(given, 'consoleDomain', 'consoleCertificateArn');
  if (given.alarmEmail !== undefined && given.alarmTopicArn !== undefined) {
    throw new Error('settings alarmEmail and alarmTopicArn: choose one of them');
  }
  if (given.capacity !== undefined && given.stage === 'local') {
    throw new Error('setting capacity: the emulator knows nothing of capacity that grows');
  }
  const { restoredTablePrefix, restoredRunsStreamArn } = given;
  const { issuer, audience, authorizeUrl, tokenUrl, logoutUrl, consoleClient } = given;
  const { consoleDomain, consoleCertificateArn } = given;
  return {
    prefix: given.prefix ?? 'carepath-',
    binaries: given.binaries,
    architecture: (given.architecture ?? 'arm64') as Settings['architecture'],
    stage: (given.stage ?? 'aws') as Settings['stage'],
    stopped: stoppedOf(given.stopped),
    timers: (given.timers ?? 'scheduler') as Settings['timers'],
    ...(given.capacity === undefined ? {} : { capacity: capacityOf(given.capacity) }),
    ...(restoredTablePrefix !== undefined && restoredRunsStreamArn !== undefined
      ? { restored: { prefix: restoredTablePrefix, runsStreamArn: restoredRunsStreamArn } }
      : {}),
    ...(issuer !== undefined && audience !== undefined ? { identity: { issuer, audience: audience.split(',') } } : {}),
    ...(authorizeUrl !== undefined && tokenUrl !== undefined && consoleClient !== undefined
      ? {
          signIn: {
            authorize: authorizeUrl,
            token: tokenUrl,
            client: consoleClient,
            ...(logoutUrl === undefined ? {} : { logout: logoutUrl }),
          },
        }
      : {}),
    ...(consoleDomain !== undefined && consoleCertificateArn !== undefined
      ? { consoleDomain: { name: consoleDomain, certificateArn: consoleCertificateArn } }
      : {}),
    ...kept(given, ['longestDelay', 'alarmEmail', 'alarmTopicArn', 'mailDomain', 'trackingDomain', 'webAclArn']),
  };
}

function capacityOf(given: string): NonNullable<Settings['capacity']> {
  const [from = 0, to = 0] = given.split('-').map(Number);
  if (from > to) throw new Error(`setting capacity: \`${given}\` begins above its end`);
  return { from, to };
}

function stoppedOf(given: string | undefined): readonly FunctionName[] {
  if (given === undefined) return [];
  if (given === 'all') return FUNCTIONS;
  const unknown = given.split(',').filter((it) => !FUNCTIONS.some((name) => name === it));
  if (unknown.length > 0) throw new Error(`setting stopped: there is no function ${unknown.join(', ')}`);
  return FUNCTIONS.filter((name) => given.split(',').includes(name));
}

function together(given: Given, one: Key, other: Key): void {
  if ((given[one] === undefined) !== (given[other] === undefined)) {
    throw new Error(`settings ${one} and ${other}: one without the other`);
  }
}

function kept<K extends Key>(given: Given, keys: readonly K[]): Partial<Record<K, string>> {
  return Object.fromEntries(keys.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]]))) as Partial<
    Record<K, string>
  >;
}
