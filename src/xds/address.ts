/** Why `text` is no IP address, null when it is one. */
export function addressFault(text: string): string | null {
  return isAddress(text) ? null : `${JSON.stringify(text)} is no IP address`;
}

function isAddress(text: string): boolean {
  if (!text.includes(':')) return isIpv4(text);
  const parts = text.split('%', 1)[0].split('::');
  if (parts.length > 2) return false;
  let groups = 0;
  for (const [i, part] of parts.entries()) {
    const words = part === '' ? [] : part.split(':');
    for (const [j, word] of words.entries()) {
      const last = i === parts.length - 1 && j === words.length - 1;
      if (last && word.includes('.')) {
        if (!isIpv4(word)) return false;
        groups += 2;
      } else if (/^[0-9a-fA-F]{1,4}$/.test(word)) groups++;
      else return false;
    }
  }
  return parts.length === 2 ? groups < 8 : groups === 8;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}
