// The dashboards as they are checked in. test/observability/prometheus.test.ts asks a real Prometheus all their queries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARDS, render } from '../../ops/dashboards';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { PANELS } from './panels';

it.each(Object.entries(DASHBOARDS))('%s.json is what its code makes (npm run dashboards)', (name, dashboard) => {
  expect(readFileSync(join(PACKAGE_ROOT, 'ops', 'dashboards', `${name}.json`), 'utf8')).toBe(render(dashboard));
});

it('every panel has a query, and says what it shows', () => {
  expect(PANELS.length).toBeGreaterThan(60);
  expect(PANELS.filter(({ description, targets }) => !description || targets.length === 0)).toEqual([]);
});
