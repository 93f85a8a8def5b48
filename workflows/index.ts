export { draftApproval } from './draft-approval';
export { mailDelivery } from './mail-delivery';
