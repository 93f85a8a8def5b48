// A Countersign with its API, and what an admin does with exports.
import { createPersonExportActivities } from '../../activities/person-export';
import { createSubjects } from '../../activities/personal-data/subject';
import type { PersonalDataStore } from '../../activities/user-erasure/stores/store';
import { TestApi } from '../api/test-api';
import { collect } from '../support/collect';
import { SETTINGS } from '../support/commands';
import { until } from '../support/until';
import { ErasureService } from '../user-erasure/erasure-service';

export interface ExportAnswer {
  id: string;
  status: string;
  createdAt: string;
  expiresAt: string | null;
  size: number | null;
  items: number | null;
  failure: string | null;
}

export class ExportService {
  private constructor(
    readonly erasures: ErasureService,
    readonly api: TestApi,
  ) {}

  static async create(options: Parameters<typeof ErasureService.create>[0] = {}): Promise<ExportService> {
    const erasures = await ErasureService.create(options);
    const { base } = erasures;
    const api = await TestApi.create({
      database: base.database,
      files: base.environment.FILES_URL as string,
      backups: base.environment.BACKUP_URL as string,
      temporal: base.temporal,
      settings: { SECRET_KEY: SETTINGS.SECRET_KEY },
    });
    return new ExportService(erasures, api);
  }

  get base() {
    return this.erasures.base;
  }
  get db() {
    return this.base.database.db;
  }
  get files() {
    return this.erasures.files;
  }

  async request(email: string): Promise<string> {
    const { status, body } = await this.api.admin.post('/api/gdpr/exports').send({ email });
    if (status !== 202) throw new Error(`No export was accepted: ${JSON.stringify(body)}`);
    return body.id;
  }
  async look(id: string): Promise<ExportAnswer> {
    return (await this.api.admin.get(`/api/gdpr/exports/${id}`)).body;
  }
  in(status: string, id: string, withinMs?: number): Promise<ExportAnswer> {
    const look = async () => {
      const answer = await this.look(id);
      return answer.status === status ? answer : null;
    };
    return until(`the export is ${status}`, look, withinMs);
  }
  content(id: string) {
    return this.api.admin.get(`/api/gdpr/exports/${id}/content`);
  }
  objects(): Promise<string[]> {
    return collect(this.files.list('exports/'));
  }
  /** The worker's activities, with these stores. */
  activities(stores: readonly PersonalDataStore[] = this.erasures.stores) {
    const { db, files } = this;
    return createPersonExportActivities({ db, files, subjects: createSubjects(SETTINGS.SECRET_KEY), stores });
  }

  async close(): Promise<void> {
    await this.api.close();
    await this.erasures.close();
  }
}
