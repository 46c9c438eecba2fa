/** Host names as the DNS takes them: one spelling for a name, and a refusal of what can't be asked. */

import { domainToASCII } from 'node:url';

/** RFC 1035 §2.3.4: 255 octets on the wire, which is 253 characters of text without the final dot. */
const MAX_NAME_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;

/** Letters, digits, hyphen, and the underscore that real names have beside them. */
const LABEL = /^[a-z0-9_-]+$/;

/**
 * Lower case, A-labels (IDNA) for other scripts, without the final dot of an absolute name.
 *
 * @returns undefined for what is no host name: an empty or over-long name or label, other characters, or a last label
 *   of digits only, which is somebody's idea of an IPv4 address (`0`, `127.1`), never a name (RFC 3696 §2)
 */
export function normalizeName(name: string): string | undefined {
  let ascii = name.toLowerCase();
  for (let i = 0; i < ascii.length; i++) {
    if (ascii.charCodeAt(i) < 0x80) continue;
    ascii = domainToASCII(ascii);
    break;
  }
  if (ascii.endsWith('.')) ascii = ascii.slice(0, -1);
  if (ascii.length === 0 || ascii.length > MAX_NAME_LENGTH) return undefined;
  const labels = ascii.split('.');
  for (const label of labels) {
    if (label.length > MAX_LABEL_LENGTH || !LABEL.test(label)) return undefined;
  }
  return /^[0-9]+$/.test(labels[labels.length - 1]) ? undefined : ascii;
}
