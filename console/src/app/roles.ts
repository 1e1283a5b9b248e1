import { createContext, useContext } from 'react';

export type Role = 'ingest' | 'viewer' | 'editor' | 'admin';

export const RolesContext = createContext<Role[]>([]);

/** Whether whoever is signed in may do what takes this role. The API decides; this only hides what it would refuse. */
export const useMay = (role: Role): boolean => useContext(RolesContext).includes(role);
