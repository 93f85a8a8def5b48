// Files of the set that the restored database names and that are gone.
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import type { Manifest } from '../backup/manifest';

/** @returns how many were put back */
export async function putFilesBack(
  _tools: RecoveryTools,
  _manifest: Manifest,
  _url: string,
  _beat: (beat: StepBeat) => void,
): Promise<number> {
  return 0;
}
