// The four dashboards, by the name of their file.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { application } from './application';
import { business } from './business';
import { database } from './database';
import { temporal } from './temporal';

export const DASHBOARDS: Record<string, Dashboard> = { application, business, database, temporal };

export const render = (dashboard: Dashboard) => `${JSON.stringify(dashboard, null, 2)}\n`;
