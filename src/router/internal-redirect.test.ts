import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RedirectHistory } from './internal-redirect.js';

it('each route keeps its own list of the routes it has led to', () => {
  const history = new RedirectHistory();
  assert.equal(history.firstVisit('a', 'b'), true);
  assert.equal(history.firstVisit('b', 'b'), true);
  assert.equal(history.firstVisit('a', 'b'), false);
  assert.equal(history.firstVisit('a', 'a'), true);
});
