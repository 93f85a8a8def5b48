// `npm run dashboards`: writes the dashboards as the JSON that Grafana reads, beside their code.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARDS, render } from './index';

for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
  writeFileSync(join(__dirname, `${name}.json`), render(dashboard));
}
