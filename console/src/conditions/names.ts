// Names that a condition may have, as far as whoever writes it may ask for them.
import { useQuery } from '@tanstack/react-query';
import { createContext } from 'react';
import { api, body, type Schemas } from '../api/client';
import { useMay } from '../app/roles';
import { isFields } from '../workflows/document';

export type AttributeType = Schemas['Attributes']['attributes'][string]['type'];

export interface Names {
  /** Declared attributes with their types; empty for who may not read the schema. */
  attributes: Record<string, AttributeType>;
  events: string[];
  segments: string[];
  topics: string[];
  steps: string[];
}

export const NO_NAMES: Names = { attributes: {}, events: [], segments: [], topics: [], steps: [] };
export const NamesContext = createContext<Names>(NO_NAMES);

/** Strings that stand under these fields, anywhere in a document. */
export function namedIn(value: unknown, fields: string[], found = new Set<string>()): string[] {
  if (Array.isArray(value)) value.forEach(inner => namedIn(inner, fields, found));
  else if (isFields(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (fields.includes(name) && typeof inner === 'string') found.add(inner);
      else namedIn(inner, fields, found);
    }
  }
  return [...found].sort();
}

/** Names of events: under `event` stands a property's path where something is compared with it, and an event's name elsewhere. */
function eventsIn(value: unknown, found = new Set<string>()): string[] {
  if (Array.isArray(value)) value.forEach(inner => eventsIn(inner, found));
  else if (isFields(value)) {
    const names = Object.keys(value);
    const compares = 'event' in value && names.length === 2 && names.some(name => /^(eq|ne|gte?|lte?|in|not_in|contains|starts_with|ends_with|exists|before|after|on|within_next|eq_entry)$/.test(name));
    if (typeof value.event === 'string' && !compares) found.add(value.event);
    if (typeof value.did === 'string') found.add(value.did);
    Object.values(value).forEach(inner => eventsIn(inner, found));
  }
  return [...found].sort();
}

/** The names that a document has, and those that the API gives to this reader. */
export function useNames(document: unknown): Names {
  const [editor, admin] = [useMay('editor'), useMay('admin')];
  const segments = useQuery({ queryKey: ['segments'], queryFn: () => body(api().GET('/v1/segments', { params: { query: { limit: 1000 } } })), enabled: editor });
  const schema = useQuery({ queryKey: ['schema'], queryFn: () => body(api().GET('/v1/schema')), enabled: admin, staleTime: 60_000 });
  const declared = Object.entries(schema.data?.attributes ?? {}).map(([name, { type }]) => [name, type] as const);
  return {
    attributes: Object.fromEntries(declared), events: eventsIn(document), segments: (segments.data?.items ?? []).map(({ id = '' }) => id),
    topics: namedIn(document, ['topic', 'subscribed']), steps: isFields(document) && isFields(document.steps) ? Object.keys(document.steps) : [],
  };
}
