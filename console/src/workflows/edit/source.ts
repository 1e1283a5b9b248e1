// A document as text, and changes of it that leave the rest of the text as its author wrote it.
import { isMap, isNode, isScalar, LineCounter, parseDocument, stringify, type Document } from 'yaml';
import { END, isFields, kindOf, type Fields, type Kind, type Way } from '../document';

export type Path = (string | number)[];

export interface Source {
  text: string;
  tree: Document.Parsed;
  lines: LineCounter;
  /** What it says; undefined where it cannot be read. */
  document: Fields | undefined;
  faults: { message: string; from: number; to: number }[];
}

export function read(text: string): Source {
  const lines = new LineCounter();
  const tree = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = tree.errors.map(({ message, pos }) => ({ message, from: pos[0], to: Math.max(pos[1], pos[0] + 1) }));
  let document: unknown;
  try {
    document = faults.length === 0 ? tree.toJS() : undefined;
  } catch {
    document = undefined;
  }
  return { text, tree, lines, document: isFields(document) ? document : undefined, faults };
}

/** What the API keeps is JSON; people read YAML. */
export const write = (document: unknown): string => stringify(document, { lineWidth: 120, defaultStringType: 'PLAIN' });

export function pathOf(pointer: string): Path {
  return pointer.split('/').slice(1).map(part => part.replaceAll('~1', '/').replaceAll('~0', '~')).map(part => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Where in the text something stands that a JSON Pointer names, or the nearest thing around it. */
export function rangeOf({ tree, text }: Source, pointer: string): { from: number; to: number } {
  const path = pathOf(pointer);
  for (let length = path.length; length > 0; length -= 1) {
    const part = path.slice(0, length);
    const parent = tree.getIn(part.slice(0, -1), true);
    const name = part.at(-1);
    const key = isMap(parent) ? parent.items.map(item => item.key).find(key => isScalar(key) && String(key.value) === String(name)) : undefined;
    const value = tree.getIn(part, true);
    const found = isNode(key) ? key : isNode(value) ? value : undefined;
    if (found?.range) return { from: found.range[0], to: Math.min(found.range[1], text.length) };
  }
  return { from: 0, to: Math.min(text.length, Math.max(text.indexOf('\n'), 0)) };
}

export const lineOf = (source: Source, pointer: string): number => source.lines.linePos(rangeOf(source, pointer).from).line;

function changed(source: Source, change: (tree: Document.Parsed) => void): string {
  const tree = parseDocument(source.text);
  change(tree);
  return tree.toString({ lineWidth: 120 });
}

/** Sets what is at a path; undefined takes it out. */
export function set(source: Source, path: Path, value: unknown): string {
  return changed(source, tree => {
    if (value === undefined) tree.deleteIn(path);
    else tree.setIn(path, tree.createNode(value));
  });
}

const FIRST: Record<Kind, () => Fields> = {
  send: () => ({ template: '' }),
  wait: () => ({ for: '1d' }),
  wait_for: () => ({ paths: [{ event: 'something_happened', next: END }], timeout: '3d', next: END }),
  branch: () => ({ cases: [{ when: { attribute: 'name', exists: true }, next: END }], next: END }),
  split: () => ({ shares: [{ weight: 50, next: END }, { weight: 50, next: END }] }),
  update: () => ({ set: {} }),
  segment: () => ({ add: '' }),
  emit: () => ({ event: 'something_happened' }),
  webhook: () => ({ url: 'https://' }),
  jump: () => ({ step: END }),
  exit: () => ({ reason: 'done' }),
};

/** Kinds whose ways stand within them; the others lead on by the `next` beside them. */
const INSIDE: string[] = ['wait_for', 'branch', 'split', 'jump', 'exit'];
export const leadsOn = (kind: string): boolean => !INSIDE.includes(kind);

export function freshName(document: Fields | undefined, kind: string): string {
  const steps = isFields(document?.steps) ? document.steps : {};
  for (let nth = 1; ; nth += 1) {
    const name = nth === 1 ? kind : `${kind}_${nth}`;
    if (!(name in steps) && name !== END) return name;
  }
}

/** The step that comes after one, where only its place in the document says so. */
function follower(document: Fields | undefined, id: string): unknown {
  const step = isFields(document?.steps) ? document.steps[id] : undefined;
  return isFields(step) ? (step.next ?? END) : END;
}

/** Puts a step after another one, between it and what came after; or by itself, where that has no single way on. */
export function addStep(source: Source, kind: Kind, name: string, after: string | undefined): string {
  const steps = isFields(source.document?.steps) ? source.document.steps : {};
  const before = after === undefined ? undefined : steps[after];
  const between = after !== undefined && isFields(before) && leadsOn(kindOf(before));
  const next = between ? follower(source.document, after) : END;
  const own = FIRST[kind]();
  if (kind === 'branch' || kind === 'wait_for') own.next = next;
  const step = { [kind]: own, ...(leadsOn(kind) ? { next } : {}) };
  return changed(source, tree => {
    // The last step may leave out where it leads. It is the last no more.
    for (const [id, value] of Object.entries(steps)) if (isFields(value) && leadsOn(kindOf(value)) && value.next === undefined) tree.setIn(['steps', id, 'next'], END);
    if (!tree.hasIn(['steps'])) tree.setIn(['steps'], tree.createNode({}));
    tree.setIn(['steps', name], tree.createNode(step));
    if (between) tree.setIn(['steps', after, 'next'], name);
    if (after === 'entry') {
      const start = typeof source.document?.start === 'string' ? source.document.start : Object.keys(steps)[0];
      tree.setIn(['start'], name);
      if (start && leadsOn(kind)) tree.setIn(['steps', name, 'next'], start);
    }
  });
}

/** Takes a step out. Whoever led to it leads to where it led, if that is one place, and to the end if not. */
export function removeStep(source: Source, id: string, ways: Way[]): string {
  const steps = isFields(source.document?.steps) ? source.document.steps : {};
  const step = steps[id];
  const next = isFields(step) && leadsOn(kindOf(step)) ? follower(source.document, id) : END;
  const target = next === id ? END : next;
  return changed(source, tree => {
    for (const way of ways) {
      if (way.to !== id || way.from === id) continue;
      if (way.pointer[0] === 'start') {
        if (target === END) tree.deleteIn(['start']);
        else tree.setIn(['start'], target);
      } else tree.setIn(way.pointer, target);
    }
    tree.deleteIn(['steps', id]);
  });
}

/** Leads a step's main way to another step. A branch gets one more case, which its author then fills in. */
export function connect(source: Source, from: string, target: string): string {
  if (from === 'entry') return set(source, ['start'], target);
  const steps = isFields(source.document?.steps) ? source.document.steps : {};
  const kind = kindOf(steps[from]);
  if (leadsOn(kind)) return set(source, ['steps', from, 'next'], target);
  if (kind === 'jump') return set(source, ['steps', from, 'jump', 'step'], target);
  if (kind === 'wait_for' || kind === 'branch') return set(source, ['steps', from, kind, 'next'], target);
  if (kind === 'split') {
    const own = (steps[from] as Fields).split;
    const shares = isFields(own) && Array.isArray(own.shares) ? own.shares.length : 0;
    return set(source, ['steps', from, 'split', 'shares', shares], { weight: 10, next: target });
  }
  return source.text;
}
