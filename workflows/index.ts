export { auditRetention } from './audit-retention';
export { draftApproval } from './draft-approval';
export { draftRetention } from './draft-retention';
export { mailDelivery } from './mail-delivery';
export { operations } from './operations';
export { restore } from './restore';
export { restoreDrill } from './restore-drill';
export { reconcileRestore, undoRestore } from './restore-follow-up';
export { userErasure } from './user-erasure';
