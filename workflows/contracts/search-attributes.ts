import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** What an operator filters by in the Web UI; ensured in the namespace at start. Codes only. */
export const DraftStatusAttribute = defineSearchAttributeKey('DraftStatus', SearchAttributeType.KEYWORD);
export const ProcessAttribute = defineSearchAttributeKey('Process', SearchAttributeType.KEYWORD);
export const ServiceAttribute = defineSearchAttributeKey('Service', SearchAttributeType.KEYWORD);
export const SEARCH_ATTRIBUTES = [DraftStatusAttribute, ProcessAttribute, ServiceAttribute];
