// `npm run alerts`: writes docs/alerts.md.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRuleFiles, renderAlertsPage } from './alerts-page';

writeFileSync(join(__dirname, '..', '..', 'docs', 'alerts.md'), renderAlertsPage(readRuleFiles()));
