// The scan and its sources, as the worker puts them together.
export type { Planted, ScanItem, ScanReport, ScanSource, SourceReport, Subject } from './report';
export { createScan, type Scan } from './scan';
export { createFilesSource } from './sources/files';
export { createHubspotSource } from './sources/hubspot';
export { createObjectsSource, KEPT_BACKUP_PREFIXES, type ObjectFolder } from './sources/objects';
export { createPostgresSource } from './sources/postgres';
export { createRedisSource } from './sources/redis';
export { createTemporalSource } from './sources/temporal';
