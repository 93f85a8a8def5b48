// What every page is made of: text that cannot become markup, and a policy that lets nothing but its own style in.
import { createHash } from 'node:crypto';

export const escaped = (text: string) => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);

/** @param iso a time, ISO 8601 */
export const when = (iso: string) =>
  `<time datetime="${escaped(iso)}">${escaped(iso.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))}</time>`;

/** The Content-Security-Policy of a page without scripts. @param style exactly what stands between its style tags */
export const policyFor = (style: string) =>
  `default-src 'none';style-src 'sha256-${createHash('sha256').update(style).digest('base64')}';base-uri 'none';form-action 'none';frame-ancestors 'none'`;
