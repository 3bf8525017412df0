import type { Checks, Report } from './check.js';
import { checkAddedHeaders } from './check-route.js';
import type { HttpHealthCheck } from './types.js';

const WITH_BODY = ['POST', 'PUT', 'PATCH', 'OPTIONS'];

export const HEALTH_CHECKS: Checks = {
  HttpHealthCheck(check, report) {
    checkStatuses(check, 'expected_statuses', report);
    checkStatuses(check, 'retriable_statuses', report);
    checkAddedHeaders(check.request_headers_to_add, report);
    if (check.send !== undefined && !WITH_BODY.includes(check.method)) {
      const method = check.method === 'METHOD_UNSPECIFIED' ? 'GET' : check.method;
      report(check, 'send', `a health check with method ${method} sends no body`, `method ${WITH_BODY.join(', ')}`);
    }
  },

  HealthCheckPayload(payload, report) {
    if (payload.text !== undefined && !/^([0-9a-fA-F]{2})*$/.test(payload.text)) {
      report(
        payload,
        'text',
        `${JSON.stringify(payload.text)} is no hexadecimal text`,
        'two hexadecimal digits a byte',
      );
    }
  },
};

/** Ranges of statuses include their start and exclude their end. */
function checkStatuses(
  check: HttpHealthCheck,
  field: 'expected_statuses' | 'retriable_statuses',
  report: Report,
): void {
  for (const range of check[field]) {
    if (range.start >= range.end) report(range, 'start', 'the range of statuses is empty', 'start less than end');
    else if (range.start < 100) report(range, 'start', 'the range of statuses begins too low', 'at least 100');
    else if (range.end > 600) report(range, 'end', 'the range of statuses ends too high', 'at most 600');
  }
}
