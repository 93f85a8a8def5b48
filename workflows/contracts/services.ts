// Names the external services whose state operators see. A lane works for the first two; processes use the others by themselves.
import { HUBSPOT_LANE, MAIL_LANE } from './lane';

export const LANES = [MAIL_LANE, HUBSPOT_LANE] as const;
export type Lane = (typeof LANES)[number];
/** The type of each lane's workflow. */
export const LANE_WORKFLOWS = { [MAIL_LANE]: 'mailDelivery', [HUBSPOT_LANE]: 'crmSync' } as const;

/** The store under FILES_URL. */
export const FILE_STORE = 'file_store';
/** The store under BACKUP_URL. */
export const BACKUP_STORE = 'backup_store';
export type StoreService = typeof FILE_STORE | typeof BACKUP_STORE;

export const SERVICES = [...LANES, FILE_STORE, BACKUP_STORE] as const;
export type Service = (typeof SERVICES)[number];

export const isLane = (service: string): service is Lane => (LANES as readonly string[]).includes(service);
export const isService = (name: string): name is Service => (SERVICES as readonly string[]).includes(name);
